"""What the labs of a city or a coalition did in a period: sums over events, for their figures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, distinct, func, select

from commons.errors import InvalidInput
from commons.flows import Action, Ring, Unit
from commons.indicators import Figure, Sum, Totals, compute, together
from commons.indicators.city import Context, figures
from commons.indicators.figure import Place
from commons.indicators.tally import Tally
from repo_server.attempts import Outcome
from repo_server.cities import consumption
from repo_server.factors import shipped
from repo_server.tables import (
    AttemptRow,
    CityRow,
    EconomicEventRow,
    LabRoleRow,
    LabRow,
    MaterialLotRow,
)
from repo_server.tallies import Where, tally

Cities = Collection[str]  # their ids
FlowKey = tuple[Action, Unit, Ring]
Flows = Mapping[FlowKey, Sum]
YEARS = range(2000, 2101)
# A run that a person stopped is one that failed: leaving it out would flatter the rest.
_FAILED = (Outcome.FAILED, Outcome.ABORTED, Outcome.REJECTED)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the labs inside a boundary did in a year. `rehearsal` is of simulated machines, and
    never added."""

    period: str
    figures: tuple[Figure, ...]
    material_g: Mapping[Ring, float]
    rehearsal: tuple[Figure, ...]
    rehearsal_material_g: Mapping[Ring, float]


