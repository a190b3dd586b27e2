"""Crumbs that rounding leaves in a slicer's programs."""

import re
from collections.abc import Iterable, Iterator

_DUST_MM = 0.001  # of filament: less than a tenth of an extruder's step
_MOVE = re.compile(rb"G1 (X\S+ Y\S+)(?: E(\S+))?")
_AWAY = re.compile(rb"G[0-3] .*[XY]|G28|G92 .*[XY]")


def without_dust(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The bare lines without moves that go nowhere and push next to no filament.

    Slicers round to a micrometre, so a very short move may end in the point where it began and
    keep its crumb of filament. To a machine that is filament alone, at the speed of a move,
    which no extruder can do; PrusaSlicer 2.5 writes such a line now and then.
    Only for programs with relative extrusion: there a line left out changes no other.
    """
    here = b""
    for line in lines:
        if move := _MOVE.fullmatch(line):
            point, pushed = move.groups()
            if point == here and pushed and 0 <= float(pushed) < _DUST_MM:
                continue
            here = point
        elif _AWAY.match(line):
            here = b""
        yield line
