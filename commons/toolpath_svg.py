"""A sketch as SVG: numbers and our own words only, no style sheet, no script. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from commons.machine import Process
from commons.toolpath import Box, Kind, Sketch, Strokes

COLOURS = {
    Kind.TRAVEL: "#c3cad3",
    Kind.FIRST: "#8457a8",
    Kind.WALL: "#1b6ca8",
    Kind.INSIDE: "#e39b4f",
    Kind.CUT: "#b5612b",
    Kind.ARC: "#1d7f74",
    Kind.PLUNGE: "#8457a8",
    Kind.RAPID: "#7d8ea3",
}
REFUSED = "#c00000"
# From a scratch to the deepest cut; fewer depths are spread over all of it.
_DEPTHS = ("#f0d58c", "#e8bd68", "#dda04a", "#cc7f35", "#b5612b", "#984927", "#793625", "#5c2a24")
_OUTSIDE, _BED, _EDGE, _GRID = "#e7eaee", "#ffffff", "#66717f", "#eef1f4"
_KEEP_OUT = "#f3d2cd"
_LINES_APART = 0.85  # of its width, so that lines of filament beside each other can be told apart
_GAP, _TEXT, _INSET = 44, 26, 120
_STEPS_MM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def depth_colour(depth: int, count: int) -> str:
    """The colour of one of `count` depths."""
    return _DEPTHS[round(depth * (len(_DEPTHS) - 1) / (count - 1)) if count > 1 else 3]


def svg_of(sketch: Sketch, *, title: str = "toolpath") -> str:
    """The picture: from above, from the front, and where on the bed that is.

    Its bytes depend on the arguments alone.
    """
    return _Picture(sketch).svg(title)


def size_of(sketch: Sketch) -> tuple[int, int]:
    """Width and height of its picture, in the units that the picture has itself."""
    picture = _Picture(sketch)
    return picture.width, picture.high


def place_in(sketch: Sketch, x_mm: float, y_mm: float) -> tuple[int, int]:
    """Where a place on the bed is in the picture from above; at its edge when it is not in view."""
    return _Picture(sketch).cell(x_mm, y_mm)


@dataclass(frozen=True, slots=True)
class _Picture:
    sketch: Sketch

    def svg(self, title: str) -> str:
        below, side, high = self._height + _GAP, self._side_high, self.high
        foot = below + side + _GAP
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {high}" '
            f'font-family="sans-serif" font-size="{_TEXT}" fill="none" stroke-linecap="round" '
            f'stroke-linejoin="round"><title>{_text(title)}</title>'
            f'<rect width="{self.width}" height="{high}" fill="{_BED}"/>'
            f"{''.join(self._plan())}"
            f'<g transform="translate(0 {below})">{"".join(self._side(side))}</g>'
            f'<g transform="translate(0 {foot})">{"".join(self._foot())}</g></svg>\n'
        )

    @property
    def high(self) -> int:
        """The height of all of it."""
        return self._height + _GAP + self._side_high + _GAP + _INSET + 10

    @property
    def _side_high(self) -> int:
        low_mm, high_mm = self.sketch.height_mm
        return ceil((high_mm - low_mm) / self.sketch.row_mm) + 12

    @property
    def width(self) -> int:
        """The width of all of it."""
        left, _, right, _ = self.sketch.view
        return ceil((right - left) / self.sketch.cell_mm)

    @property
    def _height(self) -> int:
        _, front, _, back = self.sketch.view
        return ceil((back - front) / self.sketch.cell_mm)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Where a place is drawn; one outside of the view at its edge."""
        left, _, _, back = self.sketch.view
        column, line = (x - left) / self.sketch.cell_mm, (back - y) / self.sketch.cell_mm
        return (
            round(min(max(column, 0), self.width)),
            round(min(max(line, 0), self._height)),
        )

    def _plan(self) -> Iterator[str]:
        yield f'<rect width="{self.width}" height="{self._height}" fill="{_OUTSIDE}"/>'
        yield self._box(self.sketch.bed, _BED, _EDGE)
        yield self._grid()
        for place in self.sketch.keep_out:
            box = (place.x_min_mm, place.y_min_mm, place.x_max_mm, place.y_max_mm)
            yield self._box(box, _KEEP_OUT, REFUSED)
        cuts = self.sketch.process is Process.CNC
        yield from (self._strokes(strokes) for strokes in self.sketch.plan)
        if cuts and (middle := "".join(_d(way) for way in self._cut_ways())):
            yield f'<path stroke="#fff" stroke-opacity=".65" stroke-width="1.5" d="{middle}"/>'
        yield self._mark()

    def _cut_ways(self) -> Iterator[tuple[int, ...]]:
        for strokes in self.sketch.plan:
            if strokes.kind is not Kind.RAPID:
                yield from strokes.ways

    def _strokes(self, strokes: Strokes) -> str:
        d = "".join(map(_d, strokes.ways))
        if strokes.kind in (Kind.TRAVEL, Kind.RAPID):
            dashes = ' stroke-dasharray="7 6"' if strokes.kind is Kind.RAPID else ""
            return f'<path stroke="{COLOURS[strokes.kind]}" stroke-width="1.5"{dashes} d="{d}"/>'
        wide = self.sketch.tool_mm / self.sketch.cell_mm
        if self.sketch.process is Process.FDM:
            wide *= _LINES_APART
        return f'<path stroke="{self._colour(strokes)}" stroke-width="{max(wide, 1):.1f}" d="{d}"/>'

    def _colour(self, strokes: Strokes) -> str:
        if self.sketch.process is Process.CNC:
            return depth_colour(strokes.depth, len(self.sketch.depths_mm))
        return COLOURS[strokes.kind]

    def _side(self, high: int) -> Iterator[str]:
        low_mm, high_mm = self.sketch.height_mm
        ground = high - 6 - round((0 - low_mm) / self.sketch.row_mm)
        layers = max(1, self.sketch.layers)
        thick = max(1, ceil((high_mm - low_mm) / self.sketch.row_mm / layers))
        for strokes in self.sketch.side:
            d = []
            for x0, row, x1, _ in (way[:4] for way in strokes.ways):
                top = high - 6 - row
                foot = ground if self.sketch.process is Process.CNC else top + thick
                d.append(f"M{x0} {top}H{x1}V{foot}H{x0}z")
            yield f'<path fill="{self._colour(strokes)}" d="{"".join(d)}"/>'
        yield f'<path stroke="{_EDGE}" stroke-width="2" d="M0 {ground}H{self.width}"/>'
        stretch = self.sketch.cell_mm / self.sketch.row_mm
        how = "" if 0.95 < stretch < 1.05 else f", heights × {stretch:.2g}"
        yield _words(0, -10, f"from the front{how}")

    def _foot(self) -> Iterator[str]:
        """Where on the bed the view lies, and how long 1, 2 or 5 times ten mm are."""
        left, front, right, back = self.sketch.bed
        scale = _INSET / max(right - left, back - front)
        across, deep = (right - left) * scale, (back - front) * scale
        x0, y0, x1, y1 = self.sketch.view
        inside = (max(x0, left), max(y0, front), min(x1, right), min(y1, back))
        yield f'<rect width="{across:.1f}" height="{deep:.1f}" fill="{_BED}" stroke="{_EDGE}"/>'
        if inside[0] < inside[2] and inside[1] < inside[3]:
            yield (
                f'<rect x="{(inside[0] - left) * scale:.1f}" y="{(back - inside[3]) * scale:.1f}" '
                f'width="{(inside[2] - inside[0]) * scale:.1f}" '
                f'height="{(inside[3] - inside[1]) * scale:.1f}" '
                f'fill="{COLOURS[Kind.WALL]}" fill-opacity=".35"/>'
            )
        step = max(each for each in _STEPS_MM if each <= max(0.1, (x1 - x0) / 3))
        long = round(step / self.sketch.cell_mm)
        at = round(across) + 30
        yield f'<path stroke="{_EDGE}" stroke-width="4" d="M{at} 40h{long}m0-9v18M{at} 31v18"/>'
        yield _words(at, 80, f"{step:g} mm")
        yield _words(at, 112, "left: where on the bed")

    def _grid(self) -> str:
        """Lines as far apart as the bar in the foot is long."""
        x0, y0, x1, y1 = self.sketch.view
        step = max(each for each in _STEPS_MM if each <= max(0.1, (x1 - x0) / 3))
        ways = []
        for at in _multiples(x0, x1, step):
            column, _ = self.cell(at, y0)
            ways.append(f"M{column} 0V{self._height}")
        for at in _multiples(y0, y1, step):
            _, line = self.cell(x0, at)
            ways.append(f"M0 {line}H{self.width}")
        return f'<path stroke="{_GRID}" stroke-width="2" d="{"".join(ways)}"/>'

    def _box(self, box: Box, fill: str, line: str) -> str:
        left, top = self.cell(box[0], box[3])
        right, low = self.cell(box[2], box[1])
        size = f'width="{right - left}" height="{low - top}"'
        return f'<rect x="{left}" y="{top}" {size} fill="{fill}" stroke="{line}" stroke-width="2"/>'

    def _mark(self) -> str:
        mark = self.sketch.mark
        if mark is None or mark[0] is None or mark[1] is None:
            return ""
        x, y = self.cell(mark[0], mark[1])
        return (
            f'<g class="refused" stroke="#fff" stroke-width="12">{_cross(x, y)}</g>'
            f'<g stroke="{REFUSED}" stroke-width="6">{_cross(x, y)}</g>'
        )


def _cross(x: int, y: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="26"/><path d="M{x - 13} {y - 13}l26 26m0-26l-26 26"/>'


def _d(way: tuple[int, ...]) -> str:
    """A way as path data; a point becomes a dot."""
    x, y, *rest = way
    points = zip(rest[::2], rest[1::2], strict=True)
    return f"M{x} {y}" + "".join(f"L{a} {b}" for a, b in points)


def _multiples(low: float, high: float, step: float) -> Iterable[float]:
    first = ceil(low / step)
    return (number * step for number in range(first, int(high // step) + 1))


def _words(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{_EDGE}">{_text(text)}</text>'


def _text(text: str) -> str:
    """Text that XML may hold: no mark-up, nothing that is not printed."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
