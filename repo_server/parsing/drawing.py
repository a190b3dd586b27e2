"""Drawings (DXF, SVG) for machines that cut sheets: their extent in mm, contours, and a picture."""

from collections.abc import Callable, Iterator
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import ezdxf.path
import numpy as np
import svgelements as svg
from ezdxf import recover
from ezdxf.enums import InsertUnits
from ezdxf.lldxf.const import DXFError
from ezdxf.units import conversion_factor
from numpy.typing import NDArray

from commons.errors import InvalidInput
from repo_server.parsing import picture

MAX_BYTES = 32 * 1024**2
MAX_STROKES = 100_000
_CHORD_MM = 0.05  # a picture needs no more
_SAME_PLACE_MM = 0.001
_MAX_NESTING = 8
_PX_PER_INCH = 96.0  # CSS; svgelements gives px, whatever unit the file names
_MM_PER_PX = 25.4 / _PX_PER_INCH
_DRAWN = {"LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE"}
_HIDDEN_LAYER = "defpoints"

Stroke = NDArray[np.float64]  # (n, 2) mm, y up; closed ones end where they start


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Facts, an SVG of our own making with nothing in it but lines, and a PNG.

    Raises InvalidInput when there is no drawing to speak of.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"this drawing has more than {MAX_BYTES // 1024**2} MB; simplify it")
    reader: Callable[[bytes], Iterator[Stroke]] = {"dxf": _dxf, "svg": _svg}[kind]
    strokes = _joined(_limited(reader(path.read_bytes())))
    if not strokes:
        raise InvalidInput(f"this {kind.upper()} has no lines: it is empty, or all is hidden")
    (out / "preview").write_text(_own_svg(strokes))
    picture.of_drawing(strokes).save(out / "thumbnail", "PNG", optimize=True)
    return {"facts": _facts(strokes)}


def _facts(strokes: list[Stroke]) -> dict[str, object]:
    points = np.concatenate(strokes)
    closed = sum(_is_closed(stroke) for stroke in strokes)
    length = sum(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in strokes)
    return {
        "box_mm": [round(float(edge), 4) for edge in np.ptp(points, axis=0)],
        "closed_contours": closed,
        "open_lines": len(strokes) - closed,
        "length_mm": round(length, 2),
    }


def _limited(strokes: Iterator[Stroke]) -> list[Stroke]:
    found = []
    for stroke in strokes:
        if not np.isfinite(stroke).all():
            raise InvalidInput("this drawing has points that are not at any place (NaN)")
        found.append(stroke)
        if len(found) > MAX_STROKES:
            raise InvalidInput(f"this drawing has more than {MAX_STROKES} lines; simplify it")
    return found


def _dxf(data: bytes) -> Iterator[Stroke]:
    """The lines of the model space in mm, blocks resolved, hidden layers left out."""
    try:
        document, _ = recover.read(BytesIO(data))
        if not document.units:
            raise InvalidInput("this DXF names no unit ($INSUNITS); save it in millimetres")
        scale = conversion_factor(InsertUnits(document.units), InsertUnits.Millimeters)
        hidden = {x.dxf.name.lower() for x in document.layers if x.is_off() or x.is_frozen()}
        for entity in _entities(document.modelspace(), 0):
            layer = entity.dxf.get("layer", "0").lower()
            if entity.dxftype() in _DRAWN and layer not in hidden | {_HIDDEN_LAYER}:
                for part in ezdxf.path.make_path(entity).sub_paths():
                    corners = part.flattening(_CHORD_MM / scale, segments=8)
                    yield np.array([(v.x, v.y) for v in corners]) * scale
    except (DXFError, OSError, ValueError, ArithmeticError, LookupError) as error:
        raise InvalidInput("this cannot be read as DXF: it is damaged, or not a drawing") from error


