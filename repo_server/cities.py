"""A city's own part: who speaks for it, its pledge in its own words, what statistics say of it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field, model_validator
from sqlmodel import Session, col, delete, select

from commons.city_statistics import (
    Indicator,
    Statistic,
    consumption_of,
    material_flows,
    read_statistics,
)
from commons.errors import InvalidInput, NotFound
from commons.indicators import Figure
from commons.indicators.supply import Consumption, Target
from commons.wire import Asked
from repo_server.tables import CityRoleRow, CityRow, CityStatisticRow, PersonRow
from repo_server.tables.people import CityRole

Year = Annotated[int, Field(ge=1900, le=2200)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
MOST_CORNERS = 20_000


class NumericTarget(Asked):
    """A share that the pledge itself names, the year of it, and from where the path begins."""

    percent: Percent
    year: Year
    first_percent: Percent
    first_year: Year

    @model_validator(mode="after")
    def _later(self) -> "NumericTarget":
        if self.year <= self.first_year:
            raise ValueError("the target's year comes after the first one")
        return self


class Pledge(Asked):
    """What the city promised, word for word, when, and where that can be read.

    `target` only where the pledge names a number: most do not.
    """

    pledge: Annotated[str, Field(min_length=1, max_length=2000)]
    source: Annotated[str, Field(min_length=1, max_length=500)]
    pledged_on: Annotated[date, Field(strict=False)] | None = None
    target: NumericTarget | None = None


class NewStatistics(Asked):
    """A CSV with the columns geo,time,indicator,unit,value,flag of one year; where it is from."""

    year: Year
    source: Annotated[str, Field(min_length=1, max_length=200)]
    table: Annotated[str, Field(min_length=1, max_length=50_000)]


class NewBoundary(Asked):
    """A Polygon or MultiPolygon of GeoJSON: longitude and latitude in degrees."""

    boundary: dict[str, object]


@dataclass(frozen=True, slots=True)
class CityContext:
    """What is known of the city beside its labs. `figures` are of the latest year that is told."""

    pledge: str | None
    source: str | None
    pledged_on: date | None
    target: Target | None
    boundary: dict[str, object] | None
    statistics: tuple[Statistic, ...]
    figures: tuple[Figure, ...]


def appoint_editor(session: Session, city: CityRow, *, handle: str) -> None:
    """The person speaks for the city; NotFound when nobody has the handle."""
    plain = handle.strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == plain)).first()
    if person is None:
        raise NotFound(f"nobody here has the handle '{handle[:80]}'")
    if session.get(CityRoleRow, (person.id, city.id)) is None:
        session.add(CityRoleRow(person_id=person.id, city_id=city.id, role=CityRole.EDITOR))


def quote_pledge(city: CityRow, quoted: Pledge) -> None:
    """The city's page quotes this pledge with its source; a path is drawn to its target alone."""
    city.pledge, city.pledge_source = quoted.pledge.strip(), quoted.source.strip()
    city.pledged_on = quoted.pledged_on
    city.target = None if quoted.target is None else quoted.target.model_dump()


def bring_statistics(
    session: Session, city: CityRow, asked: NewStatistics, *, by: str, now: datetime
) -> list[Statistic]:
    """The year's statistics are those of the table, in place of what was there; all or none."""
    found = read_statistics(asked.table, asked.year)
    row = CityStatisticRow
    session.execute(delete(row).where(col(row.city_id) == city.id, col(row.year) == asked.year))
    session.add_all(
        row(city_id=city.id, source=asked.source.strip(), brought_by=by, brought_at=now,
            **asdict(it)) for it in found
    )  # fmt: skip
    return found


def draw_boundary(city: CityRow, asked: NewBoundary) -> None:
    """The city's boundary is this one; InvalidInput where it is none, or crosses itself."""
    # Here and not above: it is megabytes that no other route needs.
    import shapely
    from shapely.errors import ShapelyError
    from shapely.validation import explain_validity

    try:
        shape = shapely.geometry.shape(asked.boundary)
        corners = shapely.get_coordinates(shape)
    except (ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise InvalidInput("the boundary is no GeoJSON geometry") from None
    if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise InvalidInput("the boundary is a Polygon or a MultiPolygon of GeoJSON, and not empty")
    if len(corners) > MOST_CORNERS:
        raise InvalidInput(f"the boundary has {len(corners)} corners; simplify it to "
                           f"{MOST_CORNERS}")  # fmt: skip
    if not all(_on_earth(x, y) for x, y in corners):
        raise InvalidInput("the boundary's corners are longitude, then latitude, in degrees")
    if not shape.is_valid:
        raise InvalidInput(f"the boundary crosses itself or touches itself wrongly: "
                           f"{explain_validity(shape)}")  # fmt: skip
    city.boundary = dict(shapely.geometry.mapping(shape))


def _on_earth(longitude: float, latitude: float) -> bool:
    return math.isfinite(longitude) and abs(longitude) <= 180 and abs(latitude) <= 90


def context(session: Session, city: CityRow) -> CityContext:
    """All that is known of the city beside its labs."""
    told = [it for it, _ in _statistics(session, [city.id]).get(city.id, ())]
    latest = max((it.year for it in told), default=None)
    of_latest = [it for it in told if it.year == latest]
    place = {"period": str(latest or ""), "boundary": city.name}
    return CityContext(
        pledge=city.pledge,
        source=city.pledge_source,
        pledged_on=city.pledged_on,
        target=target_of(city),
        boundary=city.boundary,
        statistics=tuple(told),
        figures=tuple(material_flows(of_latest, place)) if of_latest else (),
    )


def target_of(city: CityRow) -> Target | None:
    """The number that the pledge names, where it names one."""
    if city.target is None:
        return None
    said = city.target
    return Target(said["percent"], int(said["year"]), said["first_percent"],
                  int(said["first_year"]))  # fmt: skip


def consumption(session: Session, cities: Collection[str], *, period: int) -> Consumption | None:
    """What all of the cities consume together in the latest year, until `period`, of which every
    one of them has told it; None where there is no such year.

    Trade between them is in one's imports and another's exports, and so in neither's sum.
    """
    by_city = _statistics(session, cities)
    for year in sorted({it.year for told in by_city.values() for it, _ in told}, reverse=True):
        if year <= period and (found := _of_year(by_city, cities, year)) is not None:
            return found
    return None


Told = Sequence[tuple[Statistic, str]]


def _of_year(by_city: dict[str, Told], cities: Collection[str], year: int) -> Consumption | None:
    total, sources = 0.0, set()
    for city in cities:
        told = [(it, source) for it, source in by_city.get(city, ()) if it.year == year]
        source = ", ".join(sorted({source for _, source in told}))
        found = consumption_of([it for it, _ in told], source)
        if found is None:
            return None
        total += found.kg
        sources.add(found.source)
    return Consumption(total, year, ", ".join(sorted(sources)))


def _statistics(session: Session, cities: Collection[str]) -> dict[str, Told]:
    row = CityStatisticRow
    asked = select(row).where(col(row.city_id).in_(cities)).order_by(col(row.year))
    by_city: dict[str, list[tuple[Statistic, str]]] = {}
    for it in session.exec(asked.order_by(col(row.indicator))):
        one = Statistic(it.year, Indicator(it.indicator), it.unit, it.value, it.flag)
        by_city.setdefault(it.city_id, []).append((one, it.source))
    return dict(by_city)
