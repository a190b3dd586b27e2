"""A city's page: what its labs made, and what that took."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from repo_server import coalitions, labs
from repo_server.api import auth
from repo_server.db import reading
from repo_server.web import charts

bp = Blueprint("cities", __name__)


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
        figures=[(figure, charts.whisker(figure)) for figure in shown.figures],
        slices=charts.ring_slices(shown.material_g),
        rehearsal=[(figure, charts.whisker(figure)) for figure in shown.rehearsal],
        rehearsal_slices=charts.ring_slices(shown.rehearsal_material_g),
    )
