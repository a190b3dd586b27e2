"""Whether a machine may start what it has prepared: its lot, its hours, its downtimes, the lab's
power.

This is asked on top of the rules of commons.dispatch, and only ever says no: what they refuse stays
refused. Whoever gives permits in a lab with a power limit does so alone, so that of twenty machines
that are cleared at once each sees what the others were permitted.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from commons import availability, lots, power
from commons.errors import NotArmed
from commons.job import JobState
from commons.matching import Refusal
from commons.power import Load
from commons.wire import ProgramFacts
from repo_server import rules, standing
from repo_server.tables import AttemptRow, JobRow, LabRow, MachineRow, MaterialLotRow

# A permit may still lead to a start: whatever of these holds a machine draws power, or soon will.
_DRAWING = (JobState.ARMED, JobState.RUNNING, JobState.UNCONFIRMED, JobState.CANCELLING)


def alone(session: Session, lab_id: str) -> None:
    """Nobody else gives a permit in the lab until the transaction ends, if its power is limited."""
    lab = session.get_one(LabRow, lab_id)
    if rules.of_lab(lab).power_limit_w is not None:
        session.exec(select(LabRow.id).where(LabRow.id == lab_id).with_for_update(key_share=True))


def require(session: Session, machine: MachineRow, attempt: AttemptRow, *, now: datetime) -> None:
    """Pass when the machine may start the attempt now; NotArmed with a sentence when it may not."""
    if found := _in_the_way(session, machine, attempt, now):
        reason, sentence = found
        raise NotArmed(f"{machine.name} {sentence}", reason=reason)


def may_start(
    session: Session, machine: MachineRow, attempt_id: str | None, *, now: datetime
) -> bool:
    """Whether `require` would pass for the attempt."""
    attempt = session.get_one(AttemptRow, attempt_id)
    return _in_the_way(session, machine, attempt, now) is None


def too_little(session: Session, attempt: AttemptRow) -> str | None:
    """What the lot on the machine lacks for the attempt's proved program; None where it has enough,
    or where nobody knows what is left or what is taken."""
    program = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    lot = session.get(MaterialLotRow, attempt.lot_id) if attempt.lot_id else None
    if program is None or program.material_g is None or lot is None or lot.mass_left_g is None:
        return None
    return lots.too_little(lot.mass_left_g, program.material_g)


def _in_the_way(
    session: Session, machine: MachineRow, attempt: AttemptRow, now: datetime
) -> tuple[str, str] | None:
    """A stable code and a sentence; None when nothing is."""
    program = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    minutes = program.duration_s / 60 if program else None
    seen = standing.of_machine(session, machine, now=now)
    if sentence := availability.refused_for_hours(seen, minutes):
        return "hours", sentence
    if sentence := availability.refused_for_upkeep(seen, minutes):
        return "maintenance", sentence
    if sentence := too_little(session, attempt):
        return (
            Refusal.MASS_LEFT,
            f"{sentence}: weigh its lot, or stop the job to load another",
        )
    if sentence := _short_of_power(session, machine, now):
        return "power", sentence
    return None


def _short_of_power(session: Session, machine: MachineRow, now: datetime) -> str | None:
    limit_w = rules.of_lab(session.get_one(LabRow, machine.lab_id)).power_limit_w
    if limit_w is None:
        return None
    loads = _loads(session, machine, now)
    return power.refusal(limit_w, rules.draw_of(session, machine), loads, now)


def _loads(session: Session, machine: MachineRow, now: datetime) -> list[Load]:
    """What the lab's other machines draw that have a permit. One of which nobody knows what it
    draws counts for nothing: it had its permit before there was a limit."""
    rows = session.exec(
        select(MachineRow, AttemptRow)
        .join(AttemptRow, col(AttemptRow.id) == col(MachineRow.attempt_id))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .where(
            MachineRow.lab_id == machine.lab_id,
            MachineRow.id != machine.id,
            col(JobRow.state).in_(_DRAWING),
        )
        .execution_options(populate_existing=True)
    ).all()
    draws = rules.draws_of(session, [other for other, _ in rows])
    return [
        Load(other.name, draw, attempt.armed_at or now, attempt.started_at is not None)
        for other, attempt in rows
        if (draw := draws[other.id])
    ]
