"""Arcs of G2 and G3 in the XY plane: where they bulge and how long they are. Pure geometry."""

from dataclasses import dataclass
from math import atan2, copysign, cos, dist, pi, sin, sqrt

Point = tuple[float, float]

# Start and end radius may differ by this much, absolute (mm) and relative: GRBL 1.1 gcode.c.
_RADIUS_TOLERANCE_MM = 0.005
_RADIUS_TOLERANCE = 0.001
# A sweep nearer to none or to a whole turn than this is read as a whole turn: a firmware that
# rounds otherwise than we do (GRBL's own epsilon is 5e-7 in 32-bit floats) stays proved.
_SWEEP_DOUBT_RAD = 1e-5


@dataclass(frozen=True, slots=True)
class Arc:
    """Part of a circle; `sweep` in radians, positive against the clock."""

    centre: Point
    radius: float
    start: float
    sweep: float

    @property
    def length(self) -> float:
        """Length of the arc in mm."""
        return self.radius * abs(self.sweep)

    def extremes(self) -> list[Point]:
        """The points of this arc that lie farthest left, right, front and back, ends excluded."""
        low, high = sorted((self.start, self.start + self.sweep))
        return [
            (self.centre[0] + self.radius * cos(angle), self.centre[1] + self.radius * sin(angle))
            for quarter in range(-6, 7)
            if low <= (angle := quarter * pi / 2) <= high
        ]


def arc_about(start: Point, end: Point, centre: Point, *, clockwise: bool) -> Arc:
    """The arc around `centre`; a whole turn when start and end coincide.

    Raises:
        ValueError: start and end are not equally far from the centre, or the radius is zero.
    """
    radius, other = dist(start, centre), dist(end, centre)
    off = abs(radius - other)
    if radius == 0 or off > max(_RADIUS_TOLERANCE_MM, _RADIUS_TOLERANCE * radius):
        raise ValueError(f"start is {radius:.4f} mm from the centre, end {other:.4f} mm")
    return _arc(start, end, centre, clockwise=clockwise)


def arc_of_radius(start: Point, end: Point, radius: float, *, clockwise: bool) -> Arc:
    """The shorter arc of this radius through both points, the longer one for a negative radius.

    Raises:
        ValueError: no such arc exists, or start and end coincide.
    """
    chord = dist(start, end)
    if chord == 0 or radius == 0:
        raise ValueError("an arc given by its radius needs two different ends")
    height_squared = radius * radius - chord * chord / 4
    if height_squared < -_RADIUS_TOLERANCE_MM * abs(radius):
        raise ValueError(f"the ends are {chord:.4f} mm apart, too far for R {radius:.4f}")
    height = sqrt(max(height_squared, 0.0))
    side = copysign(1.0, radius) * (-1.0 if clockwise else 1.0)
    along = ((end[0] - start[0]) / chord, (end[1] - start[1]) / chord)
    centre = (
        (start[0] + end[0]) / 2 - side * height * along[1],
        (start[1] + end[1]) / 2 + side * height * along[0],
    )
    return _arc(start, end, centre, clockwise=clockwise)


def _arc(start: Point, end: Point, centre: Point, *, clockwise: bool) -> Arc:
    first = atan2(start[1] - centre[1], start[0] - centre[0])
    last = atan2(end[1] - centre[1], end[0] - centre[0])
    sweep = (first - last if clockwise else last - first) % (2 * pi)
    if min(sweep, 2 * pi - sweep) < _SWEEP_DOUBT_RAD:
        sweep = 2 * pi
    radius = max(dist(start, centre), dist(end, centre))
    return Arc(centre, radius, first, -sweep if clockwise else sweep)
