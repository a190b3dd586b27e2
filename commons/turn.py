"""Whose turn it is among waiting jobs: one score, whose parts people can read.

A score is in minutes: as if the job had waited so long. What it has really waited is one part; a
deadline moves it forward, a change at the machine and what its member had of the machines lately
move it back. The largest goes first. Two rules stand above it: a job that was overtaken as often as
may be (`pressed`) goes before all that were not, in the order of their places; and what is urgent
goes before what is not.

Whatever has no deadline is to begin within PATIENCE. So a score is also how long ago, or how soon,
a job should have begun, and two jobs keep their order while they wait: time moves both alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import heapify, heappop, heappush
from math import exp2
from typing import TypeVar

from commons.texts import Filled, filled, later

# A job that waits is overtaken this often by such as came later, and never once more.
OVERTAKEN_AT_MOST = 10
# Everybody's job is to begin within this time, unless it is due before.
PATIENCE = timedelta(days=7)
# Whoever had most of the machines waits as if they had come at most this much later.
SHARE_AT_MOST = timedelta(hours=12)
# What was used counts half after this time.
USE_HALVES_AFTER = timedelta(days=7)
# What a person's hands take for one change, with the walk to the machine.
CHANGE = timedelta(minutes=30)

_NONE = timedelta()
_ANY = datetime.min.replace(tzinfo=UTC)
Rank = tuple[bool, bool, datetime, int]


class Why(StrEnum):
    """What gives a job its turn; stable codes. The first two are rules above the score."""

    OVERTAKEN = "overtaken"
    URGENT = "urgent"
    WAITED = "waited"
    DUE = "due"
    SET_UP = "set_up"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a waiting job says for itself; put beside another one by hand it says what that one
    says, but for its place.

    `place` tells which of two equal ones is first, `begin_by` when it should have begun. `changes`
    are what has to be changed at the machine for it; `share` is how much later it counts for what
    its member had. `pressed`: it was overtaken as often as may be.
    """

    place: int
    begin_by: datetime
    urgent: bool = False
    changes: int = 0
    share: timedelta = timedelta()
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: by how many minutes it moves the job, back below 0. A rule above the
    score has 0."""

    why: Why
    minutes: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's score, and what gives it its turn: rules first, then the part that moves it most."""

    minutes: float
    parts: tuple[Part, ...]


def begin_by(since: datetime, deadline: datetime | None, *, takes: timedelta = _NONE) -> datetime:
    """When a job that waits since then, and is due then, should have begun. `takes` is how long it
    is expected to run, nothing where nobody knows: what is due has ended by then."""
    patient = since + PATIENCE
    return patient if deadline is None else min(patient, deadline - takes)


def rank(claim: Claim) -> Rank:
    """Sorts claims: the smallest goes first."""
    return _rank(claim, CHANGE * claim.changes)


def _rank(claim: Claim, changing: timedelta) -> Rank:
    if claim.pressed:
        return False, False, _ANY, claim.place
    return True, not claim.urgent, claim.begin_by + claim.share + changing, claim.place


T = TypeVar("T")


def in_turn(lines: Iterable[Iterator[tuple[Claim, T]]]) -> Iterator[T]:
    """What the claims are of, as their turns come; of each line as little is read as that takes.

    In a line stands what differs by `begin_by`, `place` and `changes` alone, by the first two. So
    whatever was not read of a line ranks behind what was read last, would that need no change: as
    long as such a bound is not the smallest, nothing that is still unread can be the next one.
    """
    # Beside its rank, whether it is only a bound, and a number that no other entry has: what was
    # read, or a bound of the rest of the line.
    heap: list[tuple[Rank, bool, int, tuple[T, ...], Iterator[tuple[Claim, T]]]] = []
    for line in lines:
        heap.append(((False, False, _ANY, 0), True, len(heap), (), line))
    heapify(heap)
    number = len(heap)
    while heap:
        _, is_bound, _, read, line = heappop(heap)
        yield from read
        if is_bound and (step := next(line, None)) is not None:
            claim, found = step
            heappush(heap, (rank(claim), False, number, (found,), line))
            heappush(heap, (_rank(claim, timedelta()), True, number + 1, (), line))
            number += 2


def shares(used: Mapping[str, float]) -> dict[str, timedelta]:
    """How much later each member's jobs count, by how many machine minutes they had lately: as many
    minutes, or fewer in proportion where the largest would be more than SHARE_AT_MOST."""
    most = timedelta(minutes=max(used.values(), default=0.0))
    scale = SHARE_AT_MOST / most if most > SHARE_AT_MOST else 1.0
    return {member: timedelta(minutes=minutes * scale) for member, minutes in used.items()}


def decayed(minutes: float, *, since: datetime, now: datetime) -> float:
    """What is left of machine minutes that were used until `since`."""
    return minutes * exp2(-max(timedelta(), now - since) / USE_HALVES_AFTER)


def explained(claim: Claim, *, since: datetime, now: datetime) -> Turn:
    """The claim's score and its parts, of a job that waits, or counts as waiting, since then."""
    waited = _minutes(now - since)
    due = _minutes(since + PATIENCE - claim.begin_by)
    moved = [
        Part(Why.WAITED, waited, filled("it has waited %(time)s", time=_told(waited))),
        Part(
            Why.DUE, due, filled("it is due: as if it had come %(time)s earlier", time=_told(due))
        ),
        _back(Why.SET_UP, CHANGE * claim.changes),
        _back(Why.SHARE, claim.share),
    ]
    moving = sorted((it for it in moved if round(it.minutes)), key=lambda it: -abs(it.minutes))
    return Turn(sum(it.minutes for it in moving), (*_rules(claim), *moving))


def _rules(claim: Claim) -> Iterator[Part]:
    if claim.pressed:
        said = later("it was overtaken as often as may be: it goes before all that were not")
        yield Part(Why.OVERTAKEN, 0.0, said)
    if claim.urgent:
        yield Part(Why.URGENT, 0.0, later("it is urgent: it goes before what is not"))


def _back(why: Why, by: timedelta) -> Part:
    minutes = _minutes(by)
    return Part(why, -minutes, _SAID_BACK[why](_told(minutes)))


def _for_a_change(time: str) -> Filled:
    return filled("something has to be changed at the machine: as if it had come %(time)s later",
                  time=time)  # fmt: skip


def _for_a_share(time: str) -> Filled:
    return filled("whoever ordered it had the machines lately: as if it had come %(time)s later",
                  time=time)  # fmt: skip


_SAID_BACK = {Why.SET_UP: _for_a_change, Why.SHARE: _for_a_share}


def _told(minutes: float) -> str:
    """Some time in units that all languages write alike."""
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _minutes(time: timedelta) -> float:
    return time / timedelta(minutes=1)
