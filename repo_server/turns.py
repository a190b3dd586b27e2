"""Whose turn it is: which of a lab's waiting jobs a machine gets next.

`commons.turn` says in which order; here is where that is read. What a job's turn goes by stands in
its own row, and those of one member, one material and one urgency stand in line by an index. Of
each such line no more is read than `turn.in_turn` needs to tell the next one, however long it is.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons import turn
from commons.dispatch import FENCE_STEP
from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import JobState
from commons.machine import MachineProfile, Process
from commons.matching import MachineOffer, candidates
from commons.turn import OVERTAKEN_AT_MOST, Claim, Turn, in_turn
from commons.wire import MillOptions, PrintOptions
from repo_server import choice, claims, entitled, forecasts, line, matches, places, shares, standing
from repo_server.attempts import Outcome
from repo_server.conditions import is_clear
from repo_server.db import look
from repo_server.line import Standing, Waiting
from repo_server.matches import Buildable
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, MachineRow, MaterialLotRow

# A machine that gave a job back is not offered it again for this long.
REST = timedelta(minutes=1)
_LATELY = 100 * FENCE_STEP
_NO_SHARE = timedelta()
# The index is by fence, and nobody gives back more than _LATELY within REST.
_GIVEN_BACK = columns(col(AttemptRow.job_id)).where(
    col(AttemptRow.machine_id) == bindparam("machine_id"),
    col(AttemptRow.outcome) == Outcome.DECLINED,
    col(AttemptRow.fence) > bindparam("fence"),
    col(AttemptRow.ended_at) > bindparam("since"),
)
# When that was queued which is the last to press what came before it.
_TAKEN = (
    columns(col(JobRow.queued_at))
    .where(
        col(JobRow.lab_id) == bindparam("lab_id"),
        col(JobRow.process) == bindparam("of_process"),
        col(JobRow.attempt_id).is_not(None),
    )
    .order_by(col(JobRow.queued_at).desc())
    .offset(OVERTAKEN_AT_MOST - 1)
    .limit(1)
)
# So many kinds of jobs are asked about at first; then all.
_AT_ONCE = (1, 8)


class Kind(NamedTuple):
    """What is the same of jobs to which a machine says the same. `written` are the order's
    options, `machines` those that it may go to, both as the database holds them; `of` is the id of
    a release where it is of a released part, or of a program that somebody brought."""

    is_released: bool
    of: str
    part: str
    rendering_id: str | None
    material: str
    written: str
    copies: int
    machines: str | None
    pinned_to: str | None
    attended_only: bool
    ordered_by: str
    proved_g: float | None

    @property
    def made(self) -> matches.OrderKey:
        """What is made of it."""
        return self.of, self.part, self.rendering_id

    @property
    def options(self) -> dict[str, object]:
        """The order's options."""
        return dict(json.loads(self.written))

    def may_go_to(self, machine: MachineRow, now: datetime) -> bool:
        """Whether people want it made there, and, if it needs one, somebody may be there."""
        only = choice.chosen(json.loads(self.machines or "null"), self.pinned_to)
        if only is not None and machine.id not in only:
            return False
        # On a bed that is still to be cleared it is prepared: who clears it then is there.
        return not (self.attended_only and machine.cleared) or is_clear(machine, now, attended=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job whose turn it is, and what is made for it."""

    job_id: str
    build: Buildable
    ordered_by: str


def next_build(session: Session, machine: MachineRow, *, now: datetime) -> Wanted | None:
    """The job whose turn it is on this machine; None when it can make none now."""
    if machine.retired_at is not None:
        return None
    walk = _new_kinds(in_line(session, machine, now=now), machine, now)
    offer: MachineOffer | None = None
    for at_once in _AT_ONCE:
        if not (some := dict(islice(walk, at_once))):
            return None
        offer = offer or offer_of(session, machine, now)
        for kind, build in _fitting(session, machine, offer, some, now):
            return Wanted(some[kind], build, kind.ordered_by)
    # Where that many were refused mostly all are, and then nobody walks along the whole line.
    asked = [it for it in _open_kinds(session, machine, now) if it.may_go_to(machine, now)]
    fitting = dict(_fitting(session, machine, offer, asked, now)) if offer and asked else {}
    fit = (Wanted(job_id, fitting[it], it.ordered_by) for it, job_id in walk if it in fitting)
    return next(fit, None) if fitting else None


def fitting(
    session: Session,
    machine: MachineRow,
    offer: MachineOffer,
    kinds: Iterable[Kind],
    *,
    now: datetime,
) -> dict[Kind, Buildable]:
    """Those of the kinds that may go to this machine and that it can make now, and what is made of
    each."""
    may_go = [it for it in kinds if it.may_go_to(machine, now)]
    return dict(_fitting(session, machine, offer, may_go, now)) if may_go else {}


def minutes_of(
    session: Session, machine: MachineRow, order: BuildOrderRow, copies: int, build: Buildable
) -> float | None:
    """How long a plate of so many is expected to take; None where nobody knows."""
    plate = order.id, copies
    found = forecasts.minutes_of(
        session, machine.lab_id, {order.id: order}, {order.id: build}, [plate]
    )
    return found[plate]


def _fitting(
    session: Session,
    machine: MachineRow,
    offer: MachineOffer,
    kinds: Collection[Kind],
    now: datetime,
) -> Iterator[tuple[Kind, Buildable]]:
    """Those of the kinds that no filter refuses, and what is made of each, in the order given."""
    builds = _builds(session, kinds)
    minutes = _minutes(session, machine, kinds, builds) if _is_stopped(offer) else {}
    for kind in kinds:
        build = builds.get(kind.made)
        if build and _fits(kind, build, offer, minutes.get(kind), now):
            yield kind, build


def _open_kinds(session: Session, machine: MachineRow, now: datetime) -> list[Kind]:
    """Every kind of the open jobs of what is loaded, in no order."""
    return [Kind(*asks) for asks in line.asked(session, _standing(session, machine, now))]


def _builds(session: Session, kinds: Collection[Kind]) -> Mapping[matches.OrderKey, Buildable]:
    """What the kinds ask for, of those that a machine can be fed with. One alone, which is nearly
    always the one, is known sooner."""
    alone = next(iter(kinds))
    if len(kinds) > 1 or not alone.is_released:
        return matches.ordered(session, {kind.made for kind in kinds})
    try:
        return {alone.made: matches.buildable(session, *alone.made)}
    except (InvalidInput, NotFound):
        return {}


def _new_kinds(
    jobs: Iterable[Waiting], machine: MachineRow, now: datetime
) -> Iterator[tuple[Kind, str]]:
    """Each kind that may be made there with the first job of it: the others are answered alike."""
    known: set[Kind] = set()
    for job in jobs:
        kind = Kind(*job.asks)
        if kind not in known:
            known.add(kind)
            if kind.may_go_to(machine, now):
                yield kind, job.id


def offer_of(session: Session, machine: MachineRow, now: datetime) -> MachineOffer:
    """The machine with what is loaded, what stands in its way, and whom it may be used by."""
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    bare = matches.offer_of(machine, lot, available=standing.of_machine(session, machine, now=now))
    (offer,) = entitled.with_people(session, machine.lab_id, [bare], now=now)
    return offer


def _is_stopped(offer: MachineOffer) -> bool:
    """Whether anything is near that would stop it; else nobody is asked how long it takes."""
    return bool(offer.booked or (offer.available and offer.available.pauses))


def _fits(
    kind: Kind, build: Buildable, offer: MachineOffer, minutes: float | None, now: datetime
) -> bool:
    chosen = PrintOptions.model_validate_json(kind.written)
    milling = MillOptions.model_validate_json(kind.written)
    need = build.need(kind.material, chosen, kind.copies, milling=milling, proved_g=kind.proved_g)
    need = replace(need, ordered_by=kind.ordered_by, begins_at=now, minutes=minutes)
    (answer,) = candidates(need, [offer])
    return answer.refusal is None


def _minutes(
    session: Session,
    machine: MachineRow,
    waiting: Iterable[Kind],
    builds: Mapping[matches.OrderKey, Buildable],
) -> dict[Kind, float | None]:
    """How long each of them is expected to take."""
    asked = {str(number): it for number, it in enumerate(waiting)}
    made = {id_: builds[it.made] for id_, it in asked.items() if it.made in builds}
    plates = [(id_, it.copies) for id_, it in asked.items()]
    found = forecasts.minutes_of(session, machine.lab_id, asked, made, plates)
    return {it: found[plate] for it, plate in zip(asked.values(), plates, strict=True)}


def in_line(session: Session, machine: MachineRow, *, now: datetime) -> Iterator[Waiting]:
    """The open jobs of what is loaded, as their turns come on this machine, without those that it
    has just given back. They are read while somebody asks for more."""
    here = _standing(session, machine, now)
    resting = set(_given_back(session, machine, now))
    for job in _in_turn(session, machine, here):
        if job.id not in resting:
            yield job


def _standing(session: Session, machine: MachineRow, now: datetime) -> Standing:
    process = Process(str(machine.profile["process"]))
    return Standing(
        lab_id=machine.lab_id,
        process=process,
        material=_loaded(session, machine),
        pressed_before=pressed_before(session, machine.lab_id, process),
        now=now,
    )


def _in_turn(session: Session, machine: MachineRow, here: Standing) -> Iterator[Waiting]:
    yield from line.pressed(session, here)
    had = shares.of_lab(session, machine.lab_id, now=here.now)
    profile = MachineProfile.model_validate(machine.profile)

    def claimed(job: Waiting) -> tuple[Claim, Waiting]:
        share = had.get(job.claimant, _NO_SHARE)
        changes = claims.changes(job.set_up, profile)
        return Claim(job.place, job.begin_by, job.urgent, changes, share), job

    yield from in_turn(map(claimed, it) for it in line.others(session, here))


def claims_of(
    session: Session, lab_id: str, jobs: Collection[JobRow], *, now: datetime
) -> dict[str, Claim]:
    """What each of the lab's waiting jobs says for itself, whichever machine asks, by id."""
    before = {it: pressed_before(session, lab_id, it) for it in {job.process for job in jobs}}
    had = shares.of_lab(session, lab_id, now=now) if jobs else {}
    return {it.id: claims.claim(it, had, pressed_before=before[it.process]) for it in jobs}


def turn_of(session: Session, job: JobRow, *, now: datetime) -> Turn:
    """What gives a waiting job its turn, whichever machine asks; Conflict when it waits no more."""
    if job.state is not JobState.QUEUED:
        raise Conflict("this job waits no more, and has no turn: look at what became of it")
    claim = claims_of(session, job.lab_id, [job], now=now)[job.id]
    return turn.explained(claim, since=places.moment_of(job.place), now=now)


def _loaded(session: Session, machine: MachineRow) -> str:
    """The material; nothing is made of none."""
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    return lot.material if lot else ""


def _given_back(session: Session, machine: MachineRow, now: datetime) -> Sequence[str]:
    rows = look(
        session, _GIVEN_BACK, machine_id=machine.id, fence=machine.epoch - _LATELY, since=now - REST
    )
    return rows.scalars().all()


def pressed_before(session: Session, lab_id: str, process: Process) -> int:
    """What stands before this place was overtaken as often as may be; 0: nothing was.

    Whatever a machine took that was queued after a job has overtaken it, so that the latest
    OVERTAKEN_AT_MOST that were taken mark the place. Some of them may have gone to machines that
    could not have made the other one: then it was overtaken less often than that, never more.
    """
    since = look(session, _TAKEN, lab_id=lab_id, of_process=process).scalar()
    return 0 if since is None else places.place_of(since)
