"""Which labs made which designs, and so how designs travel; read from the ledger alone."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, case
from sqlmodel import Session, col, func, select

from commons.flows import Action, Unit
from commons.travels import Making, Way, ways_of
from repo_server.tables import CityRow, DesignRow, EconomicEventRow, LabRow, ReleaseRow

WAYS = 500  # more lines than these tell nobody anything
_AT_ONCE = 500  # ids in one statement


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
    makings = _makings(session, period)
    here = {id_ for id_, (row, _) in labs.items() if city_id in (None, row.city_id)}
    all_ways = [way for way in ways_of(makings) if way.origin in here or way.lab in here]
    ways = all_ways[:WAYS]
    things: Counter[str] = Counter()
    for it in makings:
        things[it.lab] += it.counted
    shown = here.union(*((way.origin, way.lab) for way in ways))
    spots = {id_: _spot(*labs[id_], things=things[id_]) for id_ in labs if id_ in shown}
    named = [replace(it, origin=spots[it.origin].slug, lab=spots[it.lab].slug) for it in ways]
    by_slug = {spot.slug: spot for spot in spots.values()}
    return Travels(by_slug, tuple(named), len(all_ways) - len(ways))


def _spot(lab: LabRow, city: CityRow, *, things: int) -> Spot:
    return Spot(lab.slug, lab.name, city.slug, city.name, lab.latitude, lab.longitude, things)


def _makings(session: Session, period: int | None) -> list[Making]:
    """What each lab made of each design. An event names the release; a design has many."""
    event = EconomicEventRow
    counted = case((_within(period), col(event.quantity)), else_=0)
    sums = func.min(event.happened_at), func.sum(event.quantity), func.sum(counted)
    made = (
        select(col(event.resource), col(event.lab_id), *sums)  # type: ignore[call-overload]
        .where(event.action == Action.PRODUCE, event.unit == Unit.EACH)
        .where(col(event.simulated).is_(False), col(event.lab_id).is_not(None))
        .group_by(col(event.resource), col(event.lab_id))
    )
    rows = session.execute(made).all()
    designs = _designs_of(session, {_release_of(row[0]) for row in rows})
    together: dict[tuple[str, str], Making] = {}
    for resource, lab, first_at, things, in_period in rows:
        if (design := designs.get(_release_of(resource))) is None:
            continue
        now = Making(design, lab, first_at, round(things), round(in_period))
        before = together.get((design, lab))
        together[design, lab] = now if before is None else _both(before, now)
    return list(together.values())


def _both(a: Making, b: Making) -> Making:
    first_at = min(a.first_at, b.first_at)
    return replace(a, first_at=first_at, things=a.things + b.things, counted=a.counted + b.counted)


def _within(period: int | None) -> ColumnElement[bool]:
    at = col(EconomicEventRow.happened_at)
    if period is None:
        return at.is_not(None)
    return and_(
        at >= datetime(period, 1, 1, tzinfo=UTC), at < datetime(period + 1, 1, 1, tzinfo=UTC)
    )


def _release_of(resource: str) -> str:
    return resource.removeprefix("part:").partition("/")[0]


def _designs_of(session: Session, releases: Collection[str]) -> dict[str, str]:
    """The slug of each release's design, by the release's id."""
    found: dict[str, str] = {}
    wanted = sorted(releases)
    named = select(ReleaseRow.id, DesignRow.slug).join(DesignRow)
    for at in range(0, len(wanted), _AT_ONCE):
        of_some = named.where(col(ReleaseRow.id).in_(wanted[at : at + _AT_ONCE]))
        found.update(session.exec(of_some).all())
    return found
