"""When waiting jobs are expected to begin: a lab's line, planned over its machines as they are.

It is what will happen if nobody orders, loads or breaks anything meanwhile, and every bed is
cleared at once; so it is told to the next ten minutes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session, col

from commons.scheduling import Station, Work, plan
from commons.wire import PrintOptions
from repo_server import print_estimate
from repo_server.matches import Buildable
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, MachineRow

# What is expected of a plate that nobody has any estimate of.
ROUGH_MINUTES = 60.0
TOLD_TO = timedelta(minutes=10)
_REMEMBERED = 500  # programs of a lab that are looked through for times


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the line: which machines could make it now, and its minutes where known."""

    job_id: str
    machines: tuple[str, ...]
    material: str
    minutes: float | None
    deadline: datetime | None
    not_before: datetime | None
    first: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """`begins_at` is None when it can begin at once; `rough`: a time in it is not known, and was
    taken for an hour."""

    begins_at: datetime | None
    late: bool
    rough: bool


@dataclass(frozen=True, slots=True)
class Busy:
    """A machine that may be given work, what material is on it, and when it is free."""

    machine_id: str
    material: str
    minutes: float | None


class Ordered(Protocol):
    """What somebody wants made, as far as it says how long that takes."""

    @property
    def of(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def rendering_id(self) -> str | None: ...
    @property
    def material(self) -> str: ...
    @property
    def options(self) -> Mapping[str, object]: ...


def forecast(
    line: Sequence[Waiting], machines: Sequence[Busy], *, now: datetime
) -> dict[str, Forecast]:
    """For each job that some machine could make as it is now, when it begins. `line` is in the
    order in which turns come."""
    stations = [
        Station(it.machine_id, ROUGH_MINUTES if it.minutes is None else it.minutes, it.material)
        for it in machines
    ]
    rough = {it.job_id for it in line if it.minutes is None}
    unsure = {it.machine_id for it in machines if it.minutes is None}
    works = [_work(it, now) for it in line]
    by_id = {it.job_id: it for it in line}
    found = {}
    for machine_id, queue in plan(works, stations).items():
        is_rough = machine_id in unsure
        for slot in queue:
            deadline = by_id[slot.work].deadline
            ends_at = now + timedelta(minutes=slot.end)
            late = deadline is not None and ends_at > deadline
            found[slot.work] = Forecast(_told(now, slot.begin), late, is_rough)
            is_rough = is_rough or slot.work in rough
    return found


def _work(it: Waiting, now: datetime) -> Work:
    minutes = ROUGH_MINUTES if it.minutes is None else it.minutes
    return Work(
        it.job_id,
        dict.fromkeys(it.machines, minutes),
        loaded=it.material,
        due=None if it.deadline is None else (it.deadline - now) / timedelta(minutes=1),
        not_before=0.0
        if it.not_before is None
        else max(0.0, (it.not_before - now) / timedelta(minutes=1)),
        pressed=it.first,
    )


def _told(now: datetime, minutes: float) -> datetime | None:
    """The next full ten minutes; None for at once."""
    if minutes <= 0:
        return None
    at = now + timedelta(minutes=minutes)
    return at + (datetime.min.replace(tzinfo=UTC) - at) % TOLD_TO


_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes two plates take the same time; `of` is the id of a release, or of a program that
    somebody brought."""

    of: str
    part: str
    rendering_id: str | None
    material: str
    options: Mapping[str, object]
    copies: int

    def key(self) -> _Key:
        """The same for plates that take the same time."""
        same = (self.of, self.part, self.rendering_id, self.material)
        return *same, str(sorted(self.options.items())), self.copies


class Times:
    """How long plates take, by the latest programs that machines of the lab were given for these
    releases and programs that somebody brought, else by an estimate."""

    def __init__(self, session: Session, lab_id: str, wanted: Collection[str]) -> None:
        self._known = _programs(session, lab_id, wanted)

    def minutes(self, kind: Kind, build: Buildable | None) -> float | None:
        """Of a plate of this kind; None where nobody knows."""
        return self._known.get(kind.key()) or _estimated(build, kind)


def minutes_of(
    session: Session,
    lab_id: str,
    orders: Mapping[str, Ordered],
    builds: Mapping[str, Buildable],
    plates: Collection[tuple[str, int]],
) -> dict[tuple[str, int], float | None]:
    """How long each of the plates takes; a plate is an order's id and how many it makes."""
    times = Times(session, lab_id, {orders[order_id].of for order_id, _ in plates})
    return {
        (order_id, copies): times.minutes(_kind_of(orders[order_id], copies), builds.get(order_id))
        for order_id, copies in plates
    }


def _kind_of(order: Ordered, copies: int) -> Kind:
    same = (order.of, order.part, order.rendering_id, order.material)
    return Kind(*same, order.options, copies)


# The columns of a Kind but for its copies.
_OF = sa.func.coalesce(col(BuildOrderRow.release_id), col(BuildOrderRow.program_id))
_SAME = (
    _OF,
    col(BuildOrderRow.part),
    col(BuildOrderRow.rendering_id),
    col(BuildOrderRow.material),
    col(BuildOrderRow.options),
)


def _programs(session: Session, lab_id: str, wanted: Collection[str]) -> dict[_Key, float]:
    """Minutes of the latest programs that machines of the lab were given for these releases, or
    for these programs that somebody brought."""
    if not wanted:
        return {}
    duration_s = col(AttemptRow.program)["duration_s"].as_float()
    rows = session.execute(
        sa.select(duration_s, col(JobRow.copies), *_SAME)
        # From the machines, so that no job that waits is looked at.
        .join(MachineRow, col(MachineRow.id) == col(AttemptRow.machine_id))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(
            col(MachineRow.lab_id) == lab_id,
            _OF.in_(sorted(wanted)),
            duration_s.is_not(None),
            col(AttemptRow.share) == 1,  # of a plate that others shared nobody knows its part
        )
        .order_by(col(AttemptRow.leased_at).desc())
        .limit(_REMEMBERED)
    )
    found: dict[_Key, float] = {}
    for seconds, copies, of, part, rendering_id, material, options in rows:
        kind = Kind(of, part, rendering_id, material, options, copies)
        found.setdefault(kind.key(), seconds / 60)
    return found


def _estimated(build: Buildable | None, kind: Kind) -> float | None:
    """From the mesh's facts, for printed parts alone; of a program as its slicer says."""
    if build is not None and build.traits is not None:
        seconds = build.traits.duration_s
        return None if seconds is None else kind.copies * seconds / 60
    scale = PrintOptions.model_validate(kind.options).scale
    found = print_estimate.of_facts(build.facts, kind.material, scale) if build else None
    if found is None:
        return None
    least, most = found.time_s
    return kind.copies * (least + most) / 2 / 60
