"""Leasing and arming: how a job comes to a machine, when it may start, what silence means."""

from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, select, update

from commons.dispatch import PERMIT_VALID_S, after, grant_lease, require_current
from commons.errors import NotAllowed, NotArmed, NotFound
from commons.job import JobEvent, JobState
from commons.texts import later
from commons.wire import ArmRequest, JobOffer, MillOptions, Permit, PrintOptions, ProgramFacts
from repo_server import (
    attempts,
    bed_words,
    cards,
    entitled,
    matches,
    places,
    presence,
    shared_plates,
    starts,
    turns,
)
from repo_server.attempts import End, Outcome
from repo_server.bed_words import Said
from repo_server.conditions import FREE, Condition, condition
from repo_server.db import keep_new, look
from repo_server.ids import new_id
from repo_server.matches import Buildable
from repo_server.tables import (
    AttemptRow,
    BedClearRow,
    BuildOrderRow,
    JobRow,
    MachineRow,
    MaterialLotRow,
    PermitRow,
)

_SILENT = columns(col(JobRow.id)).where(col(JobRow.silent_after) <= bindparam("now")).limit(1)


def machine_of(session: Session, machine_id: str, *, agent_id: str) -> MachineRow:
    """The machine, if this agent speaks for it; NotFound or NotAllowed if not."""
    machine = session.get(MachineRow, machine_id, populate_existing=True)
    if machine is None:
        raise NotFound(f"there is no machine {machine_id}")
    if machine.agent_id != agent_id:
        raise NotAllowed(f"another agent speaks for machine {machine_id}")
    return machine


def job_on(session: Session, machine: MachineRow) -> str | None:
    """The job that holds the machine; None when none does."""
    return machine.attempt_id and attempts.of_id(session, machine.attempt_id).job_id


def lease_next_job(
    session: Session, machine_id: str, *, agent_id: str, now: datetime, shares_plates: bool = False
) -> JobOffer | None:
    """The job whose turn it is on the machine is its to prepare; None when there is none.

    A machine that holds a leased or staged job gets the same offer again. Two agents may ask at
    once: the UPDATE's WHERE picks the winner, the loser looks again. An agent that `shares_plates`
    lays jobs of several orders on one, where the lab wants that.
    """
    notice_silence(session, now)
    machine = machine_of(session, machine_id, agent_id=agent_id)
    if machine.attempt_id is not None:
        offer = _same_offer(session, machine.attempt_id)
        if offer is None or shares_plates or not offer.also:
            return offer
        # The agent was put back to an older one, which would make the first of them alone.
        leader = cards.read_job(session, offer.job_id)
        shared_plates.give_back(session, leader, now=now, sentence=later("in the queue"))
        session.refresh(machine)
    if condition(machine, None, heard=True, now=now) not in FREE:
        return None
    places.hold_line(session, machine.lab_id)
    # The session forgets what nobody holds, and would read it three times.
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    while wanted := turns.next_build(session, machine, now=now):
        job = session.get_one(JobRow, wanted.job_id, populate_existing=True)
        if attempt := _claim(session, job, machine, wanted.ordered_by, now=now):
            if shares_plates:
                shared_plates.board(session, attempt, job, machine, wanted.build, now=now)
            return _offer(session, attempt, job, lot, wanted.build)
    return None


def _claim(
    session: Session, job: JobRow, machine: MachineRow, ordered_by: str, *, now: datetime
) -> AttemptRow | None:
    """The job is the machine's, or None when another was faster."""
    if job.state is not JobState.QUEUED:
        return None
    attempt_id = new_id()
    new_job, new_machine = grant_lease(cards.job_card(job), cards.machine_card(machine), attempt_id)
    if not cards.write_job(session, job, new_job, now=now, sentence=f"{machine.name} prepares it"):
        return None
    cards.require(cards.write_machine(session, machine, new_machine), f"machine {machine.id}")
    attempt = AttemptRow(
        id=attempt_id,
        job_id=job.id,
        machine_id=machine.id,
        fence=new_job.fence,
        lot_id=machine.lot_id,
        leased_at=now,
    )
    keep_new(session, attempt)
    # Their own job is on it: that is what they booked for.
    presence.note(session, machine.id, ordered_by, now=now)
    return attempt


