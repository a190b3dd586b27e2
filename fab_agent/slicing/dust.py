"""Crumbs that rounding leaves in a slicer's programs."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

_DUST_MM = 0.001  # of filament: less than a tenth of an extruder's step
_MOVE = re.compile(rb"G1 (X\S+ Y\S+)(?: E(\S+))?")
_ALIKE = len(b"G1 X1 Y1")  # lines to the same point begin alike, so far at least
_LINES_AT_ONCE = 256  # most such stretches hold nothing small
_AWAY = re.compile(rb"G[0-3] .*[XY]|G28|G92 .*[XY]")


def without_dust(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The bare lines without moves that go nowhere and push next to no filament.

    Slicers round to a micrometre, so a very short move may end in the point where it began and
    keep its crumb of filament. To a machine that is filament alone, at the speed of a move,
    which no extruder can do; PrusaSlicer 2.5 writes such a line now and then.
    Only for programs with relative extrusion: there a line left out changes no other.
    """
    here, lines = b"", iter(lines)  # the last line that went anywhere
    while some := list(islice(lines, _LINES_AT_ONCE)):
        text = b"\n".join(some)
        if _may_hold_crumbs(text):
            some = list(_without_crumbs(some, here))
        yield from some
        here = next(filter(_AWAY.match, reversed(some)), here)


def _may_hold_crumbs(text: bytes) -> bool:
    """Whether some move pushes an amount that begins as less than _DUST_MM does."""
    return b" E.000" in text or text.count(b" E0") > text.count(b"G92 E0")


def _without_crumbs(lines: Iterable[bytes], here: bytes) -> Iterator[bytes]:
    for line in lines:
        if _is_crumb(line, here):
            continue
        if _AWAY.match(line):
            here = line
        yield line


def _is_crumb(line: bytes, here: bytes) -> bool:
    """Whether `line` goes where the line `here` went, and pushes next to nothing."""
    if line[:_ALIKE] != here[:_ALIKE]:
        return False
    move, before = _MOVE.fullmatch(line), _MOVE.fullmatch(here)
    if move is None or before is None or move[1] != before[1] or move[2] is None:
        return False
    return 0 <= float(move[2]) < _DUST_MM
