"""The passport of a thing: what it is, who designed it, where, of what and how it was made.

Every entry says how it is known. What nobody knows is there too, and says so.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from commons.errors import NotFound
from commons.flows import Action, Ring, State, Unit
from commons.texts import later
from commons.units import SECONDS_PER_MINUTE
from commons.wire import ProgramFacts, RunFacts
from repo_server import attempts, ledger, renderings, shared_plates, traces
from repo_server.attempts import RAN, Background, Outcome
from repo_server.mesh_facts import Conversion
from repo_server.tables import (
    AttemptRow,
    CityRow,
    EconomicEventRow,
    LabRow,
    MaterialLotRow,
    PersonRow,
)

Value = str | float | int | datetime | tuple[str, ...]


class Entry(BaseModel):
    """One thing that is known, or not: then `value` is None and the state says why.

    `low` and `high` are there when the value is a quantity with an interval.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    value: Value | None
    unit: str | None = None
    state: State
    low: float | None = None
    high: float | None = None


class Passport(BaseModel):
    """The passport of what one attempt made. `entries` keeps the order of telling.

    What came of a program that somebody brought is of no design: no `slug`, no `release_id`.
    """

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    job_id: str
    simulated: bool
    outcome: str
    slug: str | None
    release_id: str | None
    lab_slug: str
    city_slug: str
    entries: dict[str, Entry]


def show_passport(session: Session, attempt_id: str) -> Passport:
    """The passport of what the attempt made; NotFound when it has made nothing."""
    attempt = attempts.of_id(session, attempt_id)
    if attempt.outcome not in RAN:
        raise NotFound(f"attempt {attempt_id} has made nothing (yet)")
    behind = attempts.background(session, attempt)
    lab = session.get_one(LabRow, behind.job.lab_id)
    city = session.get_one(CityRow, lab.city_id)
    entries = {
        **_design(session, behind),
        **_drawn(session, behind),
        "lab": _declared(later("Lab"), lab.name),
        "city": _declared(later("City"), city.name),
        "machine": _declared(later("Machine"), behind.machine.name),
        **_material(session, behind, attempt),
        **_made_of(traces.past_of(session, attempt, lab_id=lab.id)),
        **_conversion(attempt),
        **_program(attempt),
        **_flows(ledger.events_of(session, attempt_id)),
        **_times(attempt),
        "plate": _declared(later("Made at once"), behind.job.copies),
        "beside": _measured(
            later("Other orders on its plate"), shared_plates.others_on(session, attempt)
        ),
        "verdict": _verdict(attempt, behind.job.copies),
    }
    return Passport(
        attempt_id=attempt.id,
        job_id=behind.job.id,
        simulated=behind.profile.simulated,
        outcome=attempt.outcome or "",
        slug=behind.design.slug if behind.design else None,
        release_id=behind.order.release_id,
        lab_slug=lab.slug,
        city_slug=city.slug,
        entries=entries,
    )


def _entry(label: str, value: Value | None, state: State, unit: str | None = None) -> Entry:
    """What is not known is not measured, whoever might have said it."""
    known = State.NOT_MEASURED if value is None else state
    return Entry(label=label, value=value, unit=unit, state=known)


def _declared(label: str, value: Value | None) -> Entry:
    return _entry(label, value, State.DECLARED)


def _measured(label: str, value: Value | None, unit: str | None = None) -> Entry:
    return _entry(label, value, State.MEASURED, unit)


def _design(session: Session, behind: Background) -> dict[str, Entry]:
    release = behind.release
    if release is None or behind.design is None:
        return {"part": _declared(later("A program of its own"), behind.order.part)}
    steward = session.get_one(PersonRow, behind.design.steward_id)
    return {
        "design": _declared(later("Design"), release.name),
        "part": _declared(later("Part"), behind.order.part),
        "version": _declared(later("Version"), release.version),
        "release": _measured(later("Release (hash of its contents)"), release.id),
        "licence": _declared(later("Licence"), release.license),
        "licensors": _declared(later("Licensors"), tuple(release.licensors)),
        "published_by": _declared(later("Published by"), steward.name),
    }


def _drawn(session: Session, behind: Background) -> dict[str, Entry]:
    """Of a part that OpenSCAD drew: from which source, with which values, and what came of it."""
    drawn = renderings.drawn_for(session, behind.order)
    if drawn is None:
        return {}
    variant = drawn.variant or later("as published")
    return {
        "variant": _declared(later("Variant"), variant),
        "source": _declared(later("Drawn by the source"), drawn.source),
        "source_sha256": _measured(later("Source (hash)"), drawn.source_sha256),
        "drawn_with": _declared(later("Drawn with"), drawn.made_with),
        "mesh_sha256": _measured(later("Mesh (hash)"), drawn.mesh_sha256),
    }


