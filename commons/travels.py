"""How designs travel: from the lab that made one first to those that made it afterwards.

Files travel, things are made where they are used; so what is told is where a design was made,
not where somebody downloaded it, and nothing about who did.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """That a lab made so many good things of a design which another made first."""

    origin: str
    lab: str
    design: str
    things: int


@dataclass(frozen=True, slots=True)
class Way:
    """What went from one lab to another: which designs, and the things made of them there."""

    origin: str
    lab: str
    designs: tuple[str, ...]
    things: int


def ways_of(steps: Iterable[Step]) -> list[Way]:
    """The ways that designs took, widest first; designs of a way by name."""
    taken: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        taken[step.origin, step.lab].append(step)
    ways = [
        Way(origin, lab, tuple(sorted(it.design for it in there)), sum(it.things for it in there))
        for (origin, lab), there in taken.items()
    ]
    return sorted(ways, key=lambda way: (-len(way.designs), -way.things, way.origin, way.lab))
