"""A family of designs as a picture: a row for each design, releases in the order of their dates."""

from collections.abc import Sequence
from dataclasses import dataclass

from repo_server.lineage import Family, Member

_LEFT, _TOP, _ACROSS, _DOWN = 16, 34, 84, 72
_RIGHT = 70


@dataclass(frozen=True, slots=True)
class Dot:
    """A release at its place, px."""

    member: Member
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Dots, and the paths (`d` of SVG) of steps and forks between them; all in px."""

    width: int
    height: int
    rows: tuple[tuple[str, int], ...]
    dots: tuple[Dot, ...]
    steps: tuple[str, ...]
    forks: tuple[str, ...]


def picture_of(family: Family) -> Picture:
    """The family drawn: older releases to the left, a design's own on one height."""
    rows: dict[str, str] = {}
    for it in family.members:
        rows[it.slug] = it.name  # the latest name is the one it goes by
    height_of = {slug: _TOP + _DOWN * n for n, slug in enumerate(rows)}
    dots = {
        it.id: Dot(it, _LEFT + _ACROSS * n, height_of[it.slug])
        for n, it in enumerate(family.members)
    }
    return Picture(
        width=_LEFT + _ACROSS * max(len(dots) - 1, 0) + _RIGHT,
        height=_TOP + _DOWN * len(rows) - 20,
        rows=tuple((name, height_of[slug]) for slug, name in rows.items()),
        dots=tuple(dots.values()),
        steps=_paths(family.steps, dots),
        forks=_paths(family.forks, dots),
    )


def _paths(edges: Sequence[tuple[str, str]], dots: dict[str, Dot]) -> tuple[str, ...]:
    return tuple(_path(dots[a], dots[b]) for a, b in edges)


def _path(a: Dot, b: Dot) -> str:
    """Level where both are on one height, else a curve that leaves and arrives level.

    A patch of an older line may be later than what follows it: the way then bows above.
    """
    if a.y == b.y:
        bow = 0 if 0 < b.x - a.x <= _ACROSS else 28
        return f"M{a.x} {a.y}Q{(a.x + b.x) // 2} {a.y - bow} {b.x} {b.y}"
    middle = (a.x + b.x) // 2
    return f"M{a.x} {a.y}C{middle} {a.y} {middle} {b.y} {b.x} {b.y}"
