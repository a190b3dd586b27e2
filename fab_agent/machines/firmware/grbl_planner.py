"""GRBL's planner with its look-ahead: how fast a router may pass from each block into the next.

After gnea/grbl: grbl/planner.c (speeds at junctions, both passes of the plan), stepper.c (holds),
motion_control.c (arcs in chords), doc/markdown/settings.md ($11, $12, $110 to $122). Read on
2026-11-23 at 12f48a00. Not modelled: rounding to steps, the 50 ms of steps that are cut ahead.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fab_agent.machines.firmware.motion import ORIGIN, Planner, Position

Vector = tuple[float, float, float]
_NOTHING_S = 1e-9
_NOTHING_MM = 1e-9
_LEAST_MM_S = 1 / 60  # MINIMUM_FEED_RATE
_STRAIGHT = 0.999999  # a cosine beyond which a corner is none, or a turn back
_WHOLE_TURN = 1e-6


@dataclass(slots=True)
class Stretch:
    """One straight block; speeds mm/s, squared ones mm²/s².

    `most` is what its entry allows, `back` from where the machine can still stop within what it
    knows, `entry` what it also reaches by then: the speed that is planned, squared. `gain` is by
    how much the squared speed can change on its whole length.
    """

    start: Position
    end: Position
    length_mm: float
    acceleration: float
    speed: float
    gain: float
    most: float = 0.0
    back: float = -1.0
    entry: float = 0.0


class LookAhead:
    """Moves that are waiting or under way, planned together whenever one comes in.

    `settings` are GRBL's, by number. `position` is where the last planned move ends, `where` where
    the tool is now. Invariant: no planned speed is above a block's feed, an axis' rate or what the
    corner allows, and the machine can always stop at the end of the last block that it knows.
    """

    def __init__(self, blocks: int, settings: Mapping[int, float]) -> None:
        self.position = ORIGIN
        self._size, self._settings = blocks, settings
        self._ring: list[Stretch] = []
        self._unit: Vector = (0.0, 0.0, 0.0)  # of the last move that came in
        self._held = False
        # The block under way: since its ramps were laid out last.
        self._from_speed = self._to_speed = self._peak = 0.0
        self._left_mm = self._goes_mm = 0.0
        self._passed_s = 0.0
        self._ramps: tuple[float, float, float] | None = None  # s; None: to be laid out

    @property
    def full(self) -> bool:
        """No further move can be taken now."""
        return len(self._ring) >= self._size

    @property
    def empty(self) -> bool:
        """Nothing is left to be done."""
        return not self._ring

    @property
    def free(self) -> int:
        """How many more moves can be taken."""
        return self._size - len(self._ring)

    @property
    def held(self) -> bool:
        """A hold was asked for."""
        return self._held

    @property
    def stands(self) -> bool:
        """The machine does not move: nothing to do, or held and slowed down."""
        return not self._ring or (self._held and self._from_speed == 0.0)

    @property
    def where(self) -> Position:
        """Where the tool is now."""
        if not self._ring:
            return self.position
        block = self._ring[0]
        share = 1.0 - self._now()[1] / block.length_mm
        x, y, z, e = (a + (b - a) * share for a, b in zip(block.start, block.end, strict=True))
        return x, y, z, e

    @property
    def feed_mm_s(self) -> float:
        """How fast the tool moves now."""
        return 0.0 if self.stands else self._now()[0]

    @property
    def next_s(self) -> float:
        """Until the block under way ends or the hold stands; for ever when nothing moves."""
        return math.inf if self.stands else self._lasts_s() - self._passed_s

    def move(self, end: Position, path_mm: float, feed_mm_s: float) -> None:
        """Plan a straight move of this length that ends at `end`, as fast as its axes may at most.

        Without room it is planned all the same: the caller looks at `full`.
        """
        start, self.position = self.position, end
        if path_mm <= 0:
            return
        unit = (
            (end[0] - start[0]) / path_mm,
            (end[1] - start[1]) / path_mm,
            (end[2] - start[2]) / path_mm,
        )
        rate = self._axes_allow(120, unit)
        speed = max(min(feed_mm_s, self._axes_allow(110, unit) / 60), _LEAST_MM_S)
        block = Stretch(start, end, path_mm, rate, speed, gain=2 * rate * path_mm)
        if self._ring:
            slower = min(self._ring[-1].speed, speed)
            block.most = min(self._corner(unit), slower * slower)
        else:
            self._begin(block, 0.0)
        self._unit = unit
        self._ring.append(block)
        self._plan()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 0 and not self.stands:
            left_s = self._lasts_s() - self._passed_s
            if seconds < left_s - _NOTHING_S:
                self._passed_s += seconds
                return
            seconds -= left_s
            self._end_ramps()

    def hold(self) -> None:
        """Slow down on the way and stand; the rest is kept."""
        if not self._held:
            self._set_off_from_here()
            self._held = True

    def resume(self) -> None:
        """Go on with what is kept, from the speed of now."""
        if self._held:
            self._held = False
            self._set_off_from_here()
            self._plan_forward(0)

    def clear(self) -> None:
        """Stop now: what was planned does not happen, and the tool is where it is."""
        self.position = self.where
        self._ring.clear()
        self._held = False
        self._from_speed = 0.0

    # The plan

    def _axes_allow(self, first: int, unit: Vector) -> float:
        """How much along `unit` no axis has more than its setting ($110…, $120…) for."""
        settings, (x, y, z) = self._settings, unit
        allowed = settings[first] / abs(x) if x else math.inf
        if y:
            allowed = min(allowed, settings[first + 1] / abs(y))
        if z:
            allowed = min(allowed, settings[first + 2] / abs(z))
        return allowed

    def _corner(self, unit: Vector) -> float:
        """Squared speed from the last block into one along `unit`: as on a circle that misses
        the corner by the junction deviation.
        """
        (x0, y0, z0), (x1, y1, z1) = self._unit, unit
        cosine = -(x0 * x1 + y0 * y1 + z0 * z1)
        if cosine > _STRAIGHT:
            return 0.0  # a turn back
        if cosine < -_STRAIGHT:
            return math.inf
        turn = (x1 - x0, y1 - y0, z1 - z0)
        size = math.hypot(*turn)
        across = self._axes_allow(120, (turn[0] / size, turn[1] / size, turn[2] / size))
        half = math.sqrt((1 - cosine) / 2)
        return across * self._settings[11] * half / (1 - half)

    def _plan(self) -> None:
        """Take the newest block into the plan; what it cannot change is left alone."""
        ring, index, after = self._ring, len(self._ring) - 1, 0.0
        while index > 0:
            block = ring[index]
            back = after + block.gain
            if back > block.most:
                back = block.most
            if back == block.back:
                break
            block.back = after = back
            index -= 1
        self._plan_forward(index)

    def _plan_forward(self, index: int) -> None:
        """No faster into any block after `index` than the ones before can have sped up to."""
        ring = self._ring
        if not ring:
            return
        if index == 0:
            self._set_off_from_here()
            reached = self._from_speed**2 + 2 * ring[0].acceleration * self._left_mm
        else:
            reached = ring[index].entry + ring[index].gain
        for block in ring[index + 1 :]:
            block.entry = reached if reached < block.back else block.back
            reached = block.entry + block.gain

    # The block under way

    def _begin(self, block: Stretch, speed: float) -> None:
        self._from_speed, self._left_mm = speed, block.length_mm
        self._passed_s, self._ramps = 0.0, None

    def _set_off_from_here(self) -> None:
        """Where and how fast the tool is now is where its ramps are laid out from next."""
        if self._ring and self._passed_s:
            self._from_speed, self._left_mm = self._now()
        self._passed_s, self._ramps = 0.0, None

    def _lasts_s(self) -> float:
        """From where its ramps were laid out to the end of the block, or until it stands."""
        return sum(self._ramps or self._lay_out())

    def _lay_out(self) -> tuple[float, float, float]:
        """Seconds of speeding up, of even speed and of slowing down, from here."""
        block, v = self._ring[0], self._from_speed
        rate, way = block.acceleration, self._left_mm
        if self._held:
            self._goes_mm = min(way, v * v / (2 * rate))
            self._to_speed = math.sqrt(max(v * v - 2 * rate * way, 0.0))
            self._peak = v
            ramps = (0.0, 0.0, (v - self._to_speed) / rate)
        else:
            leaves = self._ring[1].entry if len(self._ring) > 1 else 0.0
            top = max(min(block.speed**2, (v * v + leaves) / 2 + rate * way), v * v, leaves)
            self._goes_mm, self._to_speed, self._peak = way, math.sqrt(leaves), math.sqrt(top)
            flat_mm = max(way - (2 * top - v * v - leaves) / (2 * rate), 0.0)
            up_s, down_s = (self._peak - v) / rate, (self._peak - self._to_speed) / rate
            ramps = (up_s, flat_mm / self._peak, down_s)
        self._ramps = ramps
        return ramps

    def _now(self) -> tuple[float, float]:
        """Speed, and what is left of the block under way."""
        if not self._passed_s:
            return self._from_speed, self._left_mm
        up_s, flat_s, down_s = self._ramps or self._lay_out()
        rate, t = self._ring[0].acceleration, self._passed_s
        if t < up_s:
            return self._from_speed + rate * t, self._left_mm - (
                self._from_speed + rate * t / 2
            ) * t
        to_go_s = max(up_s + flat_s + down_s - t, 0.0)
        if to_go_s < down_s:
            to_go_mm = (self._to_speed + rate * to_go_s / 2) * to_go_s
            speed = self._to_speed + rate * to_go_s
        else:
            to_go_mm = (self._to_speed + rate * down_s / 2) * down_s
            to_go_mm += self._peak * (to_go_s - down_s)
            speed = self._peak
        return speed, self._left_mm - self._goes_mm + to_go_mm

    def _end_ramps(self) -> None:
        """The block under way ends, or it stands within it."""
        left_mm = self._left_mm - self._goes_mm
        if self._held and left_mm > _NOTHING_MM:
            self._from_speed, self._left_mm = 0.0, left_mm
            self._passed_s, self._ramps = 0.0, None
            return
        del self._ring[0]
        self._from_speed = 0.0
        if self._ring:
            self._begin(self._ring[0], self._to_speed)


RouterPlanner = Planner | LookAhead


def chords(
    start: Vector, end: Vector, centre: tuple[float, float], axes: tuple[int, int], *,
    clockwise: bool, tolerance_mm: float,
) -> Iterator[Vector]:  # fmt: skip
    """Where the chords end in which GRBL drives an arc, none further from it than `tolerance_mm`
    ($12); `axes` are the two that it turns in.
    """
    first, second = axes
    a, b = start[first] - centre[0], start[second] - centre[1]
    c, d = end[first] - centre[0], end[second] - centre[1]
    turn = math.atan2(a * d - b * c, a * c + b * d) % math.tau
    sweep = -((-turn) % math.tau) if clockwise else turn
    if abs(sweep) <= _WHOLE_TURN:
        sweep = -math.tau if clockwise else math.tau
    radius = math.hypot(a, b)
    chord = 2 * math.sqrt(max(tolerance_mm * (2 * radius - tolerance_mm), _NOTHING_MM))
    count = int(abs(sweep) * radius / chord)
    for number in range(1, count):
        share = number / count
        place = [p + (q - p) * share for p, q in zip(start, end, strict=True)]
        cosine, sine = math.cos(sweep * share), math.sin(sweep * share)
        place[first] = centre[0] + a * cosine - b * sine
        place[second] = centre[1] + a * sine + b * cosine
        yield place[0], place[1], place[2]
    yield end
