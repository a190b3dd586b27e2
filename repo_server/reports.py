"""What agents report: durable events, applied in order and once, and machines as they are now.

A report that can change nothing any more (an older fence, a job that went on) is kept with the
reason and acknowledged all the same: it must never stand in the way of the reports behind it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, func, select

from commons.dispatch import (
    JobCard,
    MachineCard,
    acknowledge_fence,
    after,
    report,
    require_current,
)
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.job import COMMITTED_STATES, JobEvent, JobState
from commons.texts import later
from commons.wire import (
    API_VERSION,
    CLEARS_NO_LONGER,
    AgentEvent,
    EventKind,
    MachineReport,
    MachineState,
    Phase,
    SyncRequest,
    Wish,
)
from repo_server import attempts, cards, jobs, local_starts, shared_plates, shares
from repo_server.agents import Agent
from repo_server.attempts import End, Outcome
from repo_server.conditions import clear_word
from repo_server.db import look
from repo_server.tables import (
    AgentEventRow,
    AgentRow,
    AttemptRow,
    ControlRow,
    JobRow,
    MachineRow,
)

_JOB_EVENTS = {
    EventKind.STAGED: JobEvent.STAGE,
    EventKind.DECLINED: JobEvent.DECLINE,
    EventKind.REFUSED: JobEvent.REFUSE,
    EventKind.STARTED: JobEvent.STARTED,
    EventKind.FINISHED: JobEvent.FINISH,
    EventKind.FAILED: JobEvent.FAIL,
    EventKind.LOST: JobEvent.LOST,
    EventKind.UNUSED: JobEvent.UNUSED,
}
_OUTCOMES = {
    EventKind.DECLINED: Outcome.DECLINED,
    EventKind.REFUSED: Outcome.REFUSED,
    EventKind.FINISHED: Outcome.DONE,
    EventKind.FAILED: Outcome.FAILED,
    EventKind.UNUSED: Outcome.UNUSED,
    EventKind.FENCED: Outcome.UNUSED,
}
_SENTENCES = {
    EventKind.STAGED: later("prepared; it starts once someone confirms that the bed is clear"),
    EventKind.STARTED: later("it is being made"),
    EventKind.FINISHED: later("made; someone has to look at it and say whether it is good"),
    EventKind.FAILED: later("the machine stopped before the end"),
    EventKind.LOST: later("the agent lost sight of the machine; someone has to look at it"),
    EventKind.UNUSED: later("it was not started"),
}
_MAY_HAVE_STARTED = later(
    "the agent will not start it any more, but may have done so; look at the machine and say"
)
_MOVING = frozenset({MachineState.RUNNING, MachineState.HELD})


_PREPARED = (JobState.LEASED, JobState.STAGED)

# Made once: every report of every agent asks them.
_KEPT_AGENT = (
    columns(col(AgentRow.id), col(AgentRow.lab_id), col(AgentRow.name))
    .where(col(AgentRow.id) == bindparam("agent_id"))
    .with_for_update()
)
_LAST_SEQ = columns(func.max(col(AgentEventRow.seq))).where(
    col(AgentEventRow.agent_id).in_(
        columns(col(AgentRow.id)).where(col(AgentRow.lab_id) == bindparam("lab_id"))
    ),
    col(AgentEventRow.boot) == bindparam("boot"),
)
_STATE = (
    columns(col(JobRow.state))
    .join(AttemptRow, col(AttemptRow.job_id) == col(JobRow.id))
    .where(col(AttemptRow.id) == bindparam("attempt_id"))
)
_ANY_CONTROL = (
    columns(col(ControlRow.id))
    .join(AttemptRow, col(AttemptRow.id) == col(ControlRow.attempt_id))
    .where(
        col(ControlRow.taken_at).is_(None),
        col(AttemptRow.machine_id).in_(bindparam("ids", expanding=True)),
    )
    .limit(1)
)


def take_sync(session: Session, request: SyncRequest, *, agent_id: str, now: datetime) -> int:
    """Everything in `request` is safe here; returns the highest event number that is, in a row.

    Numbers count within one journal, and an agent may keep one for each of its machines.
    """
    if request.api_version != API_VERSION:
        raise InvalidInput(
            f"this server speaks version {API_VERSION}, the agent {request.api_version}; "
            "update the older of the two"
        )
    # Two syncs of one agent at once take turns.
    agent = Agent(*look(session, _KEPT_AGENT, agent_id=agent_id).one())
    acked = _take_events(session, agent, request, now)
    _take_machines(session, agent, request, now)
    jobs.notice_silence(session, now)
    return acked


def _safe_until(session: Session, agent: Agent, boot: str) -> int:
    """The journal's highest event here, 0 when there is none.

    A journal goes on when its agent is enrolled anew, under another key and id.
    """
    return look(session, _LAST_SEQ, lab_id=agent.lab_id, boot=boot).scalar() or 0


def _take_events(session: Session, agent: Agent, request: SyncRequest, now: datetime) -> int:
    safe = _safe_until(session, agent, request.boot)
    for event in sorted(request.events, key=lambda e: e.seq):
        if event.seq > safe + 1:
            break  # a gap: what is missing comes first
        if event.seq == safe + 1:
            refused = _refusal_of(session, agent, request.boot, event, now)
            session.add(_event_row(agent, request.boot, event, refused, now))
            session.flush()
            safe = event.seq
    return safe


def _event_row(
    agent: Agent, boot: str, event: AgentEvent, refused: str, now: datetime
) -> AgentEventRow:
    return AgentEventRow(
        agent_id=agent.id,
        boot=boot,
        seq=event.seq,
        kind=event.kind,
        attempt_id=event.attempt_id,
        message=event.model_dump(mode="json"),
        refused=refused,
        received_at=now,
    )


def _refusal_of(session: Session, agent: Agent, boot: str, event: AgentEvent, now: datetime) -> str:
    """Why the event could change nothing; empty when it was applied."""
    try:
        _apply(session, agent, _as_far_as_known(session, boot, event), now)
    except (Conflict, InvalidInput, NotFound, NotAllowed) as refusal:
        return str(refusal)
    return ""


def _apply(session: Session, agent: Agent, event: AgentEvent, now: datetime) -> None:
    """Both cards, the attempt and the ledger are as the event says, or nothing has changed."""
    machine = jobs.machine_of(session, event.machine_id, agent_id=agent.id)
    if event.kind is EventKind.ORDERED:
        local_starts.take(session, event, machine, now=now)
        return
    attempt = attempts.of_id(session, event.attempt_id)
    if attempt.machine_id != machine.id:
        raise InvalidInput(f"attempt {attempt.id} is not one of machine {machine.name}")
    job = cards.read_job(session, attempt.job_id)
    event = shared_plates.taken_apart(session, attempt, event)
    change = cards.apply(session, job, _rule_of(event), now=now, sentence=_sentence(event, job))
    begins = event.kind is EventKind.STARTED and attempt.started_at is None
    _note_on(attempt, event, now)
    session.add(attempt)
    attempts.tell_mates(session, attempt)
    if begins:
        for it in (attempt, *attempts.mates(session, attempt.id)):
            shares.begin(session, it, now=now)
    if event.kind is EventKind.STAGED:
        jobs.give_back_if_short(session, attempt, now=now)
    if change.freed:
        outcome = _OUTCOMES[event.kind]
        if outcome is Outcome.FAILED and change.after is JobState.CANCELLED:
            outcome = Outcome.ABORTED
        end = End(outcome, _moment_of(event, attempt, now), event.sentence, event.run)
        attempts.close(session, attempt.id, end, now=now)


def _as_far_as_known(session: Session, boot: str, event: AgentEvent) -> AgentEvent:
    """The event without a claim that only the journal which prepared the attempt could make.

    A new journal holds no INTENT of an old one: that nothing was started it cannot know.
    """
    if event.kind not in (EventKind.FENCED, EventKind.UNUSED):
        return event
    if _prepared_under(session, event.attempt_id, boot):
        return event
    return event.model_copy(update={"kind": EventKind.FENCED, "intent": True})


def _prepared_under(session: Session, attempt_id: str, boot: str) -> bool:
    """Whether this journal reported how the attempt began, and so holds whatever came of it."""
    staged = select(AgentEventRow.seq).where(
        AgentEventRow.attempt_id == attempt_id,
        AgentEventRow.boot == boot,
        col(AgentEventRow.kind).in_((EventKind.STAGED, EventKind.ORDERED)),
    )
    return session.exec(staged).first() is not None


def _rule_of(event: AgentEvent) -> cards.Rule:
    """The rule of commons.dispatch that the event calls for; InvalidInput when it lacks facts."""
    if event.kind is EventKind.FENCED:
        return lambda job, machine: _acknowledge(job, machine, event)
    if event.kind is EventKind.STAGED and event.program is None:
        raise InvalidInput("a 'staged' event must carry the facts of the proved program")
    happened = _JOB_EVENTS[event.kind]
    return lambda job, machine: report(
        job, machine, happened, attempt_id=event.attempt_id, fence=event.fence
    )


def _acknowledge(
    job: JobCard, machine: MachineCard, event: AgentEvent
) -> tuple[JobCard, MachineCard]:
    if event.intent is None:
        raise InvalidInput("a 'fenced' event must say whether the journal holds an intent")
    require_current(job, attempt_id=event.attempt_id, fence=event.fence)
    return acknowledge_fence(job, machine, fence=event.fence, intent=event.intent)


def _sentence(event: AgentEvent, job: JobRow) -> str | None:
    """Why the job stands where it will stand; None when the event tells people nothing new."""
    if event.kind is not EventKind.FENCED:
        return event.sentence or _SENTENCES.get(event.kind)
    if not event.intent:
        return _SENTENCES[EventKind.UNUSED] if job.state in COMMITTED_STATES else None
    return _MAY_HAVE_STARTED if job.state is JobState.UNCONFIRMED else None


def _note_on(attempt: AttemptRow, event: AgentEvent, now: datetime) -> None:
    """The attempt keeps what the event says about its program and its course."""
    if event.kind is EventKind.STAGED and event.program is not None:
        attempt.program = event.program.model_dump(mode="json")
    elif event.kind is EventKind.REFUSED and event.refusal is not None:
        attempt.refusal = event.refusal.model_dump(mode="json")
    elif event.kind is EventKind.STARTED:
        attempt.started_at = attempt.started_at or _moment_of(event, attempt, now)
        attempt.outcome = None  # what was called lost is seen again
    elif event.kind is EventKind.LOST:
        end = End(Outcome.UNKNOWN, _moment_of(event, attempt, now), event.sentence, event.run)
        attempts.lost_sight(attempt, end)


def _moment_of(event: AgentEvent, attempt: AttemptRow, now: datetime) -> datetime:
    """When it happened. A clock that was off while nobody heard the agent leads nowhere else."""
    return max(attempt.leased_at, min(event.at, now))


def _take_machines(session: Session, agent: Agent, request: SyncRequest, now: datetime) -> None:
    """Machines are as the agent sees them now; what it does not speak for is left alone."""
    for said in request.machines:
        machine = session.get(MachineRow, said.machine_id, populate_existing=True)
        if machine is None or machine.agent_id != agent.id:
            continue
        _take_controls(session, machine, said, now)
        if machine.attempt_id is not None:
            _hear_of_attempt(session, machine.attempt_id, said, request.boot, now)
        _doubt_clear_bed(session, machine, said, now)
        machine.seen, machine.seen_at = said.model_dump(mode="json"), now
        session.add(machine)
    session.flush()


def _hear_of_attempt(
    session: Session, attempt_id: str, said: MachineReport, boot: str, now: datetime
) -> None:
    """What hearing of a machine means for the attempt that holds it.

    A run that was only silent goes on once its agent is seen streaming it; not one that the
    agent called lost, that one it cannot see. A permit that is not used runs out, heard or not.
    """
    if look(session, _STATE, attempt_id=attempt_id).scalar() in _PREPARED:
        return
    attempt = attempts.of_id(session, attempt_id)
    job = session.get_one(JobRow, attempt.job_id)
    if job.state is JobState.CANCELLING:
        cards.put_off_silence(session, job, now)
    elif job.state in (JobState.ARMED, JobState.RUNNING):
        if not _prepared_under(session, attempt_id, boot):
            sentence = later("the agent came back without its journal; look at the machine")
            jobs.fall_silent(session, cards.read_job(session, job.id), now=now, sentence=sentence)
        elif job.state is JobState.RUNNING:
            cards.put_off_silence(session, job, now)
    elif (
        job.state is JobState.UNCONFIRMED and attempt.outcome is None and _streams(said, attempt_id)
    ):
        cards.apply(
            session,
            cards.read_job(session, job.id),
            lambda j, m: after(j, m, JobEvent.STARTED),
            now=now,
            sentence=_SENTENCES[EventKind.STARTED],
        )


def _streams(said: MachineReport, attempt_id: str) -> bool:
    progress = said.progress
    return (
        said.state in _MOVING
        and progress is not None
        and (progress.attempt_id, progress.phase) == (attempt_id, Phase.STREAM)
    )


def _doubt_clear_bed(
    session: Session, machine: MachineRow, said: MachineReport, now: datetime
) -> None:
    """A bed that was clear is so no longer after a fault, a lost machine, or work by hand.

    Our own runs use the token up before they start: a machine that moves and still has it moves
    for somebody else.
    """
    touched = said.touched_s is not None and said.touched_s <= clear_word(machine, now).age_s
    if machine.cleared and (touched or said.state in CLEARS_NO_LONGER):
        card = replace(cards.machine_card(machine), cleared=False)
        cards.require(cards.write_machine(session, machine, card), f"machine {machine.id}")


def _take_controls(
    session: Session, machine: MachineRow, said: MachineReport, now: datetime
) -> None:
    """Wishes that the machine is seen to have followed are taken, and not told again."""
    for control, attempt in open_controls(session, [machine.id]):
        if _followed(Wish(control.wish), said.state, ended=attempt.ended_at is not None):
            control.taken_at = now
            session.add(control)


def _followed(wish: Wish, state: MachineState, *, ended: bool) -> bool:
    if wish is Wish.CANCEL:
        return ended and state not in (MachineState.PREPARING, MachineState.WAITING)
    wanted = MachineState.HELD if wish is Wish.HOLD else MachineState.RUNNING
    return ended or state is wanted


def open_controls(
    session: Session, machine_ids: Iterable[str]
) -> list[tuple[ControlRow, AttemptRow]]:
    """Wishes that were not followed yet, oldest first, with the attempts they are about."""
    ids = list(machine_ids)
    if not look(session, _ANY_CONTROL, ids=ids).first():
        return []
    rows = session.exec(
        select(ControlRow, AttemptRow)
        .join(AttemptRow, col(AttemptRow.id) == col(ControlRow.attempt_id))
        .where(col(ControlRow.taken_at).is_(None), col(AttemptRow.machine_id).in_(ids))
        .order_by(col(ControlRow.at), col(ControlRow.id))
    )
    return list(rows)
