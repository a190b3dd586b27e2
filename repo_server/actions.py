"""What a person can do next in a lab, the one that sets most going first: read off its board."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from commons.job import JobState
from commons.matching import Refusal
from repo_server.boards import Board, BoardJob, BoardMachine
from repo_server.conditions import FREE, Condition


class Act(StrEnum):
    """What is to be done; stable codes, in the order of their weight where they free as much."""

    LOOK = "look"  # a machine has a fault, or nobody knows what it has made
    CLEAR = "clear"
    LOAD = "load"  # another material
    REFILL = "refill"  # more of the same, or another sheet
    SET_UP = "set_up"  # another nozzle, cutter or plate
    SERVICE = "service"  # it wants its maintenance
    SWITCH_ON = "switch_on"
    GO_ON = "go_on"  # it is held
    JUDGE = "judge"
    DECIDE = "decide"  # it failed or was refused: again, or not
    ALLOW = "allow"  # what it was to follow is not made: all the same, or not


class Action(BaseModel):
    """One thing to do: at which machine, with what, and how many waiting jobs it lets go on.

    `what` is a material for LOAD, a part's name for JUDGE, DECIDE and ALLOW, else empty.
    """

    model_config = ConfigDict(frozen=True)

    act: Act
    machine_id: str | None
    machine: str
    what: str
    jobs: int


_LOOK_AT = (Condition.FAULT, Condition.UNCONFIRMED)
_ASKS: dict[str, Act] = {
    **dict.fromkeys(_LOOK_AT, Act.LOOK),
    Condition.OFFLINE: Act.SWITCH_ON,
    Refusal.MATERIAL: Act.LOAD,
    Refusal.MASS_LEFT: Act.REFILL,
    Refusal.THICKNESS: Act.REFILL,
    Refusal.SHEET: Act.REFILL,
    Refusal.TOOL: Act.SET_UP,
    Refusal.PLATE: Act.SET_UP,
    Refusal.MAINTENANCE: Act.SERVICE,
}
# With time it makes the job by itself, unless somebody has taken it out of use.
_MAKES_IT = ("next", "busy", Refusal.HOURS, Refusal.RESERVED)


def next_actions(board: Board) -> list[Action]:
    """What is to be done now, by how many of the jobs on the board wait for it.

    A job counts for a change at one machine alone, and only while no machine could make it as it
    is: whoever only has to wait for a machine needs nobody.
    """
    found = [
        *_at_machines(board),
        *_for_the_stuck(board),
        *_of_jobs(board.jobs),
        *_of_followers(board.jobs),
    ]
    order = list(Act)
    return sorted(found, key=lambda it: (-it.jobs, order.index(it.act), it.machine, it.what))


def _at_machines(board: Board) -> Iterable[Action]:
    """What is to be done whether anything waits for it or not."""
    free = defaultdict[str, int](int)
    for job in board.jobs:
        for answer in job.waits:
            if not answer.then and answer.code in ("next", *_LOOK_AT):
                free[answer.machine_id] += 1
    for machine in board.machines:
        waits = _has_prepared(machine) + free[machine.id]
        if machine.state in _LOOK_AT:
            yield _action(Act.LOOK, machine, jobs=free[machine.id])
        elif machine.state is Condition.HELD:
            yield _action(Act.GO_ON, machine, jobs=1)
        elif machine.state is Condition.AWAIT_CLEAR and waits:
            yield _action(Act.CLEAR, machine, jobs=waits)


def _has_prepared(machine: BoardMachine) -> int:
    return 1 if machine.attempt_id else 0


def _for_the_stuck(board: Board) -> Iterable[Action]:
    """For jobs that no machine could make as it is: the change that most of them wait for first,
    at a machine that stands still where one does."""
    machines = {machine.id: machine for machine in board.machines}
    in_use = {it.id for it in board.machines if it.state is not Condition.DOWN}
    stuck = [it for it in board.jobs if it.waits and not _needs_nobody(it, in_use)]
    while stuck:
        asked = defaultdict[tuple[Act, str, str], list[BoardJob]](list)
        for job in stuck:
            for answer in job.waits:
                act = None if answer.then else _ASKS.get(answer.code)
                if act and act is not Act.LOOK and answer.machine_id in machines:
                    asked[act, answer.machine_id, _what(act, job)].append(job)
        if not asked:
            return
        order = list(Act)

        def weight(key: tuple[Act, str, str]) -> tuple[object, ...]:
            machine = machines[key[1]]
            stands = machine.state in FREE and machine.job_id is None
            return -len(asked[key]), not stands, order.index(key[0]), machine.name  # noqa: B023

        act, machine_id, what = best = min(asked, key=weight)
        yield _action(act, machines[machine_id], what=what, jobs=len(asked[best]))
        helped = {job.id for job in asked[best]}
        stuck = [job for job in stuck if job.id not in helped]


def _needs_nobody(job: BoardJob, in_use: Collection[str]) -> bool:
    """Whether some machine makes it as it is, or would once somebody has looked at it; or no
    change at any would help, because its person has used up what they may."""
    return any(
        it.code == Refusal.QUOTA
        or (not it.then and it.code in (*_MAKES_IT, *_LOOK_AT) and it.machine_id in in_use)
        for it in job.waits
    )


def _what(act: Act, job: BoardJob) -> str:
    return job.material if act is Act.LOAD else ""


def _of_jobs(jobs: Iterable[BoardJob]) -> Iterable[Action]:
    asked = {
        JobState.FINISHED: Act.JUDGE,
        JobState.FAILED: Act.DECIDE,
        JobState.REFUSED: Act.DECIDE,
    }
    for job in jobs:
        if act := asked.get(job.state):
            yield Action(
                act=act,
                machine_id=job.machine_id,
                machine=job.machine or "",
                what=job.part,
                jobs=0,
            )


def _of_followers(jobs: Iterable[BoardJob]) -> Iterable[Action]:
    """One for each order that a person has to say a word about before it is begun."""
    held = defaultdict[str, list[BoardJob]](list)
    for job in jobs:
        if "go_on" in job.acts:
            held[job.order_id].append(job)
    for same in held.values():
        yield Action(act=Act.ALLOW, machine_id=None, machine="", what=same[0].part, jobs=len(same))


def _action(act: Act, machine: BoardMachine, *, what: str = "", jobs: int) -> Action:
    return Action(act=act, machine_id=machine.id, machine=machine.name, what=what, jobs=jobs)
