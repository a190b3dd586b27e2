"""Whose word that a bed is clear a start may use up: the server's own, or one from beside it.

A word that was given at the agent's panel comes with the request for the permit. It is never kept
here before, so none lies about that a later start could find (docs/decisions).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from commons.bed import BedWord
from commons.dispatch import FRESH, ClearWord, JobCard, MachineCard, arm
from commons.wire import ArmRequest
from repo_server.conditions import clear_word
from repo_server.tables import BedClearRow, MachineRow


@dataclass(frozen=True, slots=True)
class Said:
    """A word about the bed, how much it is worth now, and its row."""

    word: ClearWord
    token: BedClearRow | None


def newest_token(session: Session, machine_id: str) -> BedClearRow | None:
    """The last word that the machine's bed is clear; None when nobody ever said so."""
    newest = (
        select(BedClearRow)
        .where(BedClearRow.machine_id == machine_id)
        .order_by(col(BedClearRow.at).desc())
    )
    return session.exec(newest).first()


def for_start(
    session: Session, machine: MachineRow, ask: ArmRequest, *, attended: bool, now: datetime
) -> Said | None:
    """The youngest word that the asked start could use up; None when nobody has given one.

    `attended`: the job starts only while somebody is there, whatever the machine.
    """
    given = []
    ours = clear_word(machine, now, touched_s=ask.touched_s, attended=attended)
    if machine.cleared:
        given.append(Said(ours, newest_token(session, machine.id)))
    if ask.clear is not None and session.get(BedClearRow, ask.clear.id) is None:
        token = _row(ask.clear, machine, now)
        given.append(Said(replace(ours, age_s=ask.clear.age_s), token))
    return min(given, key=lambda said: said.word.age_s, default=None)


def _row(word: BedWord, machine: MachineRow, now: datetime) -> BedClearRow:
    at = now - timedelta(seconds=min(word.age_s, _LONGEST_S))
    return BedClearRow(id=word.id, machine_id=machine.id, said_by=word.by, at=at)


_LONGEST_S = 10 * 365 * 86400.0


def arm_with(
    said: Said | None, job: JobCard, machine: MachineCard, *, attempt_id: str, fence: int
) -> tuple[JobCard, MachineCard]:
    """Both cards as `commons.dispatch.arm` leaves them, with this word about the bed."""
    spoken = replace(machine, cleared=said is not None)
    word = said.word if said else FRESH
    armed, used = arm(job, spoken, attempt_id=attempt_id, fence=fence, word=word)
    return (job, machine) if armed is job else (armed, used)
