"""Where on the sheet the parts lie: in rows or nested, whichever leaves the larger offcut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Envelope
from fab_agent.cam.nesting import COLUMNS, ROWS, Place, Shape, nested, quarter_matrix
from fab_agent.cam.nesting import quarter_turned as turned
from fab_agent.cam.offcuts import Boxes, largest_free, offcuts_of
from fab_agent.cam.options import CLEARANCE_MM
from fab_agent.cam.passes import Path3
from fab_agent.cam.request import Offcut
from fab_agent.cam.stock import Stock

# Between any cut and the edge of the sheet, where the clamps are.
MARGIN_MM = 10.0
SPACING_MM = CLEARANCE_MM
_DUST = 1e-6
# A larger offcut is one that somebody would notice.
_BETTER = 1.002
# So many parts are tried in few ways only: each way takes a second for some hundreds.
_MANY = 60

Corner = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Places:
    """Where each part lies. `used_mm` is the corner of the sheet that they use up, margins
    included; `offcuts` are the largest rectangles that stay whole.
    """

    places: tuple[Place, ...]
    used_mm: Corner
    offcuts: tuple[Offcut, ...]

    def areas(self, areas: Sequence[BaseGeometry]) -> BaseGeometry:
        """The area (one for each shape) of all parts on the sheet."""
        return MultiPolygon(
            [part for place in self.places for part in shapely.get_parts(moved(areas, place))]
        )


def moved(areas: Sequence[BaseGeometry], place: Place) -> BaseGeometry:
    """The area of the place's shape where it lies."""
    area = turned(areas[place.shape], place.turns)
    return shapely.transform(area, lambda points: points + place.move)


def moved_path(path: Path3, place: Place) -> Path3:
    """A way of the cutter where its shape lies."""
    there: Path3 = path.copy()
    there[:, :2] = path[:, :2] @ quarter_matrix(place.turns).T + place.move
    return there


def sheet_outline(stock: Stock) -> Polygon:
    """The sheet seen from above. Raises InvalidInput when its outline is none."""
    whole = shapely.box(0, 0, *stock.size_mm)
    if not stock.outline:
        return whole
    outline = Polygon(stock.outline) if len(stock.outline) > 2 else Polygon()
    if not outline.is_valid or outline.is_empty or not whole.covers(outline):
        width, depth = stock.size_mm
        what = f"the sheet's outline is no polygon within its {width:g} x {depth:g} mm"
        raise InvalidInput(f"{what}: give its corners in order")
    return outline


def turns_allowed(wanted: str | None, sheet: str | None) -> tuple[int, ...]:
    """Quarter turns that keep a drawing's grain along the sheet's (x unless it is known)."""
    if wanted is None:
        return (0, 1, 2, 3)
    return (0, 2) if wanted == (sheet or "x") else (1, 3)


def placed(
    solids: Sequence[BaseGeometry],
    *,
    stock: Stock,
    envelope: Envelope,
    counts: Sequence[int],
    clearance_mm: float = CLEARANCE_MM,
    turns: tuple[int, ...] = (0, 1, 2, 3),
) -> Places:
    """Where on the sheet so many (`counts`) of each solid lie, all that the cutter sweeps within.

    What stands on the machine's table (`keep_out`) is left free.

    Raises:
        InvalidInput: the sheet's outline is none.
        ProgramRefused: they do not fit; says how many do, or what is missing.
    """
    outline = sheet_outline(stock)
    room = _room(outline, envelope)
    best: tuple[float, float, Places] | None = None
    most = 0
    for places in _ways(solids, room, counts, clearance_mm, turns):
        most = max(most, len(places))
        if len(places) < sum(counts):
            continue
        boxes = _boxes(solids, places)
        ends = boxes[:, 2:].max(axis=0) + MARGIN_MM
        left = largest_free(outline, boxes)
        free = 0.0 if left is None else float(np.prod(left[2:] - left[:2]))
        corner = float(np.prod(ends))
        if best is None or free > best[0] * _BETTER or (free >= best[0] and corner < best[1]):
            used = (float(ends[0]), float(ends[1]))
            best = (free, corner, Places(tuple(places), used, offcuts_of(outline, boxes)))
    if best is None:
        raise _too_small(solids, stock, room, sum(counts), most, turns)
    return best[2]


