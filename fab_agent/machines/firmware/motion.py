"""What a controller does with moves: a planner of a few blocks, emptied by time alone.

With an acceleration a block is driven from standstill to standstill, so that programs of many
short moves last longer here than on a printer; routers look ahead as GRBL does (grbl_planner.py).
"""

import math
from collections import deque
from dataclasses import dataclass

Position = tuple[float, float, float, float]  # X, Y, Z, E in mm
ORIGIN: Position = (0.0, 0.0, 0.0, 0.0)
_NOTHING_S = 1e-9


@dataclass(slots=True)
class Block:
    """One move, dwell or homing under way or waiting."""

    left_s: float
    total_s: float
    start: Position
    end: Position
    feed_mm_s: float = 0.0


class Planner:
    """Moves that are waiting or under way.

    `blocks` is how many it holds; with `timed=False` every move ends at once; acceleration 0 is
    constant feed. `position` is where the last planned move ends, `where` where the tool is now.
    """

    def __init__(self, blocks: int, *, timed: bool, acceleration_mm_s2: float = 0.0) -> None:
        self.position = ORIGIN
        self._size, self._timed = blocks, timed
        self._acceleration = acceleration_mm_s2
        self._blocks: deque[Block] = deque()
        self._stopping_s: float | None = None  # a hold: until it stands still, then 0

    @property
    def full(self) -> bool:
        """No further move can be taken now."""
        return len(self._blocks) >= self._size

    @property
    def empty(self) -> bool:
        """Nothing is left to be done."""
        return not self._blocks

    @property
    def free(self) -> int:
        """How many more moves can be taken."""
        return self._size - len(self._blocks)

    @property
    def held(self) -> bool:
        """A hold was asked for."""
        return self._stopping_s is not None

    @property
    def stands(self) -> bool:
        """The machine does not move: nothing to do, or held and slowed down."""
        return self.empty or self._stopping_s == 0.0

    @property
    def where(self) -> Position:
        """Where the tool is now: on the way, by the share of time (arcs: along the chord)."""
        if not self._blocks:
            return self.position
        block = self._blocks[0]
        share = 1.0 - block.left_s / block.total_s if block.total_s else 1.0
        return _between(block.start, block.end, share)

    @property
    def feed_mm_s(self) -> float:
        """How fast the tool moves now."""
        return self._blocks[0].feed_mm_s if self._blocks and not self.stands else 0.0

    @property
    def next_s(self) -> float:
        """Until the block under way ends or the hold stands; for ever when nothing moves."""
        if self._stopping_s is not None:
            return self._stopping_s or math.inf
        return self._blocks[0].left_s if self._blocks else math.inf

    def move(self, end: Position, path_mm: float, feed_mm_s: float) -> None:
        """Plan a move of this length that ends at `end`."""
        if self._timed and path_mm > 0:
            lasts_s = self._duration(path_mm, feed_mm_s)
            self._blocks.append(Block(lasts_s, lasts_s, self.position, end, feed_mm_s))
        self.position = end

    def pause(self, seconds: float, end: Position | None = None) -> None:
        """Plan to be busy for so long: a dwell, or homing that ends at `end`."""
        end = self.position if end is None else end
        if self._timed and seconds > 0:
            self._blocks.append(Block(seconds, seconds, self.position, end))
        self.position = end

    def renumber(self, position: Position) -> None:
        """Call the place where the last planned move ends `position`."""
        shift = tuple(new - old for new, old in zip(position, self.position, strict=True))
        for block in self._blocks:
            block.start, block.end = _moved(block.start, shift), _moved(block.end, shift)
        self.position = position

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if self._stopping_s is not None:
            passed_s = min(seconds, self._stopping_s)
            self._stopping_s -= passed_s
            seconds = passed_s / 2  # it slows down evenly, so it goes half as far
        while self._blocks and seconds > 0:
            block = self._blocks[0]
            used = min(seconds, block.left_s)
            seconds -= used
            block.left_s -= used
            if block.left_s <= _NOTHING_S:
                self._blocks.popleft()

    def hold(self) -> None:
        """Slow down and stand; the rest is kept."""
        if self._stopping_s is None:
            slow = self._acceleration and self.feed_mm_s / self._acceleration
            self._stopping_s = slow if self._blocks else 0.0

    def resume(self) -> None:
        """Go on with what is kept."""
        self._stopping_s = None

    def clear(self) -> None:
        """Stop now: what was planned does not happen, and the tool is where it is."""
        self.position = self.where
        self._blocks.clear()
        self._stopping_s = None

    def _duration(self, path_mm: float, feed_mm_s: float) -> float:
        """Trapezoid from standstill to standstill; a triangle when the path is too short."""
        if not self._acceleration:
            return path_mm / feed_mm_s
        ramp_mm = feed_mm_s * feed_mm_s / self._acceleration  # up and down together
        if path_mm < ramp_mm:
            return 2 * math.sqrt(path_mm / self._acceleration)
        return path_mm / feed_mm_s + feed_mm_s / self._acceleration


def straight_mm(start: Position, end: Position) -> float:
    """Length of a straight move; of the filament when nothing else moves."""
    path = math.hypot(end[0] - start[0], end[1] - start[1], end[2] - start[2])
    return path or abs(end[3] - start[3])


def arc_mm(start: tuple[float, float], end: tuple[float, float],
           centre: tuple[float, float], *, clockwise: bool) -> float:  # fmt: skip
    """Length of the arc around `centre`; a whole turn when start and end coincide."""
    radius = math.dist(start, centre)
    first = math.atan2(start[1] - centre[1], start[0] - centre[0])
    last = math.atan2(end[1] - centre[1], end[0] - centre[0])
    sweep = (first - last if clockwise else last - first) % math.tau
    return radius * (sweep if sweep > 1e-6 else math.tau)


def arc_centre(start: tuple[float, float], end: tuple[float, float], radius: float, *,
               clockwise: bool) -> tuple[float, float] | None:  # fmt: skip
    """Centre of the arc of this radius, the longer one for a negative radius; None if none is."""
    chord = math.dist(start, end)
    if chord == 0 or 2 * abs(radius) < chord * (1 - 1e-6):
        return None
    height = math.sqrt(max(radius * radius - chord * chord / 4, 0.0))
    side = (-1.0 if clockwise else 1.0) * math.copysign(1.0, radius)
    along = ((end[0] - start[0]) / chord, (end[1] - start[1]) / chord)
    return (
        (start[0] + end[0]) / 2 - side * height * along[1],
        (start[1] + end[1]) / 2 + side * height * along[0],
    )


def _moved(position: Position, shift: tuple[float, ...]) -> Position:
    x, y, z, e = (a + b for a, b in zip(position, shift, strict=True))
    return x, y, z, e


def _between(start: Position, end: Position, share: float) -> Position:
    x, y, z, e = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return x, y, z, e