def _entities(space: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_NESTING:
        raise InvalidInput(f"blocks are nested more than {_MAX_NESTING} deep; explode them")
    seen = 0
    for entity in space:
        if entity.dxftype() != "INSERT":
            yield entity
            continue
        for insert in entity.multi_insert() if entity.mcount > 1 else (entity,):
            seen += 1
            if seen > MAX_STROKES:
                raise InvalidInput(f"this drawing has more than {MAX_STROKES} blocks; simplify it")
            yield from _entities(insert.virtual_entities(), depth + 1)


def _svg(data: bytes) -> Iterator[Stroke]:
    """Every visible shape with its transforms, in mm; px count 96 to the inch."""
    if b"<!DOCTYPE" in data[:65536].upper():
        data = _without_doctype(data)
    try:
        document = svg.SVG.parse(BytesIO(data), ppi=_PX_PER_INCH)
        if not isinstance(document, svg.SVG):
            raise InvalidInput("this is XML, but not an SVG drawing")
        for shape in document.elements():
            if isinstance(shape, svg.Shape) and not _is_hidden(shape):
                for part in svg.Path(shape).as_subpaths():
                    stroke = _flattened(svg.Path(part))
                    if len(stroke) > 1:
                        yield stroke * (_MM_PER_PX, -_MM_PER_PX)
    except (ParseError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise InvalidInput("this cannot be read as SVG: it is damaged, or not a drawing") from error


def _without_doctype(data: bytes) -> bytes:
    """The plain DOCTYPE that old programs write says nothing; one with entities is refused."""
    start = data.upper().index(b"<!DOCTYPE")
    end = data.index(b">", start)
    if b"[" in data[start:end] or b"<!ENTITY" in data.upper():
        raise InvalidInput("this SVG defines entities, which are not read here; save it plainly")
    return data[:start] + data[end + 1 :]


def _is_hidden(shape: Any) -> bool:
    values = shape.values or {}
    style = str(values.get("style", "")).replace(" ", "")
    return values.get("display") == "none" or "display:none" in style


def _flattened(path: Any) -> Stroke:
    """Points (n, 2) in px, a closed path ending where it starts."""
    points: list[tuple[float, float]] = []
    for segment in path:
        if isinstance(segment, svg.Move):
            points.append((segment.end.x, segment.end.y))
            continue
        steps = 1 if isinstance(segment, svg.Line | svg.Close) else _steps(segment)
        ends = (segment.point(t) for t in np.linspace(0, 1, steps + 1)[1:])
        points += [(end.x, end.y) for end in ends]
    return np.array(points, dtype=float).reshape(-1, 2)


def _steps(curve: Any) -> int:
    """Chords for a curve: enough for a picture at any size that it is shown in."""
    return int(np.clip(ceil(curve.length(error=1e-2) * _MM_PER_PX / 0.5), 8, 256))


def _joined(strokes: list[Stroke]) -> list[Stroke]:
    """Lines that meet end to end are one: a contour drawn in pieces is closed like any other."""
    done = [stroke for stroke in strokes if _is_closed(stroke)]
    loose = [stroke for stroke in strokes if not _is_closed(stroke) and len(stroke) > 1]
    ends: dict[tuple[int, int], list[int]] = {}
    for number, stroke in enumerate(loose):
        for end in (_place(stroke[0]), _place(stroke[-1])):
            ends.setdefault(end, []).append(number)
    used: set[int] = set()
    for number in range(len(loose)):
        if number not in used:
            used.add(number)
            chain = _grown(loose[number], loose, ends, used)
            chain = _grown(chain[::-1], loose, ends, used)
            done.append(_closed_up(chain))
    return done


def _grown(
    chain: Stroke, loose: list[Stroke], ends: dict[tuple[int, int], list[int]], used: set[int]
) -> Stroke:
    """The chain with everything appended that goes on from its last point."""
    pieces = [chain]
    at = _place(chain[-1])
    while (following := next((n for n in ends.get(at, ()) if n not in used), None)) is not None:
        used.add(following)
        piece = loose[following]
        piece = piece if _place(piece[0]) == at else piece[::-1]
        pieces.append(piece[1:])
        at = _place(piece[-1])
    return np.concatenate(pieces)


def _closed_up(chain: Stroke) -> Stroke:
    if len(chain) > 2 and _place(chain[0]) == _place(chain[-1]):
        chain[-1] = chain[0]
    return chain


def _is_closed(stroke: Stroke) -> bool:
    return len(stroke) > 2 and bool(np.array_equal(stroke[0], stroke[-1]))


def _place(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0]) / _SAME_PLACE_MM), round(float(point[1]) / _SAME_PLACE_MM)


def _own_svg(strokes: list[Stroke]) -> str:
    """The lines as one path, 1 unit = 1 mm; not a word of the original's."""
    points = np.concatenate(strokes)
    (left, low), (right, top) = points.min(axis=0), points.max(axis=0)
    width, height = right - left, top - low
    pieces = []
    for stroke in strokes:
        corners = " ".join(f"{x - left:.2f},{top - y:.2f}" for x, y in stroke)
        pieces.append(f"M{corners}{'Z' if _is_closed(stroke) else ''}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}mm" height="{height:.2f}mm" '
        f'viewBox="{-1} {-1} {width + 2:.2f} {height + 2:.2f}"><path d="{"".join(pieces)}" '
        'fill="#deb88a" fill-rule="evenodd" stroke="#5e3e1c" stroke-width="1" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