def _ways(
    solids: Sequence[BaseGeometry],
    room: BaseGeometry,
    counts: Sequence[int],
    clearance: float,
    turns: tuple[int, ...],
) -> Iterator[list[Place]]:
    """Layouts to choose from, the plain ones first."""
    if room.is_empty:
        return
    if len(solids) == 1 and room.area > shapely.box(*room.bounds).area * (1 - 1e-9):
        for turn in turns[:2]:
            places = _rows(solids[0], turn, room.bounds, counts[0], clearance)
            yield places
            if counts[0] == 1 and places:
                return
    areas = [_box_area(solid) for solid in solids]
    order = sorted(range(len(solids)), key=lambda index: (-areas[index], index))
    wanted = [index for index in order for _ in range(counts[index])]
    simple = [turns] if len(wanted) > _MANY else [turns[:1], turns]
    for some in simple:
        shapes = [Shape(solid, some) for solid in solids]
        for axes in (ROWS, COLUMNS):
            yield nested(shapes, wanted, room, clearance_mm=clearance, axes=axes)


def _rows(
    solid: BaseGeometry,
    turns: int,
    room: tuple[float, float, float, float],
    copies: int,
    clearance: float,
) -> list[Place]:
    """Copies in rows from the lower left, as many as fit."""
    left, bottom, right, top = turned(solid, turns).bounds
    size = (right - left, top - bottom)
    step = (size[0] + clearance, size[1] + clearance)
    columns, rows = (
        max(0, floor((room[axis + 2] - room[axis] + clearance + _DUST) / step[axis]))
        for axis in (0, 1)
    )
    start = (room[0] - left, room[1] - bottom)
    return [
        Place(0, turns, (start[0] + i % columns * step[0], start[1] + i // columns * step[1]))
        for i in range(min(copies, columns * rows))
    ]


def _room(outline: Polygon, envelope: Envelope) -> BaseGeometry:
    """Where cuts may lie: inside the margin, within the machine, beside what stands there."""
    box = envelope
    machine = shapely.box(box.x_min_mm, box.y_min_mm, box.x_max_mm, box.y_max_mm)
    room = outline.buffer(-MARGIN_MM, join_style="mitre").intersection(machine)
    for it in box.keep_out:
        room = room.difference(shapely.box(it.x_min_mm, it.y_min_mm, it.x_max_mm, it.y_max_mm))
    return room


def _boxes(solids: Sequence[BaseGeometry], places: Sequence[Place]) -> Boxes:
    found = []
    for place in places:
        low_x, low_y, high_x, high_y = solids[place.shape].bounds
        corners = np.array(((low_x, low_y), (high_x, high_y))) @ quarter_matrix(place.turns).T
        found.append([*(corners.min(axis=0) + place.move), *(corners.max(axis=0) + place.move)])
    return np.array(found)


def _box_area(solid: BaseGeometry) -> float:
    left, bottom, right, top = solid.bounds
    return float((right - left) * (top - bottom))


def _too_small(
    solids: Sequence[BaseGeometry],
    stock: Stock,
    room: BaseGeometry,
    wanted: int,
    most: int,
    turns: tuple[int, ...],
) -> ProgramRefused:
    """How many fit, or by how much not even the largest does."""
    largest = max(solids, key=_box_area)
    left, bottom, right, top = largest.bounds
    size = (right - left, top - bottom)
    low_x, low_y, high_x, high_y = room.bounds if not room.is_empty else (0.0,) * 4
    have = (high_x - low_x, high_y - low_y)
    needs = [size if turn % 2 == 0 else size[::-1] for turn in turns[:2]]
    gaps = [tuple(max(n - h, 0.0) for n, h in zip(need, have, strict=True)) for need in needs]
    missing = min(gaps, key=sum)
    message = (
        f"a sheet of {stock.size_mm[0]:g} x {stock.size_mm[1]:g} mm on this machine leaves "
        f"{have[0]:.1f} x {have[1]:.1f} mm inside the margin"
    )
    if most:
        what = "copies fit" if len(solids) == 1 else "parts fit"
        message += f", {wanted} × up to {size[0]:.1f} x {size[1]:.1f} mm are wanted and "
        message += f"{most} {what}: order at most {most}, or take a larger sheet"
    else:
        message += f", needed is {size[0]:.1f} x {size[1]:.1f} mm"
        message += f": {_missing(missing)}; take a larger sheet or machine"
    return ProgramRefused(message, rule="sheet-too-small")


def _missing(mm: tuple[float, ...]) -> str:
    if max(mm) <= _DUST:
        return "its free places are too narrow"
    names = [f"{value:.1f} mm in {axis}" for axis, value in zip("XY", mm, strict=True) if value]
    return f"{' and '.join(names)} are missing"
