"""Machines that a lab uses no more: nothing is given to them, and what they did stays written."""

from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import Conflict
from commons.job import COMMITTED_STATES, JobState
from commons.texts import filled
from repo_server import attempts, cards, decisions, jobs, places
from repo_server.tables import MachineRow


def retire(session: Session, machine_id: str, *, lab_id: str, by: str, now: datetime) -> None:
    """The machine is used no more; what it only prepared is in the queue again. Said twice it
    counts once.

    Conflict while it runs something, or may.
    """
    places.hold_line(session, lab_id)  # it gets no job meanwhile
    machine = decisions.machine_in(session, machine_id, lab_id=lab_id)
    if machine.retired_at is not None:
        return
    _let_go(session, machine, now)
    machine.retired_at, machine.retired_by, machine.cleared = now, by, False
    session.add(machine)


def _let_go(session: Session, machine: MachineRow, now: datetime) -> None:
    """What the machine has prepared is in the queue again."""
    if machine.attempt_id is None:
        return
    job = cards.read_job(session, attempts.of_id(session, machine.attempt_id).job_id)
    if job.state in COMMITTED_STATES or job.state is JobState.CANCELLING:
        raise Conflict(
            filled(
                "%(machine)s may be at work: wait until that has ended, or stop it, and retire "
                "the machine then",
                machine=machine.name,
            )
        )
    sentence = f"{machine.name} is not used any more; it is in the queue again"
    jobs.fall_silent(session, job, now=now, sentence=sentence)


def take_back(session: Session, machine_id: str, *, lab_id: str) -> None:
    """The machine is used again, once somebody has cleared it."""
    machine = decisions.machine_in(session, machine_id, lab_id=lab_id)
    machine.retired_at = machine.retired_by = None
    session.add(machine)


def retired(session: Session, lab_id: str) -> list[MachineRow]:
    """The machines that the lab uses no more, by name."""
    wanted = select(MachineRow).where(
        MachineRow.lab_id == lab_id, col(MachineRow.retired_at).is_not(None)
    )
    return list(session.exec(wanted.order_by(MachineRow.name)))
