"""How designs travel: from the lab that made one first to those that made it afterwards.

Files travel, things are made where they are used; so what is told is where a design was made,
not where somebody downloaded it, and nothing about who did.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Making:
    """Of one design, what one lab made: when first, how many good things ever, and how many of
    them are `counted`, being of the time that is asked about."""

    design: str
    lab: str
    first_at: datetime
    things: int
    counted: int


@dataclass(frozen=True, slots=True)
class Way:
    """What went from one lab to another: which designs, and the things made of them there."""

    origin: str
    lab: str
    designs: tuple[str, ...]
    things: int


def ways_of(makings: Iterable[Making]) -> list[Way]:
    """The ways that designs took, widest first; designs of a way by name.

    A design's origin is the lab that made it first, of two in one instant the one whose name
    comes first. Where nothing good was left, nothing was made.
    """
    of_design: dict[str, list[Making]] = defaultdict(list)
    for making in makings:
        if making.things > 0:
            of_design[making.design].append(making)
    taken: dict[tuple[str, str], list[Making]] = defaultdict(list)
    for made in of_design.values():
        origin = min(made, key=lambda it: (it.first_at, it.lab)).lab
        for it in made:
            if it.lab != origin and it.counted > 0:
                taken[origin, it.lab].append(it)
    ways = [
        Way(origin, lab, tuple(sorted(it.design for it in there)), sum(it.counted for it in there))
        for (origin, lab), there in taken.items()
    ]
    return sorted(ways, key=lambda way: (-len(way.designs), -way.things, way.origin, way.lab))