def _same_offer(session: Session, attempt_id: str) -> JobOffer | None:
    """The offer that the machine has already; None once it may start or has started."""
    attempt = attempts.of_id(session, attempt_id)
    job = session.get_one(JobRow, attempt.job_id)
    if job.state not in (JobState.LEASED, JobState.STAGED):
        return None
    order = session.get_one(BuildOrderRow, job.order_id)
    lot = session.get(MaterialLotRow, attempt.lot_id) if attempt.lot_id else None
    return _offer(session, attempt, job, lot, matches.build_of(session, order))


def _offer(
    session: Session, attempt: AttemptRow, job: JobRow, lot: MaterialLotRow | None, build: Buildable
) -> JobOffer:
    order = session.get_one(BuildOrderRow, job.order_id)
    attempt.conversion = build.conversion.model_dump() if build.conversion else None
    return JobOffer(
        job_id=job.id,
        attempt_id=attempt.id,
        machine_id=attempt.machine_id,
        fence=attempt.fence,
        lease_ends_at=job.silent_after or attempt.leased_at + cards.LEASE,
        title=build.title,
        part=order.part,
        process=build.process,
        file_name=build.file_name,
        file_sha256=build.file_sha256,
        file_size=build.file_size,
        material=order.material or (lot.material if lot else ""),
        thickness_mm=lot.thickness_mm if lot else None,
        sheet_mm=lot.sheet_mm if lot else None,
        grain=lot.grain if lot else None,
        copies=job.copies,
        variant=order.variant or {},
        # Those of its process; the others are as usual.
        options=PrintOptions.model_validate(order.options),
        milling=MillOptions.model_validate(order.options),
        is_program=build.traits is not None,
        also=shared_plates.told(session, attempt) if attempt.share < 1 else (),
    )


def permit_start(session: Session, ask: ArmRequest, *, agent_id: str, now: datetime) -> Permit:
    """The attempt may start once with this program; asked again, the same permit again.

    Raises LeaseLost for an older fence, NotArmed with the reason when something is missing.
    """
    notice_silence(session, now)
    attempt = attempts.of_id(session, ask.attempt_id)
    starts.alone(session, session.get_one(JobRow, attempt.job_id).lab_id)
    job = cards.read_job(session, attempt.job_id)
    machine = machine_of(session, attempt.machine_id, agent_id=agent_id)
    require_current(cards.job_card(job), attempt_id=ask.attempt_id, fence=ask.fence)
    _require_program(attempt, ask.program_sha256)
    _require_well(machine, job, now)
    attended = session.get_one(BuildOrderRow, job.order_id).attended_only
    said = bed_words.for_start(session, machine, ask, attended=attended, now=now)
    if job.state is JobState.STAGED:  # asked again, the permit that was given is given again
        _require_people(session, machine, job, attempt, said, now)
        starts.require(session, machine, attempt, now=now)
    change = cards.apply(
        session,
        job,
        lambda j, m: bed_words.arm_with(said, j, m, attempt_id=ask.attempt_id, fence=ask.fence),
        now=now,
        sentence=f"{machine.name} may start it",
    )
    if change.before is not change.after:
        token = said.token if said else None
        _write_permit(session, attempt, ask.program_sha256, token, now)
    return Permit(
        attempt_id=attempt.id,
        machine_id=machine.id,
        fence=ask.fence,
        program_sha256=ask.program_sha256,
        valid_s=PERMIT_VALID_S,
    )


def _require_program(attempt: AttemptRow, sha256: str) -> None:
    staged = ProgramFacts.model_validate(attempt.program).sha256 if attempt.program else None
    if staged != sha256:
        raise NotArmed(
            f"program {sha256[:12]} is not the one that attempt {attempt.id} reported as proved; "
            "report it as staged first",
            reason="other_program",
        )


