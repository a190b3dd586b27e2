"""All moves of a program at once, in flat arrays: an object for each would not fit into memory."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import hypot, inf, isnan

from commons.toolpath import MOST_DEPTHS, Box, Kind
from fab_agent.gcode.moves import Move

MOST_MOVES = 6_000_000  # 150 MB; what comes after is not drawn
_CLOSES_MM = 0.6  # a wall ends this near to where it began (a slicer leaves a gap at the seam)
_LAYER_MM = 0.03  # heights nearer than this are one layer
_MARGIN_MM, _MARGIN = 6.0, 0.08
_NEAR_MM = 15.0  # what of the first layer is this far from the part still belongs to it (a brim)

_EVERYWHERE = (-inf, -inf, inf, inf)
KINDS = tuple(Kind)
CODE = {kind: number for number, kind in enumerate(KINDS)}
FREE = (CODE[Kind.TRAVEL], CODE[Kind.RAPID])


class Ways:
    """The moves, numbered from 0.

    `heights`: of a print its layers, from below; of milling its depths, the deepest last. `ranks`
    has for each of them the moves there: a later one lies on top. `free` are the other moves.
    """

    def __init__(self, moves: Iterable[Move], *, prints: bool) -> None:
        self.prints, self.is_whole = prints, True
        self.kinds = array("B")
        self._points = array("f")
        for start, end, kind in moves:
            if isnan(start[0] + start[1] + end[0] + end[1] + end[2]):
                continue
            if len(self.kinds) >= MOST_MOVES:
                self.is_whole = False
                break
            self._points.extend((start[0], start[1], end[0], end[1], end[2]))
            self.kinds.append(CODE[kind])
        self.heights = self._heights()
        self.free, self.ranks = self._ranked()
        if prints:
            self._tell_walls()

    def way(self, at: int) -> Sequence[float]:
        """x and y before, x, y and z after the move (mm)."""
        return self._points[5 * at : 5 * at + 5]

    def kind(self, at: int) -> Kind:
        """What the move is for."""
        return KINDS[self.kinds[at]]

    def view(self) -> Box | None:
        """Around the part and its brim, not around the line that primes the nozzle.

        None where nothing is made.
        """
        part = self._box(self.ranks[1:] if self.prints else self.ranks)
        if part is None:
            part = self._box(self.ranks[:1])
        elif self.prints:
            left, front, right, back = part
            near = left - _NEAR_MM, front - _NEAR_MM, right + _NEAR_MM, back + _NEAR_MM
            left, front, right, back = self._box(self.ranks[:1], within=near) or part
            part = min(left, part[0]), min(front, part[1]), max(right, part[2]), max(back, part[3])
        if part is None:
            return None
        left, front, right, back = part
        edge = max(_MARGIN_MM, _MARGIN * max(right - left, back - front))
        return left - edge, front - edge, right + edge, back + edge

    def _z(self, at: int) -> float:
        return round(self._points[5 * at + 4], 3)

    def _working(self) -> Iterator[int]:
        return (at for at, code in enumerate(self.kinds) if code not in FREE)

    def _heights(self) -> list[float]:
        found = sorted({self._z(at) for at in self._working()})
        if self.prints:
            below = [-inf, *found]
            return [z for z, under in zip(found, below, strict=False) if z - under > _LAYER_MM]
        deep = [z for z in found if z < 0]
        if len(deep) > MOST_DEPTHS:
            deep = [deep[0] * part / MOST_DEPTHS for part in range(MOST_DEPTHS, 0, -1)]
        return [round(z, 3) for z in reversed(deep)]

    def _ranked(self) -> tuple["array[int]", list["array[int]"]]:
        free, ranks = array("L"), [array("L") for _ in self.heights or [0.0]]
        for at, code in enumerate(self.kinds):
            if code in FREE:
                free.append(at)
            else:
                ranks[self._rank(self._z(at))].append(at)
        return free, ranks

    def _rank(self, z: float) -> int:
        """The layer that `z` belongs to, or the first depth that is as deep."""
        if self.prints:
            return max(0, bisect_right(self.heights, z + 1e-4) - 1)
        deep = (n for n, depth in enumerate(self.heights) if depth <= z + 1e-3)
        return next(deep, max(0, len(self.heights) - 1))

    def _tell_walls(self) -> None:
        """Filament is told apart: the first layer, ways that close, and open ones."""
        at = 0
        for is_free, run in groupby(self.kinds, key=FREE.__contains__):
            count = sum(1 for _ in run)
            if not is_free and self._closes(at, at + count):
                for each in range(at, at + count):
                    self.kinds[each] = CODE[Kind.WALL]
            at += count
        for at in self.ranks[0]:
            self.kinds[at] = CODE[Kind.FIRST]

    def _closes(self, first: int, after: int) -> bool:
        x0, y0 = self.way(first)[:2]
        x1, y1 = self.way(after - 1)[2:4]
        return after - first > 2 and hypot(x1 - x0, y1 - y0) <= _CLOSES_MM

    def _box(self, ranks: Iterable[Iterable[int]], within: Box = _EVERYWHERE) -> Box | None:
        """Around all moves that end inside of another box."""
        left = front = inf
        right = back = -inf
        for moves in ranks:
            for at in moves:
                _, _, x, y, _ = self.way(at)
                if within[0] <= x <= within[2] and within[1] <= y <= within[3]:
                    left, right = min(left, x), max(right, x)
                    front, back = min(front, y), max(back, y)
        return None if left > right else (left, front, right, back)
