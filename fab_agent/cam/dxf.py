"""DXF drawings: lines, arcs, circles, ellipses, splines and polylines, also inside blocks."""

from collections.abc import Iterator
from io import BytesIO
from math import ceil, sqrt
from typing import Any

import numpy as np
from ezdxf import recover
from ezdxf.enums import InsertUnits
from ezdxf.lldxf.const import DXFError
from ezdxf.path import make_path
from ezdxf.units import conversion_factor

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

_DRAWN = {"LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE"}
_NOT_PLOTTED = "defpoints"
_MAX_NESTING = 8

# What ezdxf raises, and asserts, of a file that is not what it says.
DAMAGED = (ArithmeticError, AssertionError, DXFError, LookupError, OSError, TypeError, ValueError)
# $INSUNITS codes by the name that a person may give for a file without units.
UNITS = {"mm": 4, "cm": 5, "m": 6, "inch": 1}


def read_dxf(data: bytes, *, unit: str | None = None) -> Drawing:
    """The strokes of the model space in mm, blocks resolved, hidden layers left out.

    Args:
        unit: of a file that names none itself: one of UNITS. Such a file is refused without it.

    Raises:
        InvalidInput: not a DXF, no unit, or far too much in it.
    """
    try:
        document, _ = recover.read(BytesIO(data))
        scale = _scale(document, unit)
        hidden = {layer.dxf.name.lower() for layer in document.layers if _is_hidden(layer)}
        strokes: list[Stroke] = []
        skipped: list[str] = []
        for layer, entity in _entities(document.modelspace(), "0", 0):
            if layer.lower() in hidden or layer.lower() == _NOT_PLOTTED:
                skipped.append(f"{entity.dxftype()} on hidden layer '{layer}'")
            elif entity.dxftype() not in _DRAWN:
                skipped.append(entity.dxftype())
            else:
                strokes += _strokes(layer, entity, scale)
            refuse_crowd(len(strokes) + len(skipped))
    except DAMAGED as error:
        raise InvalidInput(f"this is not a readable DXF drawing: {error}") from error
    return Drawing(tuple(strokes), skipped_warnings(skipped))


def _scale(document: Any, unit: str | None) -> float:
    """Millimetres in one unit of the drawing."""
    code = document.units or UNITS.get(unit or "", 0)
    if not code:
        units = ", ".join(UNITS)
        why = f"the drawing names no unit ($INSUNITS): choose one of {units} in your CAD program"
        raise InvalidInput(f"{why} and export it again")
    return float(conversion_factor(InsertUnits(code), InsertUnits.Millimeters))


def _is_hidden(layer: Any) -> bool:
    return bool(layer.is_off() or layer.is_frozen())


def _entities(space: Any, layer: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Every entity with its layer; what lies on layer 0 of a block takes the block's layer."""
    if depth > _MAX_NESTING:
        raise InvalidInput(f"blocks are nested more than {_MAX_NESTING} deep; explode them")
    for entity in space:
        own = entity.dxf.get("layer", "0")
        own = layer if depth and own == "0" else own
        if entity.dxftype() != "INSERT":
            yield own, entity
            continue
        inserts = entity.multi_insert() if entity.mcount > 1 else (entity,)
        for insert in inserts:
            yield from _entities(insert.virtual_entities(), own, depth + 1)


def _strokes(layer: str, entity: Any, scale: float) -> list[Stroke]:
    if entity.dxftype() == "SPLINE" and not entity.construction_tool().is_clamped:
        return [Stroke(layer, _periodic(entity.construction_tool(), scale))]
    path = make_path(entity)
    if not len(path):
        return []
    found = []
    for part in path.sub_paths():
        require_near(np.array([v.xyz for v in part.control_vertices()]) * scale)
        vertices = part.flattening(CHORD_MM / scale, segments=8)
        points = np.array([(v.x, v.y) for v in vertices]) * scale
        if part.is_closed:
            points[-1] = points[0]
        found.append(Stroke(layer, points))
    return found


def _periodic(spline: Any, scale: float) -> Points:
    """Points of a B-spline whose knots are not clamped, within its domain.

    ezdxf 1.4 follows such a spline beyond its domain, where it is no curve any more.
    """
    degree, knots = spline.degree, spline.knots()
    control = np.array([(p.x, p.y) for p in spline.control_points])
    require_near(control * scale)
    bend = float(np.hypot(*np.diff(control, n=2, axis=0).T).max()) * scale
    steps = max(1, ceil(sqrt(degree * (degree - 1) / 8 * bend / CHORD_MM)))  # Wang's formula
    spans = len(control) - degree
    stations = np.linspace(0, spans, spans * steps + 1)
    domain = np.interp(stations, range(spans + 1), knots[degree : degree + spans + 1])
    return np.array([(p.x, p.y) for p in spline.points(domain)]) * scale
