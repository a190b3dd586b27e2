"""Plates that jobs of several orders share: who boards one, and how it is taken apart again.

A lab's managers switch it on. The job whose turn it is leads; those next in line that go with it
are its mates (commons.sharing). `cards.apply` lets them stand where it stands, `attempts.close`
ends their attempts with its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from math import inf

from sqlmodel import Session, col, select, update

from commons.availability import MARGIN
from commons.dispatch import JobCard, after
from commons.errors import Conflict, NotAllowed
from commons.job import COMMITTED_STATES, JobEvent, next_state
from commons.machine import MachineProfile, Process
from commons.matching import MachineOffer, free_minutes
from commons.plates import print_area
from commons.sharing import Load, PlateMate, next_to, shares_of
from commons.texts import later
from commons.wire import AgentEvent, EventKind, Orientation, PrintOptions
from repo_server import attempts, cards, matches, rules, turns
from repo_server.attempts import End, Outcome
from repo_server.db import keep_new
from repo_server.ids import new_id
from repo_server.matches import Buildable
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    LabRow,
    MachineRow,
    MaterialLotRow,
)
from repo_server.tables.people import LabRole

# So many of those next in line are asked whether they go with the one whose turn it is.
_ASKED = 32
_IS_MADE = later(
    "it lies on one plate with other people's things, which is being made: wait until that has "
    "ended, or ask an operator to stop the plate"
)
_TAKEN_APART = later("somebody on its plate withdrew; it is prepared again without that")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A job that might lie on a plate, and what it puts there."""

    job: JobRow
    order: BuildOrderRow
    build: Buildable
    load: Load


def board(
    session: Session,
    led: AttemptRow,
    job: JobRow,
    machine: MachineRow,
    build: Buildable,
    *,
    now: datetime,
) -> None:
    """Jobs that go with the one just leased share its plate, where its lab wants that."""
    order = session.get_one(BuildOrderRow, job.order_id)
    if not _may_be_shared(session, job, order):
        return
    leader = _candidate(session, job, order, build, machine, now)
    offer = turns.offer_of(session, machine, now)
    waiting = list(_going_with(session, leader, machine, offer, now))
    if not waiting:
        return
    options = PrintOptions.model_validate(order.options)
    lot = session.get(MaterialLotRow, led.lot_id) if led.lot_id else None
    need = build.need(order.material, options)
    chosen = next_to(
        leader.load,
        [it.load for it in waiting],
        print_area(MachineProfile.model_validate(machine.profile)),
        margin_mm=need.margin_mm,
        left_g=lot.mass_left_g if lot else None,
        free_minutes=free_minutes(offer, at=now),
    )
    loads = [leader.load, *chosen]
    if len(loads) == 1:
        return
    led.share, *shares = shares_of(loads)
    session.add(led)
    for number, (it, share) in enumerate(zip(waiting, shares, strict=False), start=1):
        _take_aboard(session, it, led, number, share, machine, now)


def _may_be_shared(session: Session, job: JobRow, order: BuildOrderRow) -> bool:
    """Whether its lab wants plates shared, and it is a print that may lie beside others."""
    lab = session.get_one(LabRow, job.lab_id)
    return rules.of_lab(lab).shared_plates and _is_sociable(job, order)


def _is_sociable(job: JobRow, order: BuildOrderRow) -> bool:
    """A part that is printed as its designer drew it: of another nobody knows how it will lie."""
    return (
        job.process is Process.FDM
        and not job.alone
        and order.release_id is not None
        and order.calibrates is None
        and PrintOptions.model_validate(order.options).orientation is Orientation.AS_DRAWN
    )


def _going_with(
    session: Session, leader: _Candidate, machine: MachineRow, offer: MachineOffer, now: datetime
) -> Iterator[_Candidate]:
    """Those next in line for the machine, until one could be made there and not on this plate."""
    following = list(islice(turns.in_line(session, machine, now=now), _ASKED))
    kinds = {job.id: turns.Kind(*job.asks) for job in following}
    fitting = turns.fitting(session, machine, offer, kinds.values(), now=now)
    for waiting in following:
        build = fitting.get(kinds[waiting.id])
        if build is None:
            continue  # it is not for this machine
        job = session.get_one(JobRow, waiting.id, populate_existing=True)
        order = session.get_one(BuildOrderRow, job.order_id)
        if not _is_sociable(job, order):
            return
        it = _candidate(session, job, order, build, machine, now)
        if not _is_made_alike(it, leader):
            return
        yield it


def _is_made_alike(one: _Candidate, other: _Candidate) -> bool:
    """Whether one program can make both: same material and options, watched alike; and what is
    urgent waits for nothing that is not."""
    a, b = one.order, other.order
    return (
        (a.material, a.options, a.attended_only) == (b.material, b.options, b.attended_only)
    ) and one.job.urgent == other.job.urgent


def _candidate(
    session: Session,
    job: JobRow,
    order: BuildOrderRow,
    build: Buildable,
    machine: MachineRow,
    now: datetime,
) -> _Candidate:
    options = PrintOptions.model_validate(order.options)
    need = build.need(order.material, options, job.copies, proved_g=job.proved_g)
    minutes = turns.minutes_of(session, machine, order, job.copies, build)
    within = inf if order.deadline is None else (order.deadline - now) / timedelta(minutes=MARGIN)
    load = Load(job.id, need.size_mm, job.copies, need.mass_g, minutes, within)
    return _Candidate(job, order, build, load)


