"""Places that no tool may come over, and whether a path does. Pure geometry; mm and radians."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import acos, ceil, cos, inf, isnan, sin

from commons.machine import KeepOut
from fab_agent.gcode.arcs import Arc

XYZ = tuple[float, float, float]

# Chords stay this near to their arc, and the zone grows by as much: no bulge is missed.
_SAGITTA_MM = 0.01


@dataclass(frozen=True, slots=True)
class Zone:
    """A closed box, open downwards: a tool that is lower hits what stands there with its shank."""

    name: str
    low: XYZ
    high: XYZ

    @classmethod
    def around(cls, place: KeepOut, margin_mm: float) -> "Zone":
        """The zone of `place`, wider by `margin_mm` on its four sides."""
        margin_mm += _SAGITTA_MM
        return cls(
            place.name,
            (place.x_min_mm - margin_mm, place.y_min_mm - margin_mm, -inf),
            (place.x_max_mm + margin_mm, place.y_max_mm + margin_mm, place.z_max_mm),
        )

    def is_entered(self, start: XYZ, end: XYZ) -> bool:
        """Whether the straight way touches the zone; a NaN in `start` is taken for any value."""
        first, last = 0.0, 1.0
        for least, most, a, b in zip(self.low, self.high, start, end, strict=True):
            if isnan(a):
                continue
            if a == b:
                if not least <= a <= most:
                    return False
                continue
            enters, leaves = sorted(((least - a) / (b - a), (most - a) / (b - a)))
            first, last = max(first, enters), min(last, leaves)
        return first <= last


def arc_chords(arc: Arc, start: XYZ, end: XYZ) -> Iterator[tuple[XYZ, XYZ]]:
    """Straight pieces of an arc that rises evenly from `start` to `end`.

    The arc is nowhere farther from them than `_SAGITTA_MM`.
    """
    step = 2 * acos(max(0.0, 1 - _SAGITTA_MM / arc.radius))
    count = max(1, ceil(abs(arc.sweep) / step))
    before = start
    for number in range(1, count + 1):
        share = number / count
        angle = arc.start + arc.sweep * share
        point = (
            arc.centre[0] + arc.radius * cos(angle),
            arc.centre[1] + arc.radius * sin(angle),
            start[2] + (end[2] - start[2]) * share,
        )
        yield before, point if number < count else end
        before = point
