"""SVG drawings: every shape and path, with its transforms, in mm."""

from collections.abc import Iterator
from io import BytesIO
from math import acos, ceil, sqrt
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import svgelements as svg

from commons.errors import InvalidInput
from fab_agent.cam.drawing import (
    CHORD_MM,
    Drawing,
    Points,
    Stroke,
    refuse_crowd,
    require_near,
    skipped_warnings,
)
from fab_agent.cam.operations import is_grain, operation_of

# CSS: one inch is 96 px. svgelements gives px, whatever unit the file names.
_PX_PER_INCH = 96.0
_MM_PER_PX = 25.4 / _PX_PER_INCH
# What svgelements lets through from a broken file.
_UNREADABLE = (ParseError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
_LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"


def read_svg(data: bytes) -> Drawing:
    """The strokes of the picture in mm, y up. The label or id of a group (or of
    the shape itself) that names an operation is the layer.

    A file that is not measured in mm, cm or inches is read at 96 px to the inch, and says so.

    Raises:
        InvalidInput: not an SVG, or far too much in it.
    """
    try:
        picture = svg.SVG.parse(BytesIO(data), ppi=_PX_PER_INCH)
        if not isinstance(picture, svg.SVG):
            raise InvalidInput("this is XML but not an SVG drawing")
        strokes: list[Stroke] = []
        skipped: list[str] = []
        for layer, shape in _shapes(picture, ""):
            if not isinstance(shape, svg.Shape):
                skipped.append(type(shape).__name__)
                continue
            strokes += _strokes(layer, svg.Path(shape))
            refuse_crowd(len(strokes) + len(skipped))
    except _UNREADABLE as error:
        raise InvalidInput(f"this is not a readable SVG drawing: {error}") from error
    return Drawing(tuple(strokes), skipped_warnings(skipped) + _unit_warning(picture))


def _unit_warning(picture: Any) -> tuple[str, ...]:
    width = str(picture.values.get("width", ""))
    if width.endswith(("mm", "cm", "in", "pt", "pc", "Q")):
        return ()
    return ("the SVG names no unit of length: it was read at 96 px to the inch",)


def _shapes(group: Any, layer: str) -> Iterator[tuple[str, Any]]:
    for item in group:
        if isinstance(item, svg.ClipPath | svg.Pattern) or _is_hidden(item):
            continue
        name = _name(item)
        own = name if operation_of(name) or is_grain(name) else layer
        if isinstance(item, list):
            yield from _shapes(item, own or name)
        elif isinstance(item, svg.Shape | svg.Text | svg.Image):
            yield own, item


def _is_hidden(item: Any) -> bool:
    values = getattr(item, "values", None) or {}
    style = str(values.get("style", "")).replace(" ", "")
    return values.get("display") == "none" or "display:none" in style


def _name(item: Any) -> str:
    """The item's own label or id; both are inherited in svgelements' `values`, so not those."""
    own = (getattr(item, "values", None) or {}).get("attributes", {})
    return str(own.get(_LABEL) or own.get("id") or "")


def _strokes(layer: str, path: Any) -> list[Stroke]:
    path.reify()
    require_near(np.array([p for segment in path for p in _controls(segment)]) * _MM_PER_PX)
    found = []
    for part in path.as_subpaths():
        points = _flattened(svg.Path(part))
        if len(points) > 1:
            found.append(Stroke(layer, points * (_MM_PER_PX, -_MM_PER_PX)))
    return found


def _flattened(path: Any) -> Points:
    """Points (n, 2) in px; a path that is closed ends exactly where it starts."""
    pieces: list[Points] = []
    closed = False
    for segment in path:
        if isinstance(segment, svg.Move):
            pieces.append(np.array([segment.end], dtype=float))
            continue
        closed = closed or isinstance(segment, svg.Close)
        steps = np.linspace(0, 1, _steps(segment) + 1)[1:]
        pieces.append(np.array([segment.point(t) for t in steps], dtype=float))
    points = np.concatenate(pieces) if pieces else np.empty((0, 2))
    moved = np.ones(len(points), dtype=bool)
    moved[1:] = np.any(np.diff(points, axis=0) != 0, axis=1)
    points = points[moved]
    if closed and len(points) > 2 and not np.array_equal(points[0], points[-1]):
        points = np.concatenate([points, points[:1]])
    return points


def _controls(segment: Any) -> list[Any]:
    """The points that a segment lies between; of an arc, also how far it may reach."""
    if isinstance(segment, svg.CubicBezier):
        return [segment.start, segment.control1, segment.control2, segment.end]
    if isinstance(segment, svg.QuadraticBezier):
        return [segment.start, segment.control, segment.end]
    if isinstance(segment, svg.Arc):
        return [segment.end, (segment.rx, segment.ry)]
    return [segment.end]


def _steps(segment: Any) -> int:
    """Chords that keep within CHORD_MM of the segment."""
    tolerance = CHORD_MM / _MM_PER_PX
    if isinstance(segment, svg.Arc):
        radius = float(max(abs(segment.rx), abs(segment.ry), tolerance))
        step = 2 * acos(max(1 - tolerance / radius, 0.0))
        return max(1, ceil(abs(float(segment.sweep)) / step))
    points = _controls(segment)
    degree = len(points) - 1
    if degree < 2:
        return 1
    # A Bézier curve cut into n equal parts stays within d (d - 1) / 8 · |second difference| / n²
    # of its chords (Wang's formula).
    bends = np.diff(np.array(points, dtype=float), n=2, axis=0)
    bend = float(np.hypot(*bends.T).max())
    return max(1, ceil(sqrt(degree * (degree - 1) / 8 * bend / tolerance)))
