"""A city's page: what its labs made, and what that took."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from commons.indicators import Figure
from repo_server import coalitions, labs
from repo_server.api import auth
from repo_server.db import reading
from repo_server.web import charts

bp = Blueprint("cities", __name__)

# What is seen first: what was made, of what, how far that is known, next to what the city takes.
HEADLINES = ("made", "local_material", "provenance", "content_self_supply", "footprint")


@bp.get("/cities/<city>")
@auth.public
def show_city(city: str) -> ResponseReturnValue:
    """The city's figures in the year ?period=, this one without it; rehearsals apart."""
    now = datetime.now(UTC)
    period = coalitions.year(request.args.get("period", str(now.year)))
    with reading(current_app.extensions["engine"]) as session:
        row = labs.city_of(session, city)
        shown = coalitions.show_figures(session, coalitions.Inside(row.name, (row,)), period=period)
        of_city = labs.list_labs(session, row.id)
    return render_template(
        "city.html",
        city=row,
        labs=of_city,
        period=period,
        earlier=period - 1 if period > coalitions.YEARS[0] else None,
        later=period + 1 if period < now.year else None,
        headlines=[_drawn(figure) for figure in shown.figures if figure.key in HEADLINES],
        figures=[_drawn(figure) for figure in shown.figures if figure.key not in HEADLINES],
        slices=charts.ring_slices(shown.material_g),
        rehearsal=[_drawn(figure) for figure in shown.rehearsal],
        rehearsal_slices=charts.ring_slices(shown.rehearsal_material_g),
    )


def _drawn(figure: Figure) -> tuple[Figure, charts.Whisker | None]:
    """The figure with the marks of its interval."""
    return figure, charts.whisker(figure)
