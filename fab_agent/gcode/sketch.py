"""A program from above and from the front, in few strokes: what lies on top hides what is below.

Of a print the last layer is on top, of milling the deepest cut. A stroke of which nothing could
be seen is left out, so the sketch of a long program is hardly larger than that of a short one.
Pure; the same program gives the same bytes.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from math import ceil, hypot

from commons.machine import MachineProfile, Process
from commons.toolpath import MOST_POINTS, Box, Kind, Sketch, Strokes
from commons.wire import Place
from fab_agent.gcode.moves import Move
from fab_agent.gcode.ways import CODE, Ways

_CELLS = 1000  # across the longer edge of the view
_FIELDS = 500  # across it, at most: in them one stroke hides another
_WIDE = 0.8  # a stroke hides what lies in a field that is this share of its own width
_COLUMNS, _ROWS = 250, 200  # of the view from the front
_SIMPLER = 0.7  # cells that a way may be off after points were left out
_MARK_MM = 6.0
_OUTSIDE = 0.1  # a refused place that is this share of the bed away from it is still in view
# How much flatter or higher than the plan the view from the front may be drawn.
_STRETCH = (10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1)

Cell = tuple[int, int]


def sketch_of(
    moves: Iterable[Move],
    profile: MachineProfile,
    *,
    sha256: str,
    line_count: int,
    mark: Place | None = None,
) -> Sketch:
    """The sketch of a program's moves; `mark` is where it was refused."""
    ways = Ways(moves, prints=profile.process is Process.FDM)
    box = profile.envelope
    bed = (box.x_min_mm, box.y_min_mm, box.x_max_mm, box.y_max_mm)
    tool_mm = profile.fdm.nozzle_mm if profile.fdm else profile.cnc.cutter_mm if profile.cnc else 1
    drawing = _Drawing(ways, _with_mark(ways.view() or bed, bed, mark), tool_mm)
    return Sketch(
        process=profile.process,
        program_sha256=sha256,
        line_count=line_count,
        is_whole=ways.is_whole,
        bed=bed,
        keep_out=box.keep_out,
        view=drawing.view,
        cell_mm=drawing.cell_mm,
        row_mm=drawing.row_mm,
        tool_mm=tool_mm,
        height_mm=(drawing.low, drawing.high),
        layers=len(ways.heights) if ways.prints else 0,
        depths_mm=() if ways.prints else tuple(ways.heights),
        plan=tuple(drawing.plan()),
        side=tuple(drawing.side()),
        mark=mark,
    )


def _with_mark(view: Box, bed: Box, mark: Place | None) -> Box:
    """The view, so wide that it holds a refused place on the bed or a little beside it."""
    left, front, right, back = view
    x, y, _ = mark or (None, None, None)
    if x is not None and y is not None:
        aside, behind = _OUTSIDE * (bed[2] - bed[0]), _OUTSIDE * (bed[3] - bed[1])
        if bed[0] - aside <= x <= bed[2] + aside and bed[1] - behind <= y <= bed[3] + behind:
            left, right = min(left, x - _MARK_MM), max(right, x + _MARK_MM)
            front, back = min(front, y - _MARK_MM), max(back, y + _MARK_MM)
    return round(left, 1), round(front, 1), round(right, 1), round(back, 1)


