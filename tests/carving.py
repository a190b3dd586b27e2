"""What a program leaves of a sheet when a ball or a flat cutter has gone slanting ways.

It reads the lines and shares nothing with what made them: every place of the tip on a grid, eroded
by the cutter's shape.
"""

import numpy as np
from scipy.ndimage import grey_erosion

from tests.milling import moves


def legs(lines):
    """The lines of each cutter."""
    found = [[]]
    for line in lines:
        if line == b"M0":
            found.append([])
        else:
            found[-1].append(line)
    return found


def tips(lines, *, apart_mm=0.05):
    """Places of the tip (n, 3), at most `apart_mm` apart, on all moves that go below Z0."""
    pieces = []
    for _, start, end in moves(lines):
        if min(start[2], end[2]) < 0:
            length = np.linalg.norm(np.subtract(end, start))
            pieces.append(np.linspace(start, end, 2 + int(length / apart_mm)))
    return np.concatenate(pieces)


def left_by(lines, shapes, *, size_mm):
    """What `carved` says after every cutter, of which there is a shape each."""
    its = zip(legs(lines), shapes, strict=True)
    return np.min([carved(leg, shape, size_mm=size_mm) for leg, shape in its], axis=0)


def carved(lines, shape, *, size_mm, cell_mm=0.1):
    """Heights (rows, columns) of the sheet's squares after one cutter; 0 is untouched."""
    at = tips(lines, apart_mm=cell_mm / 2)
    height = np.zeros((round(size_mm[1] / cell_mm), round(size_mm[0] / cell_mm)))
    column, row = (at[:, :2] / cell_mm).astype(int).T
    np.minimum.at(height, (row, column), at[:, 2])
    far = int(shape.radius_mm / cell_mm)
    offset = np.arange(-far, far + 1) * cell_mm
    away = np.hypot(offset, offset[:, None])
    inside = away <= shape.radius_mm
    rise = np.where(inside, shape.rise_mm(np.minimum(away, shape.radius_mm)), 0.0)
    return grey_erosion(height, footprint=inside, structure=-rise)