def _take_aboard(
    session: Session,
    it: _Candidate,
    led: AttemptRow,
    number: int,
    share: float,
    machine: MachineRow,
    now: datetime,
) -> None:
    job = cards.read_job(session, it.job.id)
    attempt = AttemptRow(
        id=new_id(),
        job_id=job.id,
        machine_id=machine.id,
        fence=-(led.fence + number),  # fences are apart by more than a plate holds
        lot_id=led.lot_id,
        led_by=led.id,
        share=share,
        conversion=it.build.conversion.model_dump() if it.build.conversion else None,
        leased_at=now,
    )
    keep_new(session, attempt)
    state = next_state(job.state, JobEvent.LEASE)
    card = JobCard(state, machine.id, attempt.id, attempt.fence)
    sentence = f"{machine.name} prepares it"
    cards.require(cards.write_job(session, job, card, now=now, sentence=sentence), f"job {job.id}")


def told(session: Session, led: AttemptRow) -> tuple[PlateMate, ...]:
    """What an agent is told of those that share the plate."""
    return tuple(_told(session, mate) for mate in attempts.mates(session, led.id))


def _told(session: Session, mate: AttemptRow) -> PlateMate:
    job = session.get_one(JobRow, mate.job_id)
    order = session.get_one(BuildOrderRow, job.order_id)
    build = matches.build_of(session, order)
    return PlateMate(
        job_id=job.id,
        attempt_id=mate.id,
        title=build.title,
        part=order.part,
        file_name=build.file_name,
        file_sha256=build.file_sha256,
        file_size=build.file_size,
        copies=job.copies,
        variant=order.variant or {},
    )


def taken_apart(session: Session, led: AttemptRow, event: AgentEvent) -> AgentEvent:
    """What the agent said of a plate, as it counts for each on it.

    One part that cannot be made must not spoil the others: a shared plate that was refused is given
    back, and each of its jobs is made on a plate of its own.
    """
    if event.kind is not EventKind.REFUSED or not each_alone(session, led):
        return event
    sentence = f"together they cannot be made, each is tried alone: {event.sentence}"
    return event.model_copy(update={"kind": EventKind.DECLINED, "sentence": sentence[:2000]})


def each_alone(session: Session, led: AttemptRow) -> bool:
    """Whether others share the plate; then each of them is on a plate of its own from now on."""
    on_it = [mate.job_id for mate in attempts.mates(session, led.id)]
    if on_it:
        these = col(JobRow.id).in_([led.job_id, *on_it])
        session.exec(update(JobRow).where(these).values(alone=True))
    return bool(on_it)


def withdraw(session: Session, job: JobRow, *, now: datetime) -> str | None:
    """The job, which another led, is in the queue again, and so are all others of its plate.

    The attempt that its agent is to give up is returned; None where no other job leads this one.
    Conflict once the plate may have been started: nobody takes a thing out of it then.
    """
    attempt = session.get(AttemptRow, job.attempt_id) if job.attempt_id else None
    if attempt is None or attempt.led_by is None or attempt.ended_at is not None:
        return None
    if job.state in COMMITTED_STATES:
        raise Conflict(_IS_MADE)
    leader = cards.read_job(session, attempts.of_id(session, attempt.led_by).job_id)
    give_back(session, leader, now=now, sentence=_TAKEN_APART)
    session.refresh(job)
    return attempt.led_by


def give_back(session: Session, leader: JobRow, *, now: datetime, sentence: str) -> None:
    """The job that leads a plate is in the queue again before it could start, with all others."""
    change = cards.apply(
        session, leader, lambda j, m: after(j, m, JobEvent.SILENCE), now=now, sentence=sentence
    )
    if change.attempt_id:
        attempts.close(session, change.attempt_id, End(Outcome.LAPSED, now, sentence), now=now)


def require_may_stop(session: Session, job: JobRow, *, by: str) -> None:
    """Pass for a plate of one's own; for operators, where others' things are on it too.

    NotAllowed for anybody else, once it may have been started.
    """
    if job.state not in COMMITTED_STATES or job.attempt_id is None:
        return
    if not attempts.mates(session, job.attempt_id):
        return
    role = session.get(LabRoleRow, (by, job.lab_id))
    if role is None or role.role not in (LabRole.OPERATOR, LabRole.MANAGER):
        raise NotAllowed(_IS_MADE)


def leader_of(session: Session, job: JobRow) -> JobRow:
    """The job that leads the plate, kept for this transaction: itself, where no other does."""
    attempt = session.get(AttemptRow, job.attempt_id) if job.attempt_id else None
    if attempt is None or attempt.led_by is None or attempt.ended_at is not None:
        return job
    return cards.read_job(session, attempts.of_id(session, attempt.led_by).job_id)


def orderers(session: Session, led: AttemptRow) -> list[str]:
    """Who ordered what lies on the plate, its leader's person first; each once."""
    jobs = [led.job_id, *(mate.job_id for mate in attempts.mates(session, led.id))]
    rows = session.exec(
        select(JobRow.id, BuildOrderRow.ordered_by)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(col(JobRow.id).in_(jobs))
    )
    by = dict(rows.all())
    return list(dict.fromkeys(by[id_] for id_ in jobs))


def others_on(session: Session, attempt: AttemptRow) -> int:
    """How many other jobs share the attempt's plate."""
    return len(attempts.mates(session, attempt.led_by or attempt.id))
