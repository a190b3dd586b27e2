"""What attempts, verdicts, contributions and stocks imply for the ledger of economic events."""

from dataclasses import dataclass

from commons.flows import Action, EventDraft, Measure, Ring, Role, State, Unit, measure
from commons.units import kwh


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What is known about an attempt that ended, whatever its outcome.

    `program_duration_s` and `program_material_g` are the proved program's own figures;
    `share_done` is lines acknowledged of lines in all (0…1). `energy_kwh` is a meter's, or None.
    A program that somebody brought has no design: no release, and nobody to cite.
    """

    lab_id: str
    steward: str | None
    release_id: str | None
    machine_id: str
    lot_id: str | None
    lot_ring: Ring
    material: str
    program_duration_s: float
    program_material_g: float | None
    share_done: float
    ran_s: float
    average_power_w: float | None
    energy_kwh: float | None = None


def events_of_attempt(facts: AttemptFacts) -> list[EventDraft]:
    """The events of an attempt that ran, finished or not: failures use material too."""
    lab = facts.lab_id
    cited = [
        EventDraft(Action.CITE, f"release:{facts.release_id}",
                   measure(1, Unit.EACH, State.MEASURED), steward, lab)
        for steward in (facts.steward,) if steward is not None
    ]  # fmt: skip
    events = [
        *cited,
        EventDraft(Action.USE, f"machine:{facts.machine_id}",
                   measure(facts.ran_s / 3600.0, Unit.HOUR, State.MEASURED), lab, lab, Ring.LAB),
    ]  # fmt: skip
    if facts.program_material_g is not None:
        lot = f"lot:{facts.lot_id}" if facts.lot_id else f"material:{facts.material}"
        used = facts.program_material_g * facts.share_done
        events.append(EventDraft(Action.CONSUME, lot, measure(used, Unit.GRAM, State.MODELLED),
                                 lab, lab, facts.lot_ring))  # fmt: skip
    if (energy := _energy(facts)) is not None:
        events.append(EventDraft(Action.CONSUME, "energy:electricity", energy, lab, lab))
    return events


def _energy(facts: AttemptFacts) -> Measure | None:
    """A meter's reading, else average power over the program's time; unknown stays unknown."""
    if facts.energy_kwh is not None:
        return measure(facts.energy_kwh, Unit.KILOWATT_HOUR, State.MEASURED)
    if facts.average_power_w is None:
        return None
    modelled = kwh(facts.average_power_w, facts.program_duration_s * facts.share_done)
    return measure(modelled, Unit.KILOWATT_HOUR, State.DEFAULT)


# Manford & Budinoff 2024, as restated by AMMap: mean over the print of the rated power.
FDM_SHARE_OF_RATED_POWER = 0.431


def events_of_verdict(
    *,
    lab_id: str,
    release_id: str | None,
    part: str,
    good: int,
    copies: int,
    mass_g: float | None,
    weighed: bool = False,
) -> list[EventDraft]:
    """The output of a finished attempt, once a person has looked: good things, and scrap.

    `good` of its `copies` are good; the others are scrap with their share of `mass_g`, which is
    what the whole plate used, or `weighed`. What came of a program that somebody brought counts
    as nothing made: nobody knows what it is.
    """
    state = State.MEASURED if weighed else State.MODELLED

    def mass_of(things: int) -> Measure | None:
        return None if mass_g is None else measure(mass_g * things / copies, Unit.GRAM, state)

    events = []
    if good and release_id is not None:
        made = measure(good, Unit.EACH, State.DECLARED)
        part_made = f"part:{release_id}/{part}"
        events.append(
            EventDraft(Action.PRODUCE, part_made, made, lab_id, lab_id, mass_g=mass_of(good))
        )
    if good < copies and (scrap := mass_of(copies - good)) is not None:
        events.append(EventDraft(Action.PRODUCE, "scrap:mixed", scrap, lab_id, lab_id))
    return events


def event_of_contribution(
    *, role: Role, release_id: str, person: str, steward: str, hours: float | None
) -> EventDraft:
    """Work that a person gave to a release: once another has confirmed it, or as they declare it
    where nobody else could.

    Its effort where hours were counted; else one contribution, since unknown hours are not zero.
    """
    counted = measure(1, Unit.EACH, State.DECLARED)
    effort = counted if hours is None else measure(hours, Unit.HOUR, State.DECLARED)
    return EventDraft(Action.WORK, f"work:{role}/{release_id}", effort, person, steward)


def event_of_weighing(*, lab_id: str, lot_id: str, ring: Ring, off: Measure) -> EventDraft:
    """The correction that a weighing, a new lot or an offcut is to what is in stock: `off` is
    signed, and raises or lowers it. What attempts consumed was counted with them."""
    action = Action.RAISE if off.central >= 0 else Action.LOWER
    low, high = (off.low, off.high) if action is Action.RAISE else (-off.high, -off.low)
    quantity = Measure(abs(off.central), off.unit, off.state, max(0.0, low), high)
    return EventDraft(action, f"lot:{lot_id}", quantity, lab_id, lab_id, ring)


def event_of_move(*, lab_id: str, lot_id: str, ring: Ring) -> EventDraft:
    """One lot is somewhere else in its lab: on a machine, or on the shelf again."""
    one = measure(1, Unit.EACH, State.DECLARED)
    return EventDraft(Action.MOVE, f"lot:{lot_id}", one, lab_id, lab_id, ring)