class _Drawing:
    """From millimetres to cells, and from moves to the strokes that can be seen."""

    def __init__(self, ways: Ways, view: Box, tool_mm: float) -> None:
        self._ways, self.view = ways, view
        width, depth = view[2] - view[0], view[3] - view[1]
        self.cell_mm = max(width, depth) / _CELLS
        self._columns, self._lines = ceil(width / self.cell_mm), ceil(depth / self.cell_mm)
        self._field = max(_CELLS / _FIELDS, _WIDE * tool_mm / self.cell_mm)
        self.low, self.high = min([0.0, *ways.heights]), max([0.0, *ways.heights])
        tall = max(self.high - self.low, self.cell_mm) / self.cell_mm
        stretch = next((each for each in _STRETCH if tall * each <= _ROWS), _ROWS / tall)
        self.row_mm = self.cell_mm / stretch

    def plan(self) -> Iterator[Strokes]:
        """From above, the lowest first."""
        free, ranks = self._seen()
        kind = Kind.TRAVEL if self._ways.prints else Kind.RAPID
        if free:
            yield Strokes(kind=kind, ways=tuple(self._joined(free)))
        for rank, moves in enumerate(ranks):
            depth = 0 if self._ways.prints else rank
            for kind, group in groupby(sorted(moves, key=self._ways.kind), key=self._ways.kind):
                yield Strokes(kind=kind, depth=depth, ways=tuple(self._joined(sorted(group))))

    def _seen(self) -> tuple[list[int], list[list[int]]]:
        """The moves that are not hidden, free ones and those of each rank, as many as may be."""
        covered: set[Cell] = set()
        drawn: set[tuple[Cell, Cell]] = set()
        seen: list[list[int]] = [[] for _ in range(len(self._ways.ranks) + 1)]
        left = MOST_POINTS // 2
        for rank, moves in reversed(list(enumerate([self._ways.free, *self._ways.ranks]))):
            hides: set[Cell] = set()  # what lies below this rank; within it nothing hides
            for at in reversed(moves):
                ends = self._ends(at)
                if ends is None or ends in drawn or not left:
                    continue
                fields = self._fields(*ends)
                if fields <= covered:
                    continue
                hides |= fields
                drawn.add(ends)
                seen[rank].append(at)
                left -= 1
            covered |= hides
        return sorted(seen[0]), seen[1:]

    def _ends(self, at: int) -> tuple[Cell, Cell] | None:
        """Both ends of what can be drawn of a move; a plunge is a point."""
        x0, y0, x1, y1, _ = self._ways.way(at)
        clipped = _clipped(self.view, x0, y0, x1, y1)
        if clipped is None:
            return None
        start, end = self._cell(*clipped[:2]), self._cell(*clipped[2:])
        if start == end and self._ways.kinds[at] != CODE[Kind.PLUNGE]:
            return None
        return start, end

    def _cell(self, x: float, y: float) -> Cell:
        column = round((x - self.view[0]) / self.cell_mm)
        line = round((self.view[3] - y) / self.cell_mm)
        return min(max(column, 0), self._columns), min(max(line, 0), self._lines)

    def _fields(self, start: Cell, end: Cell) -> set[Cell]:
        """The fields that a stroke comes through."""
        x0, y0, x1, y1 = (value / self._field for value in (*start, *end))
        count = max(1, ceil(max(abs(x1 - x0), abs(y1 - y0))))
        dx, dy = (x1 - x0) / count, (y1 - y0) / count
        return {(int(x0 + dx * step), int(y0 + dy * step)) for step in range(count + 1)}

    def _joined(self, moves: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Ways; a move that begins where the last one ended goes on from there."""
        way: list[Cell] = []
        for start, end in filter(None, map(self._ends, moves)):
            if way and way[-1] == start:
                way.append(end)
                continue
            if way:
                yield tuple(chain(*_simplified(way)))
            way = [start, end]
        if way:
            yield tuple(chain(*_simplified(way)))

    def side(self) -> Iterator[Strokes]:
        """From the front: in which columns of each row something is made, or taken away."""
        step = max(1, ceil(self._columns / _COLUMNS))
        rows: dict[tuple[int, int], int] = {}
        for rank, moves in enumerate(self._ways.ranks):
            height = self._ways.heights[rank] if self._ways.heights else 0.0
            key = 0 if self._ways.prints else rank, max(0, round((height - self.low) / self.row_mm))
            for start, end in filter(None, map(self._ends, moves)):
                left, right = sorted((start[0] // step, end[0] // step))
                rows[key] = rows.get(key, 0) | ((1 << (right - left + 1)) - 1) << left
        kind = Kind.WALL if self._ways.prints else Kind.CUT
        for (depth, row), columns in sorted(rows.items()):
            runs = tuple((a * step, row, b * step, row) for a, b in _runs(columns))
            yield Strokes(kind=kind, depth=depth, ways=runs)


def _simplified(way: list[Cell]) -> list[Cell]:
    """The way without points that are not needed to stay within a cell of it (Douglas, Peucker)."""
    needed = {0, len(way) - 1}
    parts = [(0, len(way) - 1)]
    while parts:
        first, last = parts.pop()
        off = {at: _off(way[at], way[first], way[last]) for at in range(first + 1, last)}
        far = max(off, key=off.__getitem__, default=first)
        if off.get(far, 0.0) > _SIMPLER:
            needed.add(far)
            parts += [(first, far), (far, last)]
    return [way[at] for at in sorted(needed)]


def _off(point: Cell, start: Cell, end: Cell) -> float:
    """How far a point is from the straight way between the two others, in cells."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = (point[0] - start[0]) * dx + (point[1] - start[1]) * dy
    share = min(max(along / (dx * dx + dy * dy), 0.0), 1.0) if dx or dy else 0.0
    return hypot(point[0] - start[0] - share * dx, point[1] - start[1] - share * dy)


def _runs(columns: int) -> Iterator[Cell]:
    """First column of each run of ones, and the one after its last."""
    at = 0
    while columns:
        empty = (columns & -columns).bit_length() - 1
        columns >>= empty
        full = (~columns & (columns + 1)).bit_length() - 1
        columns >>= full
        yield at + empty, at + empty + full
        at += empty + full


def _clipped(
    view: Box, x0: float, y0: float, x1: float, y1: float
) -> tuple[float, float, float, float] | None:
    """What of a straight way lies in the view, None when nothing does (Liang and Barsky)."""
    first, last = 0.0, 1.0
    for least, most, a, b in ((view[0], view[2], x0, x1), (view[1], view[3], y0, y1)):
        if a == b:
            if not least <= a <= most:
                return None
            continue
        enters, leaves = sorted(((least - a) / (b - a), (most - a) / (b - a)))
        first, last = max(first, enters), min(last, leaves)
    if first > last:
        return None
    dx, dy = x1 - x0, y1 - y0
    return x0 + first * dx, y0 + first * dy, x0 + last * dx, y0 + last * dy
