"""Starts that people at a machine gave while its agent heard no server, as the agent tells of them.

Each becomes an order of one thing, with its job and its attempt, as if it had been permitted here;
what the agent reports of it afterwards is counted as of any other.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from commons.dispatch import after, take_local
from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import JobEvent, JobState
from commons.local_starts import LocalStart, is_local
from commons.machine import Process
from commons.texts import later
from commons.wire import AgentEvent, MillOptions, PrintOptions, ProgramFacts
from repo_server import attempts, cards, matches, orders
from repo_server.attempts import End, Outcome
from repo_server.ids import new_id
from repo_server.tables import (
    AttemptRow,
    BedClearRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    MachineRow,
    MaterialLotRow,
)

MADE_AT_PANEL = later("ordered at the machine's panel while the server was away")
_LAPSED = later("its machine was used while the server was away; it is in the queue again")
_USUAL = {Process.FDM: PrintOptions(), Process.CNC: MillOptions()}


def take(session: Session, event: AgentEvent, machine: MachineRow, *, now: datetime) -> None:
    """The order of the start stands, its job may have started, and the machine is held by it.

    Nothing that anybody said about the bed before counts any longer, also where the rest of it is
    refused: the thing may lie there all the same.

    Raises:
        InvalidInput, NotFound, Conflict: it cannot be as it is told; only the words are void.
    """
    machine = cards.read_machine(session, machine.id)
    machine.cleared = False
    session.add(machine)
    session.flush()
    start, program = _told(event)
    at = min(event.at, now)
    _require_new(session, event, start, machine)
    take_local(cards.machine_card(machine), attempt_id=event.attempt_id, fence=event.fence)
    job = _order(session, start, machine, at=at, now=now)
    _let_go(session, machine, now=now)
    held = cards.machine_card(machine)
    job_card, machine_card = take_local(held, attempt_id=event.attempt_id, fence=event.fence)
    said = cards.write_job(session, job, job_card, now=now, sentence=MADE_AT_PANEL)
    cards.require(said, f"job {job.id}")
    cards.require(cards.write_machine(session, machine, machine_card), f"machine {machine.id}")
    session.add(
        AttemptRow(
            id=event.attempt_id,
            job_id=job.id,
            machine_id=machine.id,
            fence=event.fence,
            lot_id=_lot(session, start, machine),
            leased_at=at,
            armed_at=at,
            program=program.model_dump(mode="json"),
        )
    )
    session.flush()
    word_at = at - timedelta(seconds=min(start.clear.age_s, 1e9))
    word = {"id": start.clear.id, "machine_id": machine.id, "said_by": start.clear.by}
    session.add(BedClearRow(**word, at=word_at, used_by=event.attempt_id))


def _told(event: AgentEvent) -> tuple[LocalStart, ProgramFacts]:
    if event.local is None or event.program is None:
        raise InvalidInput("an 'ordered' event must say what was ordered, and its proved program")
    if not is_local(event.attempt_id):
        raise InvalidInput(f"attempt {event.attempt_id} has not the name of one begun at a machine")
    return event.local, event.program


def _require_new(
    session: Session, event: AgentEvent, start: LocalStart, machine: MachineRow
) -> None:
    """Pass for an attempt, fence and word that nobody told of, by somebody of the lab."""
    same = (col(AttemptRow.machine_id) == machine.id) & (col(AttemptRow.fence) == event.fence)
    known = select(AttemptRow.id).where((col(AttemptRow.id) == event.attempt_id) | same)
    if session.exec(known).first() is not None:
        raise Conflict(f"attempt {event.attempt_id} or its fence {event.fence} is known already")
    if session.get(BedClearRow, start.clear.id) is not None:
        raise Conflict("the word about the bed was used up before")
    if session.get(LabRoleRow, (start.person_id, machine.lab_id)) is None:
        raise NotFound(f"{start.by} is nobody whom the lab of {machine.name} knows")


def _order(
    session: Session, start: LocalStart, machine: MachineRow, *, at: datetime, now: datetime
) -> JobRow:
    """The one job of a new order of one copy, which stands as any other."""
    build = matches.buildable(session, start.release_id, start.part)
    order = BuildOrderRow(
        id=new_id(),
        lab_id=machine.lab_id,
        release_id=start.release_id,
        part=start.part,
        copies=1,
        material=orders.material_of(start.material, build.process),
        options=_USUAL[build.process].model_dump(mode="json"),
        answers=[],
        ordered_by=start.person_id,
        ordered_at=at,
        machines=[machine.id],
        at_panel_by=start.by,
    )
    (job,) = orders.stand(session, order, [(1, 1)], build).jobs
    job.over_quota = job.over_quota_until = None  # it waits for nothing any more
    session.add(job)
    session.flush()
    return cards.read_job(session, job.id)


def _let_go(session: Session, machine: MachineRow, *, now: datetime) -> None:
    """A lease of which the agent never heard, or which it gave back, holds the machine no longer.

    No permit was given under it. Whatever may have started holds on.
    """
    if machine.attempt_id is None:
        return
    job = cards.read_job(session, attempts.of_id(session, machine.attempt_id).job_id)
    if job.state not in (JobState.LEASED, JobState.STAGED):
        return
    change = cards.apply(
        session, job, lambda j, m: after(j, m, JobEvent.SILENCE), now=now, sentence=_LAPSED
    )
    if change.attempt_id:
        attempts.close(session, change.attempt_id, End(Outcome.LAPSED, now, _LAPSED), now=now)


def _lot(session: Session, start: LocalStart, machine: MachineRow) -> str | None:
    """The lot that was loaded as the agent was told, if it is one of the lab's of that material."""
    lot = session.get(MaterialLotRow, start.lot_id) if start.lot_id else None
    fits = lot is not None and (lot.lab_id, lot.material) == (machine.lab_id, start.material)
    return lot.id if lot is not None and fits else None
