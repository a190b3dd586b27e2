"""What a machine's time went into: each moment counts once, for what comes first in `Use`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from commons.hours import Period, between, joined


class Use(StrEnum):
    """In the order of their right: a machine that runs is not idle, whatever waits."""

    RUNNING = "running"
    UNKNOWN = "unknown"  # it was started, and nobody knows what it did
    DOWN = "down"
    CLOSED = "closed"
    WAITING = "waiting"  # for a person: the bed was not clear, and something was to be made
    IDLE_WHILE_WORK = "idle_while_work"  # it was clear and free, and something was to be made
    IDLE = "idle"


def overlap(one: Iterable[Period], other: Iterable[Period]) -> list[Period]:
    """The time that is in both."""
    ones, others = list(joined(one)), list(joined(other))
    both = [(max(a, c), min(b, d)) for a, b in ones for c, d in others if a < d and c < b]
    return list(joined(both))


def hours(begin: datetime, end: datetime, used: Mapping[Use, Sequence[Period]]) -> dict[Use, float]:
    """Hours of the time from `begin` until `end` by what they went into; together all of it.

    What none of the periods names is IDLE.
    """
    left: list[Period] = [(begin, end)] if begin < end else []
    found = {}
    for use in Use:
        taken = left if use is Use.IDLE else overlap(left, used.get(use, ()))
        found[use] = sum((b - a for a, b in taken), timedelta()) / timedelta(hours=1)
        left = [gap for a, b in left for gap in between(taken, a, b)]
    return found
