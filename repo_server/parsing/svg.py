"""SVG: every visible shape with its transforms, in mm; px count 96 to the inch."""

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np
import svgelements as svg

from commons.errors import InvalidInput
from repo_server.parsing import instances
from repo_server.parsing.strokes import MAX_STROKES, Layered, Stroke, inspected

_MAX_BYTES = 32 * 1024**2
_MAX_NESTING = 64
_PX_PER_INCH = 96.0  # CSS; svgelements gives px, whatever unit the file names
_MM_PER_PX = 25.4 / _PX_PER_INCH
_UNIT = re.compile(r"[\d.\s]+(mm|cm|in|pt|pc)\s*")
_LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
# What svgelements lets through from a broken file.
_UNREADABLE = (ParseError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
_WHOLE = ""  # the file, among the ids of its elements


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """What `strokes` tells of the lines, and the unit of the page's size; an SVG and a PNG.

    Raises InvalidInput when there is no drawing to speak of.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidInput(f"this drawing has more than {_MAX_BYTES >> 20} MB; simplify it")
    data = path.read_bytes()
    if b"<!DOCTYPE" in data.upper():
        data = _without_doctype(data)
    try:
        _require_countable(data)
        document = svg.SVG.parse(BytesIO(data), ppi=_PX_PER_INCH)
        if not isinstance(document, svg.SVG):
            raise InvalidInput("this is XML, but not an SVG drawing")
        facts = inspected(_drawn(document), "SVG", out)
    except _UNREADABLE as error:
        raise InvalidInput("this cannot be read as SVG: it is damaged, or not a drawing") from error
    named = _UNIT.fullmatch(str((document.values or {}).get("width", "")))
    return {"facts": {**facts, "unit": named[1] if named else "px"}}


def _without_doctype(data: bytes) -> bytes:
    """The plain DOCTYPE that old programs write says nothing; one with entities is refused."""
    start = data.upper().index(b"<!DOCTYPE")
    end = data.find(b">", start)
    if end < 0 or b"[" in data[start:end] or b"<!ENTITY" in data.upper():
        raise InvalidInput("this SVG defines entities, which are not read here; save it plainly")
    return data[:start] + data[end + 1 :]


def _require_countable(data: bytes) -> None:
    """What symbols that use symbols become is multiplied before any is drawn."""
    own: Counter[str] = Counter()
    uses: dict[str, Counter[str]] = {}
    around = [_WHOLE]  # the nearest id above, or the element's own
    # Without a DOCTYPE there is nothing that expat could expand; svgelements reads with it, too.
    for event, element in iterparse(BytesIO(data), events=("start", "end")):  # noqa: S314
        if event == "end":
            around.pop()
            element.clear()
            continue
        if len(around) > _MAX_NESTING:
            raise InvalidInput(f"this SVG nests more than {_MAX_NESTING} deep; ungroup it")
        _note(element, around, own, uses)
    if instances.count(_WHOLE, own, uses, most=MAX_STROKES) > MAX_STROKES:
        raise InvalidInput(
            f"this drawing has more than {MAX_STROKES} shapes, counting what is used again; "
            "simplify it"
        )


def _note(
    element: Element, around: list[str], own: Counter[str], uses: dict[str, Counter[str]]
) -> None:
    """The element is counted below the nearest id above it, and that id below the next."""
    above, name = around[-1], element.get("id") or around[-1]
    if name != above:
        uses.setdefault(above, Counter())[name] += 1
    own[name] += 1
    if element.tag.rpartition("}")[2] == "use":
        href = next(filter(None, map(element.get, _HREFS)), "")
        uses.setdefault(name, Counter())[href.removeprefix("#")] += 1
    around.append(name)


def _drawn(document: Any) -> Iterator[Layered]:
    for layer, shape in _shapes(document, ""):
        for part in svg.Path(shape).as_subpaths():
            yield layer, _flattened(part) * (_MM_PER_PX, -_MM_PER_PX)


def _shapes(group: Any, layer: str) -> Iterator[tuple[str, Any]]:
    """Every visible shape with the name of the nearest group that has one."""
    for item in group:
        if _is_hidden(item):
            continue
        if isinstance(item, svg.Group):
            yield from _shapes(item, _name_of(item) or layer)
        elif isinstance(item, svg.Shape):
            yield layer, item


def _name_of(group: Any) -> str:
    own = (group.values or {}).get("attributes", {})
    return str(own.get(_LABEL) or own.get("id") or "")


def _is_hidden(item: Any) -> bool:
    values = getattr(item, "values", None) or {}
    style = str(values.get("style", "")).replace(" ", "")
    return values.get("display") == "none" or "display:none" in style


def _flattened(path: Any) -> Stroke:
    """Points (n, 2) in px, a closed path ending where it starts."""
    points: list[tuple[float, float]] = []
    for segment in path:
        if isinstance(segment, svg.Move | svg.Line | svg.Close):
            points.append((segment.end.x, segment.end.y))
            continue
        ends = (segment.point(t) for t in np.linspace(0, 1, _steps(segment) + 1)[1:])
        points += [(end.x, end.y) for end in ends]
    return np.array(points, dtype=float).reshape(-1, 2)


def _steps(curve: Any) -> int:
    """Chords for a curve: enough for a picture at any size that it is shown in."""
    return int(np.clip(ceil(curve.length(error=1e-2) * _MM_PER_PX / 0.5), 8, 256))
