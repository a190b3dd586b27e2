"""What stays whole of a sheet, as rectangles that a lab can book as offcuts."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from fab_agent.cam.request import Offcut

# A smaller piece is not worth its place on the shelf.
LEAST_MM = 100.0
_SQUARES = 100  # along the longer side of the sheet

Boxes = NDArray[np.float64]  # (n, 4) left, bottom, right, top, mm


def offcuts_of(outline: Polygon, cut: Boxes, *, at_most: int = 2) -> tuple[Offcut, ...]:
    """The largest free rectangles of a sheet, one after the other, none thinner than LEAST_MM.

    Args:
        outline: the sheet.
        cut: the boxes around what was cut, kerfs included.
    """
    found: list[Offcut] = []
    boxes = cut
    while len(found) < at_most:
        box = largest_free(outline, boxes)
        if box is None or min(box[2] - box[0], box[3] - box[1]) < LEAST_MM:
            break
        # Whole millimetres that are really there.
        left, bottom = np.ceil(box[:2] - 1e-6)
        right, top = np.floor(box[2:] + 1e-6)
        found.append(
            Offcut(
                x_mm=left + 0.0, y_mm=bottom + 0.0, width_mm=right - left, height_mm=top - bottom
            )
        )
        boxes = np.vstack([boxes, box])
    return tuple(found)


def largest_free(outline: Polygon, cut: Boxes) -> Boxes | None:
    """The largest upright rectangle (left, bottom, right, top) of `outline` beside all boxes.

    It is found on a raster and then widened to what really bounds it.
    """
    left, bottom, right, top = outline.bounds
    cell = max(right - left, top - bottom) / _SQUARES
    x = np.arange(left, right + cell, cell).clip(max=right)
    y = np.arange(bottom, top + cell, cell).clip(max=top)
    squares = shapely.box(*np.meshgrid(x[:-1], y[:-1]), *np.meshgrid(x[1:], y[1:]))
    shapely.prepare(outline)
    free = shapely.covers(outline, squares)
    for one in cut:
        columns, rows = (x[1:] > one[0]) & (x[:-1] < one[2]), (y[1:] > one[1]) & (y[:-1] < one[3])
        free[np.ix_(rows, columns)] = False
    cells = _largest_of(free)
    if cells is None:
        return None
    first_row, first_column, row, column = cells
    box = np.array((x[first_column], y[first_row], x[column], y[row]))
    return _widened(box, outline, cut)


def _largest_of(free: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """First row and column, and one past the last, of the largest free rectangle of squares."""
    best, size = None, 0
    heights = np.zeros(free.shape[1] + 1, dtype=int)
    for row, line in enumerate(free):
        heights[:-1] = np.where(line, heights[:-1] + 1, 0)
        open_: list[tuple[int, int]] = []  # where a rectangle of a height begins
        for column, height in enumerate(heights.tolist()):
            start = column
            while open_ and open_[-1][1] >= height:
                start, tall = open_.pop()
                if tall * (column - start) > size:
                    size = tall * (column - start)
                    best = (row + 1 - tall, start, row + 1, column)
            open_.append((start, height))
    return best


def _widened(box: Boxes, outline: Polygon, cut: Boxes) -> Boxes:
    """Each side moved out to the next cut; only of a rectangular sheet also to its edge."""
    limits = np.array(outline.bounds)
    if outline.area < shapely.box(*limits).area * (1 - 1e-9):
        limits = box.copy()
    box = box.copy()
    for side in range(4):
        axis, other, out = side % 2, 1 - side % 2, side >= 2
        beside = cut[(cut[:, other] < box[other + 2]) & (cut[:, other + 2] > box[other])]
        if out:
            ends = beside[beside[:, axis] >= box[axis + 2] - 1e-9, axis]
            box[side] = min([limits[side], *ends])
        else:
            ends = beside[beside[:, axis + 2] <= box[axis] + 1e-9, axis + 2]
            box[side] = max([limits[side], *ends])
    return box
