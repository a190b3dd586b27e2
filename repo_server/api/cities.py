"""Cities and what their labs' figures say."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlmodel import Session

from commons.city_statistics import Statistic
from commons.flows import Ring
from commons.indicators import Figure
from commons.wire import Asked, Told
from repo_server import cities, coalitions, labs
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables.people import CityRole

bp = Blueprint("api_cities", __name__, url_prefix="/api/v1")


class NewEditor(Asked):
    handle: Annotated[str, Field(max_length=80)]


class Period(Asked):
    period: Annotated[str, Field(description="the year; this one when it is left out")] = ""


class MadePlace(Told):
    id: str
    slug: str
    name: str


class CityNamed(Told):
    slug: str
    name: str


class FiguresShown(Told):
    """`rehearsal` holds the figures of simulated machines, which count in no other.

    Masses are in g, by the ring where the material was last substantially made.
    """

    city: CityNamed
    period: str
    figures: tuple[Figure, ...]
    material_g: Mapping[Ring, float]
    rehearsal: tuple[Figure, ...]
    rehearsal_material_g: Mapping[Ring, float]


class StatisticsBrought(Told):
    statistics: tuple[Statistic, ...]


_COLUMNS = ("city", "set", *Figure.__dataclass_fields__)


@bp.post("/cities")
@auth.admin(Scope.CITY_WRITE)
@answers({201: MadePlace}, refuses=(409,), keyed=True)
def create_city(asked: labs.NewCity) -> ResponseReturnValue:
    """201 with the new city; 409 when its slug is taken."""

    def make(session: Session, _now: datetime) -> tuple[int, MadePlace]:
        city = labs.create_city(session, asked)
        return 201, MadePlace(id=city.id, slug=city.slug, name=city.name)

    return made_once(make)


@bp.post("/cities/<city>/editors")
@auth.admin(Scope.CITY_WRITE)
@answers({204: None})
def appoint_editor(city: str, asked: NewEditor) -> ResponseReturnValue:
    """204; the person speaks for the city."""
    with transaction(current_app.extensions["engine"]) as session:
        cities.appoint_editor(session, labs.city_of(session, city), handle=asked.handle)
    return "", 204


@bp.post("/cities/<city>/pledge")
@auth.city_role(CityRole.EDITOR)
@answers({204: None})
def quote_pledge(city: str, asked: cities.Pledge) -> ResponseReturnValue:
    """204; the city's page quotes the pledge with its source."""
    with transaction(current_app.extensions["engine"]) as session:
        cities.quote_pledge(labs.city_of(session, city), asked)
    return "", 204


@bp.put("/cities/<city>/statistics")
@auth.city_role(CityRole.EDITOR)
@answers({200: StatisticsBrought})
def bring_statistics(city: str, asked: cities.NewStatistics) -> ResponseReturnValue:
    """200 with the year's statistics as they were read, in place of what was there."""
    by = auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        found = cities.bring_statistics(
            session, labs.city_of(session, city), asked, by=by, now=datetime.now(UTC)
        )
    return write(StatisticsBrought(statistics=tuple(found)))


@bp.put("/cities/<city>/boundary")
@auth.city_role(CityRole.EDITOR)
@answers({204: None})
def draw_boundary(city: str, asked: cities.NewBoundary) -> ResponseReturnValue:
    """204; the city's boundary is this one."""
    with transaction(current_app.extensions["engine"]) as session:
        cities.draw_boundary(labs.city_of(session, city), asked)
    return "", 204


@bp.get("/cities/<city>/context")
@auth.public
@answers({200: cities.CityContext})
def show_context(city: str) -> ResponseReturnValue:
    """200 with what is known of the city beside its labs."""
    with reading(current_app.extensions["engine"]) as session:
        return write(cities.context(session, labs.city_of(session, city)))


@bp.get("/cities/<city>/figures")
@auth.public
@answers({200: FiguresShown})
def show_figures(city: str, query: Period) -> ResponseReturnValue:
    """200 with the city's figures in ?period=YYYY (this year when none is named).

    `rehearsal` holds those of simulated machines, which count in no other.
    """
    return write(_figures(city, query))


@bp.get("/cities/<city>/figures.csv")
@auth.public
@answers({200: Raw("text/csv")})
def export_figures(city: str, query: Period) -> ResponseReturnValue:
    """200 with the same figures, one a line; an empty cell is not known, and never a zero."""
    shown = _figures(city, query)
    data = shown.model_dump(mode="json")
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for name, figures in (("made", data["figures"]), ("rehearsal", data["rehearsal"])):
        table.writerows((shown.city.slug, name, *figure.values()) for figure in figures)
    answer = Response(out.getvalue(), mimetype="text/csv")
    file_name = f"{shown.city.slug}-{shown.period}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def _figures(city: str, query: Period) -> FiguresShown:
    period = coalitions.year(query.period or str(datetime.now(UTC).year))
    with reading(current_app.extensions["engine"]) as session:
        row = labs.city_of(session, city)
        shown = coalitions.show_figures(session, coalitions.Inside(row.name, (row,)), period=period)
    return FiguresShown(
        city=CityNamed(slug=row.slug, name=row.name),
        period=shown.period,
        figures=tuple(shown.figures),
        material_g=shown.material_g,
        rehearsal=tuple(shown.rehearsal),
        rehearsal_material_g=shown.rehearsal_material_g,
    )
