"""A program seen from above, as SVG, with the place where it was refused. Pure, bounded in size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, isnan

from commons.errors import ProgramRefused
from commons.machine import Envelope, KeepOut, MachineProfile
from fab_agent.gcode.motion import XYZ, Walk
from fab_agent.gcode.parser import parse_line
from fab_agent.gcode.proof import walk_of
from fab_agent.gcode.zones import arc_chords

MAX_STROKES = 20_000  # some 500 kB of SVG
_CELLS = 1000  # what moves less than this part of the picture's width is not drawn
_COLOURS = ("#1b6ca8", "#2a9d8f", "#7a9e1f", "#c98a00", "#c8553d", "#a23b72", "#5f4bb6", "#3d5a80")
_TRAVEL = "#c4c9d0"
_OUTSIDE = 0.1  # the picture shows this share of the envelope around it
_ARCS = ("G2", "G3")

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Move:
    """One straight way (mm). `works`: filament or cutter is at work on it."""

    start: XYZ
    end: XYZ
    works: bool


def moves_of(lines: Iterable[bytes], profile: MachineProfile) -> Iterator[Move]:
    """The moves of bare lines as the proof reads them, up to the line that it refuses."""
    walk = walk_of(profile)
    for number, line in enumerate(lines, 1):
        walk.line = number
        start, done = walk.here, walk.worked
        try:
            commands = parse_line(line, number, packed=walk.packed)
            walk.obey(commands)
        except ProgramRefused:
            return
        if walk.here != start:
            name, args = commands[-1]
            way = [start, walk.here]
            if name in _ARCS:
                way = _arc(walk, start, args, clockwise=name == "G2")
            for before, after in pairwise(way):
                yield Move(before, after, walk.worked > done)


def picture(
    moves: Iterable[Move], envelope: Envelope, *, refused: ProgramRefused | None = None
) -> str:
    """An SVG of `moves` over the envelope: work coloured layer by layer, travel grey.

    Of a long program the last MAX_STROKES strokes are drawn. A refusal's place is marked; one
    outside the picture is marked at its edge.
    """
    view = _View(envelope)
    strokes: dict[tuple[str, Cell, Cell], None] = {}
    levels: dict[float, str] = {}
    for move in moves:
        if any(map(isnan, (*move.start[:2], *move.end[:2]))):
            continue
        colour = _TRAVEL
        if move.works:
            colour = levels.setdefault(move.end[2], _COLOURS[len(levels) % len(_COLOURS)])
        ends = view.cell(move.start), view.cell(move.end)
        if ends[0] == ends[1]:
            continue
        strokes.pop((colour, *ends), None)
        strokes[colour, *ends] = None
        if len(strokes) > MAX_STROKES:
            del strokes[next(iter(strokes))]
        if len(levels) > MAX_STROKES:
            levels.clear()
    return view.svg(strokes, refused)


class _View:
    """From millimetres to the cells of a picture, y upwards."""

    def __init__(self, envelope: Envelope) -> None:
        self._box = envelope
        width, depth, _ = envelope.size_mm
        self._border = _OUTSIDE * max(width, depth)
        self._scale = _CELLS / (width + 2 * self._border)
        self._height = ceil((depth + 2 * self._border) * self._scale)

    def cell(self, point: XYZ) -> Cell:
        """Where a point is drawn; one outside the picture at its edge."""
        x = (point[0] - self._box.x_min_mm + self._border) * self._scale
        y = (self._box.y_max_mm + self._border - point[1]) * self._scale
        return round(min(max(x, 0), _CELLS)), round(min(max(y, 0), self._height))

    def svg(self, strokes: Iterable[tuple[str, Cell, Cell]], refused: ProgramRefused | None) -> str:
        """The whole picture."""
        parts = [self._box_of((self._box,), "#fff", "#667")]
        parts += [self._box_of(self._box.keep_out, "#f3d2cd", "#b3261e")]
        parts += [
            f'<path stroke="{colour}" d="{"".join(steps)}"/>'
            for colour, steps in _paths(strokes).items()
        ]
        title = "toolpath"
        if refused is not None:
            title = escape(f"{refused.rule}: {refused}")
            parts.append(self._mark(refused))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_CELLS} {self._height}">'
            f'<title>{title}</title><g fill="none" stroke-linecap="round">{"".join(parts)}</g>'
            "</svg>\n"
        )

    def _box_of(self, boxes: Iterable[Envelope | KeepOut], fill: str, line: str) -> str:
        drawn = []
        for box in boxes:
            left, top = self.cell((box.x_min_mm, box.y_max_mm, 0.0))
            right, low = self.cell((box.x_max_mm, box.y_min_mm, 0.0))
            size = f'width="{right - left}" height="{low - top}"'
            drawn.append(f'<rect x="{left}" y="{top}" {size} fill="{fill}" stroke="{line}"/>')
        return "".join(drawn)

    def _mark(self, refused: ProgramRefused) -> str:
        if refused.place is None or any(map(isnan, refused.place[:2])):
            return ""
        x, y = self.cell(refused.place)
        return (
            '<g class="refused" stroke="#b3261e" stroke-width="4">'
            f'<circle cx="{x}" cy="{y}" r="16"/>'
            f'<path d="M{x - 9} {y - 9}l18 18m0-18l-18 18"/></g>'
        )


def _paths(strokes: Iterable[tuple[str, Cell, Cell]]) -> dict[str, list[str]]:
    """For each colour its strokes; one that begins where the last ended goes on from there."""
    paths: dict[str, list[str]] = {_TRAVEL: []}
    pen: dict[str, Cell] = {}
    for colour, start, end in strokes:
        steps = paths.setdefault(colour, [])
        if pen.get(colour) != start:
            steps.append(f"M{start[0]} {start[1]}")
        steps.append(f"L{end[0]} {end[1]}")
        pen[colour] = end
    return {colour: steps for colour, steps in paths.items() if steps}


def _arc(walk: Walk, start: XYZ, args: dict[str, float | None], *, clockwise: bool) -> list[XYZ]:
    arc = walk.arc_between(start, walk.here, args, clockwise=clockwise)
    return [start, *(after for _, after in arc_chords(arc, start, walk.here))]
