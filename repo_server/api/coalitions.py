"""Coalitions of cities: who is in them, and what their labs' figures say together."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.flows import Ring
from commons.indicators import Figure
from commons.wire import Told
from repo_server import coalition_members, coalitions, labs
from repo_server.api import auth
from repo_server.api.cities import CityNamed, MadePlace, Period
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.people import Scope

bp = Blueprint("api_coalitions", __name__, url_prefix="/api/v1")


class CoalitionShown(Told):
    """`cities` are all that belong to it, through its `parts` too, each once."""

    slug: str
    name: str
    cities: tuple[CityNamed, ...]
    parts: tuple[str, ...]


class CoalitionFigures(Told):
    """As of a city, of all events of its cities together."""

    slug: str
    name: str
    period: str
    figures: tuple[Figure, ...]
    material_g: Mapping[Ring, float]
    rehearsal: tuple[Figure, ...]
    rehearsal_material_g: Mapping[Ring, float]


@bp.post("/coalitions")
@auth.admin(Scope.CITY_WRITE)
@answers({201: MadePlace}, refuses=(409,), keyed=True)
def create_coalition(asked: coalition_members.NewCoalition) -> ResponseReturnValue:
    """201 with the new coalition; 409 when its slug is taken."""

    def make(session: Session, _now: datetime) -> tuple[int, MadePlace]:
        row = coalition_members.create(session, asked)
        return 201, MadePlace(id=row.id, slug=row.slug, name=row.name)

    return made_once(make)


@bp.put("/coalitions/<coalition>/cities/<city>")
@auth.admin(Scope.CITY_WRITE)
@answers({204: None})
def join_city(coalition: str, city: str) -> ResponseReturnValue:
    """204; the city is a member."""
    with transaction(current_app.extensions["engine"]) as session:
        row = coalition_members.of_slug(session, coalition)
        coalition_members.join_city(session, row, labs.city_of(session, city))
    return "", 204


@bp.put("/coalitions/<coalition>/parts/<part>")
@auth.admin(Scope.CITY_WRITE)
@answers({204: None})
def join_coalition(coalition: str, part: str) -> ResponseReturnValue:
    """204; the other coalition is a part of it. 422 where that would put it inside itself."""
    with transaction(current_app.extensions["engine"]) as session:
        row = coalition_members.of_slug(session, coalition)
        other = coalition_members.of_slug(session, part)
        coalition_members.join_coalition(session, row, other)
    return "", 204


@bp.get("/coalitions/<coalition>")
@auth.public
@answers({200: CoalitionShown})
def show_coalition(coalition: str) -> ResponseReturnValue:
    """200 with the cities and the parts of it."""
    with reading(current_app.extensions["engine"]) as session:
        row = coalition_members.of_slug(session, coalition)
        cities = coalition_members.cities_of(session, row)
        parts = coalition_members.parts_of(session, row)
        shown = CoalitionShown(
            slug=row.slug,
            name=row.name,
            cities=tuple(CityNamed(slug=city.slug, name=city.name) for city in cities),
            parts=tuple(part.slug for part in parts),
        )
    return write(shown)


@bp.get("/coalitions/<coalition>/figures")
@auth.public
@answers({200: CoalitionFigures})
def show_figures_together(coalition: str, query: Period) -> ResponseReturnValue:
    """200 with the figures of its cities together in ?period=YYYY, this year without it."""
    period = coalitions.year(query.period or str(datetime.now(UTC).year))
    with reading(current_app.extensions["engine"]) as session:
        row = coalition_members.of_slug(session, coalition)
        inside = coalitions.Inside(row.name, tuple(coalition_members.cities_of(session, row)))
        shown = coalitions.show_figures(session, inside, period=period)
        name, slug = row.name, row.slug
    return write(
        CoalitionFigures(
            slug=slug,
            name=name,
            period=shown.period,
            figures=shown.figures,
            material_g=shown.material_g,
            rehearsal=shown.rehearsal,
            rehearsal_material_g=shown.rehearsal_material_g,
        )
    )
