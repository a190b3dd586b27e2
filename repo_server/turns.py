"""Whose turn it is: which of a lab's waiting jobs a machine gets next.

What is urgent goes first, then what is due first, then what has waited longest. But a job that
waits is overtaken OVERTAKEN_AT_MOST times by such as came later: then it goes before them all,
wherever it can be made. A job that somebody puts beside another one stands there as if both had
been ordered together: as old, as urgent and due as that one. For all others these rules hold on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from commons.dispatch import FENCE_STEP
from commons.job import JobState
from commons.machine import Process
from commons.matching import candidates
from commons.wire import MillOptions, PrintOptions
from repo_server import choice, entitled, following, forecasts, matches, places, standing
from repo_server.attempts import Outcome
from repo_server.conditions import is_clear
from repo_server.matches import Buildable
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, MachineRow, MaterialLotRow

OVERTAKEN_AT_MOST = 10
# A machine that gave a job back is not offered it again for this long.
REST = timedelta(minutes=1)
_LATELY = 100 * FENCE_STEP

# As the rows can be grouped by.
_OPTIONS = sa.cast(col(BuildOrderRow.options), sa.String)
_MACHINES = sa.cast(col(BuildOrderRow.machines), sa.String)
# The order whose urgency and deadline a job's turn goes by: its own, or that of the job that
# somebody put it beside.
_LIKE = aliased(BuildOrderRow)
_IS_LIKE = col(_LIKE.id) == func.coalesce(col(JobRow.beside_id), col(JobRow.order_id))
_URGENT = col(_LIKE.urgent_because).is_not(None)
_DEADLINE = col(_LIKE.deadline)


# The columns of a Kind.
_KIND: tuple[Any, ...] = (
    func.coalesce(col(BuildOrderRow.release_id), col(BuildOrderRow.program_id)),
    col(BuildOrderRow.part),
    col(BuildOrderRow.rendering_id),
    col(BuildOrderRow.material),
    _OPTIONS,
    col(JobRow.copies),
    _MACHINES,
    col(JobRow.pinned_to),
    col(BuildOrderRow.attended_only),
    _URGENT,
    _DEADLINE,
    col(BuildOrderRow.ordered_by),
)


class Kind(NamedTuple):
    """What a row of `_KIND` says. `written` are the order's options, `machines` those that it may
    go to, both as the database holds them; `of` is the id of a release, or of a program that
    somebody brought."""

    of: str
    part: str
    rendering_id: str | None
    material: str
    written: str
    copies: int
    machines: str | None
    pinned_to: str | None
    attended_only: bool
    urgent: bool
    deadline: datetime | None
    ordered_by: str

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
    """A kind of job whose turn it is, and what is made for it."""

    build: Buildable
    kind: Kind


def next_build(session: Session, machine: MachineRow, *, now: datetime) -> Wanted | None:
    """What the job asks for whose turn it is on this machine; None when it can make none now."""
    if machine.retired_at is not None:
        return None
    waiting = [it for it in _waiting(session, machine, now) if it.may_go_to(machine, now)]
    builds = matches.ordered(session, {it.made for it in waiting})
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    offer = matches.offer_of(machine, lot, available=standing.of_machine(session, machine, now=now))
    offers = entitled.with_people(session, machine.lab_id, [offer], now=now)
    # How long it takes is asked of nobody where nothing is near that would stop it.
    stops = offers[0].booked or (offer.available and offer.available.pauses)
    minutes = _minutes(session, machine, waiting, builds) if stops else {}
    for kind in waiting:
        if build := builds.get(kind.made):
            chosen = PrintOptions.model_validate_json(kind.written)
            milling = MillOptions.model_validate_json(kind.written)
            need = build.need(kind.material, chosen, kind.copies, milling=milling)
            need = replace(
                need, ordered_by=kind.ordered_by, begins_at=now, minutes=minutes.get(kind)
            )
            (answer,) = candidates(need, offers)
            if answer.refusal is None:
                return Wanted(build, kind)
    return None


def _minutes(
    session: Session,
    machine: MachineRow,
    waiting: Sequence[Kind],
    builds: Mapping[matches.OrderKey, Buildable],
) -> dict[Kind, float | None]:
    """How long each of them is expected to take."""
    asked = {str(number): it for number, it in enumerate(waiting)}
    made = {id_: builds[it.made] for id_, it in asked.items() if it.made in builds}
    plates = [(id_, it.copies) for id_, it in asked.items()]
    found = forecasts.minutes_of(session, machine.lab_id, asked, made, plates)
    return {it: found[plate] for it, plate in zip(waiting, plates, strict=True)}


def oldest(
    session: Session, wanted: Wanted, machine: MachineRow, *, now: datetime
) -> JobRow | None:
    """The first in line of the jobs that ask for it; None when there is none left."""
    same = (
        column.is_(None) if value is None else column == value
        for column, value in zip(_KIND, wanted.kind, strict=True)
    )
    return session.exec(
        select(JobRow)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .join(_LIKE, _IS_LIKE)
        .where(*_open_to(machine, now), *same)
        .order_by(col(JobRow.place), col(JobRow.id))
        .limit(1)
    ).first()


def _waiting(session: Session, machine: MachineRow, now: datetime) -> list[Kind]:
    """What open jobs ask for, as the turn of the first of each comes."""
    since = overtaken_before(session, machine.lab_id, Process(str(machine.profile["process"])))
    first = func.min(JobRow.place)
    overtaken = first < (0 if since is None else places.place_of(since))
    rows = session.execute(
        sa.select(*_KIND)
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .join(_LIKE, _IS_LIKE)
        .where(*_open_to(machine, now))
        .group_by(*_KIND)
        .order_by(
            overtaken.desc(),
            sa.case((overtaken, 0), (_URGENT, 1), else_=0).desc(),
            sa.case((overtaken, None), else_=_DEADLINE).asc().nulls_last(),
            first,
            col(JobRow.copies).desc(),
        )
    )
    return [Kind(*row) for row in rows]


def overtaken_before(session: Session, lab_id: str, process: Process) -> datetime | None:
    """What was queued before this moment was overtaken as often as may be; None: nothing was.

    Whatever a machine took that was queued after a job has overtaken it, so that the latest
    OVERTAKEN_AT_MOST that were taken mark the place. Some of them may have gone to machines that
    could not have made the other one: then it was overtaken less often than that, never more.
    """
    taken = (
        select(JobRow.queued_at)
        .where(
            JobRow.lab_id == lab_id,
            JobRow.process == process,
            col(JobRow.attempt_id).is_not(None),
        )
        .order_by(col(JobRow.queued_at).desc())
        .offset(OVERTAKEN_AT_MOST - 1)
        .limit(1)
    )
    return session.exec(taken).first()


def _open_to(machine: MachineRow, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Queued jobs of the machine's lab and process that may be made now, without those that it
    has just given back."""
    return (
        col(JobRow.lab_id) == machine.lab_id,
        col(JobRow.state) == JobState.QUEUED,
        col(JobRow.process) == Process(str(machine.profile["process"])),
        col(JobRow.parked_by).is_(None),
        col(JobRow.over_quota).is_(None),
        col(JobRow.queued_at) <= now,  # later ones are not to be made before
        following.IS_FREE,
        col(JobRow.id).not_in(
            select(AttemptRow.job_id).where(
                AttemptRow.machine_id == machine.id,
                AttemptRow.outcome == Outcome.DECLINED,
                # The index is by fence, and nobody gives back more than this within REST.
                AttemptRow.fence > machine.epoch - _LATELY,
                col(AttemptRow.ended_at) > now - REST,
            )
        ),
    )
