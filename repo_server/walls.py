"""What a screen on a lab's wall shows: what to do next, machines, and the first that wait.

It says less than the board, and changes less: a clock in it counts minutes, not lines.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from commons.job import JobState
from commons.wire import ProgressReport
from repo_server.actions import Action, next_actions
from repo_server.boards import Board, BoardJob, BoardMachine
from repo_server.conditions import Condition

MOST_ACTIONS, MOST_WAITING = 5, 8


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class WallMachine(_Shown):
    """A machine: what it makes, how far it is, and how many minutes are left, where known."""

    name: str
    state: Condition
    cleared: bool
    makes: str
    percent: int | None
    minutes_left: int | None


class WallJob(_Shown):
    """A job that waits. `begins_at` is None when it can begin at once or nobody knows."""

    title: str
    part: str
    material: str
    plate: int
    urgent: bool
    deadline: datetime | None
    late: bool
    at_once: bool
    begins_at: datetime | None


class Wall(_Shown):
    """All of it. `actions` and `waiting` are the first of `to_do` and `queued`."""

    lab: str
    slug: str
    actions: tuple[Action, ...]
    to_do: int
    machines: tuple[WallMachine, ...]
    waiting: tuple[WallJob, ...]
    queued: int


def wall_of(board: Board) -> Wall:
    """The board as it hangs on the wall."""
    parts = {job.id: job.part for job in board.jobs}
    waiting = [job for job in board.jobs if _is_in_line(job)]
    todo = next_actions(board)
    return Wall(
        lab=board.lab.name,
        slug=board.lab.slug,
        actions=tuple(todo[:MOST_ACTIONS]),
        to_do=len(todo),
        machines=tuple(_machine(it, parts.get(it.job_id or "", "")) for it in board.machines),
        waiting=tuple(map(_job, waiting[:MOST_WAITING])),
        queued=board.queued,
    )


def _is_in_line(job: BoardJob) -> bool:
    """Whether it waits, and neither a person nor another order holds it back."""
    return job.state is JobState.QUEUED and not job.follows and "unpark" not in job.acts


def _machine(it: BoardMachine, makes: str) -> WallMachine:
    progress = it.progress
    left_s = progress.remaining_s if progress else None
    return WallMachine(
        name=it.name,
        state=it.state,
        cleared=it.cleared,
        makes=makes,
        percent=_percent(progress) if progress else None,
        minutes_left=None if left_s is None else round(left_s / 60),
    )


def _percent(progress: ProgressReport) -> int | None:
    return 100 * progress.done // progress.total if progress.total else None


def _job(job: BoardJob) -> WallJob:
    when = job.forecast
    return WallJob(
        title=job.title,
        part=job.part,
        material=job.material,
        plate=job.plate,
        urgent=job.urgent_because is not None,
        deadline=job.deadline,
        late=when is not None and when.late,
        at_once=when is not None and when.begins_at is None,
        begins_at=when.begins_at if when else None,
    )
