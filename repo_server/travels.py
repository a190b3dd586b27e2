"""How designs travel between labs: what repo_server.made counts, as a map shows it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, case, or_, true
from sqlmodel import Session, col, func, select

from commons.travels import Step, Way, ways_of
from repo_server.tables import CityRow, DesignOriginRow, DesignRow, LabRow, MadeRow

WAYS = 500  # more lines than these tell nobody anything


@dataclass(frozen=True, slots=True)
class Spot:
    """A lab on the map; degrees are None where nobody has said where it is."""

    slug: str
    name: str
    city_slug: str
    city: str
    latitude: float | None
    longitude: float | None
    things: int


@dataclass(frozen=True, slots=True)
class Travels:
    """Every lab asked about or at an end of a way, by slug and by city; ways widest first.

    No more ways than `WAYS`; how many narrower ones there are is `left_out`.
    """

    spots: dict[str, Spot]
    ways: tuple[Way, ...]
    left_out: int = 0


def show_travels(
    session: Session, *, city_id: str | None = None, period: int | None = None
) -> Travels:
    """How designs travelled to and from the labs of a city, or of all cities.

    Things of the calendar year `period` alone are counted, a design's origin is the lab that made
    it first of all years. What simulated machines made is not there.
    """
    joined = select(LabRow, CityRow).join(CityRow, col(CityRow.id) == col(LabRow.city_id))
    by_city = joined.order_by(col(CityRow.name), col(LabRow.name))
    labs = {row.id: (row, city) for row, city in session.exec(by_city).all()}
    here = {id_ for id_, (row, _) in labs.items() if city_id in (None, row.city_id)}
    all_ways = _ways(session, here, period)
    ways = all_ways[:WAYS]
    things = _things(session, period)
    shown = here.union(*((way.origin, way.lab) for way in ways))
    spots = {id_: _spot(*labs[id_], things=things.get(id_, 0)) for id_ in labs if id_ in shown}
    named = [replace(it, origin=spots[it.origin].slug, lab=spots[it.lab].slug) for it in ways]
    by_slug = {spot.slug: spot for spot in spots.values()}
    return Travels(by_slug, tuple(named), len(all_ways) - len(ways))


def _spot(lab: LabRow, city: CityRow, *, things: int) -> Spot:
    return Spot(lab.slug, lab.name, city.slug, city.name, lab.latitude, lab.longitude, things)


def _ways(session: Session, here: Collection[str], period: int | None) -> list[Way]:
    """Ways to and from these labs, by their ids."""
    counted = func.sum(case((_within(period), col(MadeRow.things)), else_=0))
    taken = (
        select(col(DesignOriginRow.lab_id), col(MadeRow.lab_id), col(DesignRow.slug), counted)
        .select_from(MadeRow)
        .join(DesignOriginRow, col(DesignOriginRow.design_id) == col(MadeRow.design_id))
        .join(DesignRow, col(DesignRow.id) == col(MadeRow.design_id))
        .where(col(MadeRow.lab_id) != col(DesignOriginRow.lab_id))
        .where(or_(col(MadeRow.lab_id).in_(here), col(DesignOriginRow.lab_id).in_(here)))
        .group_by(col(DesignOriginRow.lab_id), col(MadeRow.lab_id), col(DesignRow.slug))
        .having(func.sum(MadeRow.things) > 0, counted > 0)
    )
    rows = session.execute(taken).all()
    return ways_of(Step(origin, lab, design, round(things)) for origin, lab, design, things in rows)


def _things(session: Session, period: int | None) -> dict[str, int]:
    """Good things that each lab made, by its id."""
    made = select(MadeRow.lab_id, func.sum(MadeRow.things)).where(_within(period))
    rows = session.exec(made.group_by(col(MadeRow.lab_id))).all()
    return {lab: round(things) for lab, things in rows}


def _within(period: int | None) -> ColumnElement[bool]:
    return true() if period is None else col(MadeRow.year) == period
