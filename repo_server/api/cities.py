"""Cities and what their labs' figures say."""

import csv
import io
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.indicators import Figure
from commons.wire import Asked
from repo_server import cities, coalitions, labs
from repo_server.api import auth
from repo_server.api.messages import read
from repo_server.coalitions import CityFigures
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables.people import CityRole

bp = Blueprint("api_cities", __name__, url_prefix="/api/v1")


class NewEditor(Asked):
    handle: Annotated[str, Field(max_length=80)]


_COLUMNS = ("city", "set", *Figure.__dataclass_fields__)


@bp.post("/cities")
@auth.admin(Scope.CITY_WRITE)
def create_city() -> ResponseReturnValue:
    """201 with the new city; 409 when its slug is taken."""
    wanted = read(labs.NewCity)
    with transaction(current_app.extensions["engine"]) as session:
        city = labs.create_city(session, wanted)
    return jsonify(id=city.id, slug=city.slug, name=city.name), 201


@bp.post("/cities/<city>/editors")
@auth.admin(Scope.CITY_WRITE)
def appoint_editor(city: str) -> ResponseReturnValue:
    """204; the person speaks for the city."""
    asked = read(NewEditor)
    with transaction(current_app.extensions["engine"]) as session:
        cities.appoint_editor(session, labs.city_of(session, city), handle=asked.handle)
    return "", 204


@bp.post("/cities/<city>/pledge")
@auth.city_role(CityRole.EDITOR)
def quote_pledge(city: str) -> ResponseReturnValue:
    """204; the city's page quotes the pledge with its source."""
    quoted = read(cities.Pledge)
    with transaction(current_app.extensions["engine"]) as session:
        cities.quote_pledge(labs.city_of(session, city), quoted)
    return "", 204


@bp.get("/cities/<city>/figures")
@auth.public
def show_figures(city: str) -> ResponseReturnValue:
    """200 with the city's figures in ?period=YYYY (this year when none is named).

    `rehearsal` holds those of simulated machines, which count in no other.
    """
    shown = _figures(city)
    return jsonify(
        city={"slug": shown.city.slug, "name": shown.city.name},
        period=shown.period,
        figures=[asdict(figure) for figure in shown.figures],
        material_g=shown.material_g,
        rehearsal=[asdict(figure) for figure in shown.rehearsal],
        rehearsal_material_g=shown.rehearsal_material_g,
    )


@bp.get("/cities/<city>/figures.csv")
@auth.public
def export_figures(city: str) -> ResponseReturnValue:
    """200 with the same figures, one a line; an empty cell is not known, and never a zero."""
    shown = _figures(city)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for name, figures in (("made", shown.figures), ("rehearsal", shown.rehearsal)):
        for figure in figures:
            table.writerow((shown.city.slug, name, *asdict(figure).values()))
    answer = Response(out.getvalue(), mimetype="text/csv")
    file_name = f"{shown.city.slug}-{shown.period}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def _figures(city: str) -> CityFigures:
    period = coalitions.year(request.args.get("period") or str(datetime.now(UTC).year))
    with reading(current_app.extensions["engine"]) as session:
        return coalitions.show_figures(session, labs.city_of(session, city), period=period)