@dataclass(frozen=True, slots=True)
class Inside:
    """The cities inside a boundary, and its name: one city, or those of a coalition."""

    name: str
    cities: tuple[CityRow, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(city.id for city in self.cities)


def year(text: str) -> int:
    """The calendar year (UTC) that a period names; InvalidInput for anything else."""
    if not (text.isascii() and text.isdigit() and int(text) in YEARS):
        raise InvalidInput(f"the period '{text[:20]}' is not a year, such as 2026")
    return int(text)


def show_figures(session: Session, inside: Inside, *, period: int) -> Figures:
    """The figures in the calendar year `period`. No rehearsal is empty, not zero.

    Of a coalition they are those of its events together, each once: no city's are averaged.
    """
    real, flows = _counted(session, inside.ids, period, simulated=False)
    rehearsed, rehearsed_flows = _counted(session, inside.ids, period, simulated=True)
    boundary = f"labs of {inside.name} that take part"
    place = {"period": str(period), "boundary": boundary}
    apart = place | {"boundary": f"simulated machines of {boundary}"}
    return Figures(
        period=str(period),
        figures=(
            *compute(real, period=str(period), boundary=boundary),
            *_of_flows(session, inside, period, place, flows),
        ),
        material_g=_grams(real),
        rehearsal=(
            *compute(rehearsed, period=str(period), boundary=apart["boundary"]),
            *_of_flows(session, inside, period, apart, rehearsed_flows),
        )
        if rehearsed.runs_ended
        else (),
        rehearsal_material_g=_grams(rehearsed),
    )


def _of_flows(
    session: Session, inside: Inside, period: int, place: Place, counted: Tally
) -> list[Figure]:
    """The figures of what flows, but those that are told better of runs: with their verdicts."""
    countries = {city.country for city in inside.cities}
    context = Context(
        members=inside.ids,
        factors=shipped(),
        country=countries.pop() if len(countries) == 1 else None,
        materials=_materials(session, inside.ids),
        consumption=consumption(session, inside.ids, period=period),
    )
    return [it for it in figures(counted, context, place) if it.key not in ("made", "energy")]


def _materials(session: Session, cities: Cities) -> dict[str, str]:
    """What the labs' lots are made of, by the names that events have for them."""
    lot = MaterialLotRow
    asked = select(lot.id, lot.material).join(LabRow, col(LabRow.id) == col(lot.lab_id))
    rows = session.exec(asked.where(col(LabRow.city_id).in_(cities)))
    return {f"lot:{id_}": material for id_, material in rows}


def _grams(of: Totals) -> dict[Ring, float]:
    return {ring: total.central for ring, total in of.material_g.items()}


def totals(session: Session, cities: Cities, *, period: int, simulated: bool) -> Totals:
    """The sums over all events of the cities' labs in the calendar year `period`."""
    return _counted(session, cities, period, simulated=simulated)[0]


def _counted(
    session: Session, cities: Cities, period: int, *, simulated: bool
) -> tuple[Totals, Tally]:
    """The sums, and the tally of the same events, which is asked for once."""
    where = _events_in(cities, period, simulated=simulated)
    counted = tally(session, where)
    return _totals(session, cities, where, _sums_by_flow(counted)), counted


def _totals(session: Session, cities: Cities, where: Where, flows: Flows) -> Totals:
    material = {
        ring: total
        for (action, unit, ring), total in flows.items()
        if (action, unit) == (Action.CONSUME, Unit.GRAM)
    }
    outcomes = _runs_by_outcome(session, where)
    return Totals(
        made=round(sum(s.central for s in _of(flows, Action.PRODUCE, Unit.EACH))),
        material_g=material,
        energy_kwh=together(_of(flows, Action.CONSUME, Unit.KILOWATT_HOUR)),
        machine_h=together(_of(flows, Action.USE, Unit.HOUR)),
        runs_ended=sum(outcomes.values()),
        runs_with_energy=_runs_with(session, where, Unit.KILOWATT_HOUR),
        runs_with_material=_runs_with(session, where, Unit.GRAM),
        runs_failed=sum(n for (outcome, _), n in outcomes.items() if outcome in _FAILED),
        verdicts_missing=outcomes.get((Outcome.DONE, False), 0),
        designs_elsewhere=_designs_elsewhere(session, cities, where),
    )


def _events_in(cities: Cities, period: int, *, simulated: bool) -> Where:
    labs = select(LabRow.id).where(col(LabRow.city_id).in_(cities))
    return (
        col(EconomicEventRow.lab_id).in_(labs),
        col(EconomicEventRow.simulated) == simulated,
        col(EconomicEventRow.happened_at) >= datetime(period, 1, 1, tzinfo=UTC),
        col(EconomicEventRow.happened_at) < datetime(period + 1, 1, 1, tzinfo=UTC),
    )


def _sums_by_flow(counted: Tally) -> Flows:
    """Sums of every kind of flow; what became a lot is counted when that is used."""
    by_flow: dict[FlowKey, list[Sum]] = {}
    for line in counted.lines:
        if not line.into_lot or line.unit is not Unit.GRAM:
            by_flow.setdefault((line.action, line.unit, line.ring), []).append(line.quantity)
    return {key: total for key, parts in by_flow.items() if (total := together(parts))}


def _of(flows: Flows, action: Action, unit: Unit) -> list[Sum]:
    return [total for key, total in flows.items() if key[:2] == (action, unit)]


def _runs_by_outcome(session: Session, where: Where) -> dict[tuple[str, bool], int]:
    """How many runs ended how, and whether a person has judged them.

    Every run that ended cites its design once: that event says where and when.
    """
    judged = col(AttemptRow.verdict_at).is_not(None)
    rows = session.exec(
        select(AttemptRow.outcome, judged, func.count())
        .join(EconomicEventRow, col(EconomicEventRow.process_id) == col(AttemptRow.id))
        .where(
            *where, EconomicEventRow.action == Action.CITE, col(EconomicEventRow.corrects).is_(None)
        )
        .group_by(col(AttemptRow.outcome), judged)
    )
    return {(outcome or "", bool(is_judged)): n for outcome, is_judged, n in rows}


def _runs_with(session: Session, where: Where, unit: Unit) -> int:
    """How many runs reported what they consumed in this unit."""
    runs = select(func.count(distinct(col(EconomicEventRow.process_id)))).where(
        *where, EconomicEventRow.action == Action.CONSUME, EconomicEventRow.unit == unit
    )
    return session.exec(runs).one()


def _designs_elsewhere(session: Session, cities: Cities, where: Where) -> int:
    """Releases used here whose steward has no part in any lab of the cities."""
    here = (
        select(LabRoleRow.person_id)
        .join(LabRow, col(LabRow.id) == col(LabRoleRow.lab_id))
        .where(col(LabRow.city_id).in_(cities))
    )
    used = select(func.count(distinct(col(EconomicEventRow.resource)))).where(
        *where,
        EconomicEventRow.action == Action.CITE,
        col(EconomicEventRow.provider).not_in(here),
    )
    return session.exec(used).one()