def _material(session: Session, behind: Background, attempt: AttemptRow) -> dict[str, Entry]:
    lot = session.get(MaterialLotRow, attempt.lot_id) if attempt.lot_id else None
    ring = lot.ring if lot and lot.ring is not Ring.UNKNOWN else None
    return {
        "material": _declared(later("Material"), behind.order.material),
        "lot": _declared(later("Lot"), lot.name if lot else None),
        "ring": _declared(later("Made in (ring)"), ring),
        "evidence": _declared(later("Evidence of origin"), lot.evidence if lot else None),
    }


def _made_of(past: traces.Past) -> dict[str, Entry]:
    """Lots that its own lot came from, each with its ring; what goes round, where anything does."""
    _, *earlier = past.lots or (None,)
    lots = tuple(f"{lot.name} ({lot.ring})" for lot in earlier if lot is not None)
    told = {"made_of": _declared(later("The lot was made from"), lots or None)}
    if past.circles:
        names = {f"lot:{lot.id}": lot.name for lot in past.lots}
        rounds = tuple(" ↔ ".join(names.get(it, it) for it in one) for one in past.circles)
        told["circles"] = _declared(later("Material that goes round"), rounds)
    if not past.whole:
        note = later("older than what is told here")
        told["more"] = _declared(later("What it was made from before that"), note)
    return told


def _program(attempt: AttemptRow) -> dict[str, Entry]:
    program = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    run = RunFacts.model_validate(attempt.run) if attempt.run else None
    return {
        "program": _measured(later("Program (hash)"), program.sha256 if program else None),
        "prepared_with": _declared(
            later("Prepared with"), program.prepared_with if program else None
        ),
        "lines": _measured(later("Lines of the program"), program.line_count if program else None),
        "lines_sent": _measured(later("Lines sent"), run.lines_sent if run else None),
        "lines_done": _measured(later("Lines executed"), run.lines_done if run else None),
    }


def _conversion(attempt: AttemptRow) -> dict[str, Entry]:
    """What is to be told where the machine was not fed with the designer's own file."""
    if attempt.conversion is None:
        return {}
    made = Conversion.model_validate(attempt.conversion)
    off = later("How far the mesh may be off the STEP file")
    return {
        "mesh": _measured(later("Mesh that it was made from (hash)"), made.mesh),
        "solid": _measured(later("STEP file of that mesh (hash)"), made.of),
        "tolerance": _entry(off, made.chord_mm, State.MODELLED, "mm"),
    }


def _flows(events: list[EconomicEventRow]) -> dict[str, Entry]:
    """Sums over the attempt's events, with every correction in them."""
    return {
        "mass": _sum(later("Material used"), events, Action.CONSUME, Unit.GRAM),
        "energy": _sum(later("Electricity used"), events, Action.CONSUME, Unit.KILOWATT_HOUR),
        "machine_time": _sum(later("Machine time"), events, Action.USE, Unit.HOUR),
    }


def _sum(label: str, events: list[EconomicEventRow], action: Action, unit: Unit) -> Entry:
    of_kind = [event for event in events if (event.action, event.unit) == (action, unit)]
    if not of_kind:
        return _entry(label, None, State.NOT_MEASURED, unit)
    order = list(State)
    return Entry(
        label=label,
        value=sum(event.quantity for event in of_kind),
        unit=unit,
        state=max((event.state for event in of_kind), key=order.index),
        low=sum(event.low for event in of_kind),
        high=sum(event.high for event in of_kind),
    )


def _times(attempt: AttemptRow) -> dict[str, Entry]:
    program = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    planned = program.duration_s / SECONDS_PER_MINUTE if program else None
    return {
        "planned_min": _entry(later("Time of the program"), planned, State.MODELLED, "min"),
        "started_at": _measured(later("Started"), attempt.started_at),
        "ended_at": _measured(later("Ended"), attempt.ended_at),
    }


def _verdict(attempt: AttemptRow, copies: int) -> Entry:
    """A person's word on the thing, or on the plate of `copies`. Names stay in the lab."""
    words = {Outcome.DONE: later("good"), Outcome.REJECTED: later("not good")}
    judged = attempt.verdict_at is not None or attempt.outcome in (Outcome.FAILED, Outcome.ABORTED)
    word = words.get(Outcome(attempt.outcome or ""), later("not finished")) if judged else None
    if copies > 1 and attempt.good_copies is not None:
        word = f"{attempt.good_copies} of {copies} are good"
    return _declared(later("Verdict"), word)