def give_back_if_short(session: Session, attempt: AttemptRow, *, now: datetime) -> None:
    """The job is in the queue again when its proved program takes more than the lot has.

    There it waits for a lot with enough, as do the plates of its order that are the same; the
    machine is free, so that another lot can be put on it. Jobs that shared the plate are each made
    alone then.
    """
    if (lacks := starts.too_little(session, attempt)) is None:
        return
    job = cards.read_job(session, attempt.job_id)
    machine = session.get_one(MachineRow, attempt.machine_id)
    sentence = f"{machine.name} {lacks}"
    cards.apply(
        session, job, lambda j, m: after(j, m, JobEvent.DECLINE), now=now, sentence=sentence
    )
    attempts.close(session, attempt.id, End(Outcome.DECLINED, now, sentence), now=now)
    same = (
        (col(JobRow.order_id) == job.order_id)
        & (col(JobRow.copies) == job.copies)
        & (col(JobRow.state) == JobState.QUEUED)
    )
    if shared_plates.each_alone(session, attempt):
        return  # what was proved is of all of them together
    proved_g = ProgramFacts.model_validate(attempt.program).material_g
    session.exec(update(JobRow).where(same).values(proved_g=proved_g))


def _require_well(machine: MachineRow, job: JobRow, now: datetime) -> None:
    now_is = condition(machine, job.state, heard=True, now=now)
    if now_is in (Condition.OFFLINE, Condition.FAULT, Condition.MANUAL):
        raise NotArmed(
            f"machine {machine.name} is in state '{now_is}'; someone has to look at it first",
            reason="machine_not_ready",
        )


def _require_people(
    session: Session,
    machine: MachineRow,
    job: JobRow,
    attempt: AttemptRow,
    said: Said | None,
    now: datetime,
) -> None:
    """Who ordered it, and who said that the bed is clear, are trained at this very moment; and it
    will have ended when somebody else has the machine."""
    people = shared_plates.orderers(session, attempt)
    missing = (entitled.orderer_missing(session, machine, by, now=now) for by in people)
    why = next(filter(None, missing), None)
    if why is None and said is not None and said.token is not None:
        # Of whom only a name is known, said at an agent's panel, no training is known either.
        who = said.token.person_id or ""
        why = entitled.operator_missing(session, machine, who, now=now)
    if why is not None:
        raise NotArmed(f"{machine.name} is for trained people, and {why}", reason="training")
    minutes = ProgramFacts.model_validate(attempt.program).duration_s / 60
    for by in people:
        if taken := entitled.crossed(session, machine, by, minutes, now=now):
            raise NotArmed(f"{machine.name} {taken}", reason="reserved")


def _write_permit(
    session: Session, attempt: AttemptRow, sha256: str, token: BedClearRow | None, now: datetime
) -> None:
    """The permit, and whose word about the bed it used up."""
    attempt.armed_at = now
    session.add(attempt)
    session.add(PermitRow(attempt_id=attempt.id, program_sha256=sha256, given_at=now))
    if token is not None:
        token.used_by = attempt.id
        session.add(token)


def has_silent(session: Session, now: datetime) -> bool:
    """Whether some job was silent for too long and nobody has noticed."""
    return look(session, _SILENT, now=now).first() is not None


def notice_silence(session: Session, now: datetime) -> int:
    """Every job that was silent for too long is where silence takes it; how many there were.

    Before a permit that is the queue. After one it is UNCONFIRMED, and no clock leads out of
    there. A job that somebody else is changing just now is left to them.
    """
    if not has_silent(session, now):
        return 0
    overdue = (
        select(JobRow)
        .where(col(JobRow.silent_after) <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    silent = session.exec(overdue).all()
    for job in silent:
        fall_silent(session, job, now=now, sentence=_silence(job))
    return len(silent)


def fall_silent(session: Session, job: JobRow, *, now: datetime, sentence: str) -> None:
    """The job is where silence takes it; an attempt that had no permit has ended."""
    change = cards.apply(
        session, job, lambda j, m: after(j, m, JobEvent.SILENCE), now=now, sentence=sentence
    )
    if change.freed and change.attempt_id:
        attempts.close(session, change.attempt_id, End(Outcome.LAPSED, now, sentence), now=now)


def _silence(job: JobRow) -> str:
    if job.state in (JobState.LEASED, JobState.STAGED):
        return later("the machine did not start it in time; it is in the queue again")
    if job.state is JobState.ARMED:
        return later("the machine was allowed to start and has not said whether it did; look at it")
    if job.state is JobState.CANCELLING:
        return later(
            "nothing was heard of the machine that is to stop for four minutes; look at it"
        )
    return later("nothing was heard of the running machine for four minutes; look at it")
