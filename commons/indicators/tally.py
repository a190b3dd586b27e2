"""Events of one boundary and period, added up by what they have in common.

A database adds the same up by groups: a line of many events is what the lines of each make
together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commons.flows import Action, Event, Measure, Mode, Ring, Unit
from commons.indicators.sums import Sum

TRANSFERS = frozenset({Action.TRANSFER, Action.TRANSFER_ALL_RIGHTS})


@dataclass(frozen=True, slots=True)
class Line:
    """Like events together: what they have in common, then their sums.

    `mass_g` and `g_km` are of those events alone that tell them; `unweighed` counts what has no
    mass, and `unmoved` what has none or no way. `given` is whether the lab gave, rather than got
    or used; `into_lot` whether what was used became a lot, which is used again.
    """

    action: Action
    resource: str
    unit: Unit
    ring: Ring
    to_ring: Ring | None
    from_city: str | None
    to_city: str | None
    mode: Mode | None
    given: bool
    into_lot: bool
    quantity: Sum
    mass_g: Sum | None
    unweighed: int
    g_km: Sum | None
    unmoved: int

    @property
    def kind(self) -> str:
        """What kind of thing flows: part, lot, material, energy, scrap, …"""
        return self.resource.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Input:
    """g of a resource that processes took whose output was another; where it is from."""

    output: str
    resource: str
    ring: Ring
    city: str | None
    mass_g: float


@dataclass(frozen=True, slots=True)
class Tally:
    """All of a boundary's lines in a period, and what the things made there were made of.

    `runs` are processes that used a machine, and `runs_with_energy` those that told their
    electricity.
    """

    lines: tuple[Line, ...]
    inputs: tuple[Input, ...]
    runs: int
    runs_with_energy: int


def tally(events: Iterable[Event]) -> Tally:
    """The events as lines, rehearsals left out; a correction is in the sum that it corrects."""
    real = [event for event in events if not event.simulated]
    lots = _processes(real, Action.PRODUCE, "lot:")
    runs = _processes(real, Action.USE, "machine:")
    return Tally(
        lines=tuple(_line(event, into_lot=event.process in lots) for event in real),
        inputs=tuple(_inputs(real)),
        runs=len(runs),
        runs_with_energy=len(runs & _processes(real, Action.CONSUME, "energy:")),
    )


def _processes(events: Iterable[Event], action: Action, prefix: str) -> set[str]:
    return {
        event.process
        for event in events
        if event.process is not None
        and event.draft.action is action
        and event.draft.resource.startswith(prefix)
    }


def _line(event: Event, *, into_lot: bool) -> Line:
    draft = event.draft
    first = 0 if event.corrects else 1
    mass = _grams(draft.quantity, draft.mass_g)
    mass_g = None if mass is None else _sum(mass, first)
    moved = mass_g is not None and draft.distance_km is not None
    return Line(
        action=draft.action,
        resource=draft.resource,
        unit=draft.quantity.unit,
        ring=draft.ring,
        to_ring=draft.to_ring,
        from_city=draft.from_city_id,
        to_city=draft.to_city_id,
        mode=draft.mode,
        given=draft.provider == event.lab_id,
        into_lot=into_lot and draft.action is Action.CONSUME,
        quantity=_sum(draft.quantity, first),
        mass_g=mass_g,
        unweighed=first if mass_g is None else 0,
        g_km=mass_g.times(draft.distance_km or 0.0) if mass_g and moved else None,
        unmoved=0 if moved else first,
    )


def _grams(quantity: Measure, mass_g: Measure | None) -> Measure | None:
    return quantity if quantity.unit is Unit.GRAM else mass_g


def _sum(measured: Measure, events: int) -> Sum:
    return Sum(measured.low, measured.central, measured.high, events, measured.state)


def _inputs(events: Iterable[Event]) -> Iterable[Input]:
    """What each process took, once for each good thing that came of it."""
    outputs: dict[str, set[str]] = {}
    taken: dict[str, list[Event]] = {}
    for event in events:
        if event.process is None:
            continue
        draft = event.draft
        if draft.action is Action.PRODUCE and not draft.resource.startswith("scrap:"):
            outputs.setdefault(event.process, set()).add(draft.resource)
        elif draft.action is Action.CONSUME and draft.quantity.unit is Unit.GRAM:
            taken.setdefault(event.process, []).append(event)
    for process, made in sorted(outputs.items()):
        for output in sorted(made):
            for event in taken.get(process, []):
                draft = event.draft
                yield Input(output, draft.resource, draft.ring, draft.from_city_id,
                            draft.quantity.central)  # fmt: skip
