"""DXF: the lines of its model space in mm, blocks resolved, hidden layers left out."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import ezdxf.path
import numpy as np
from ezdxf import recover
from ezdxf.enums import InsertUnits
from ezdxf.lldxf.const import DXFError
from ezdxf.units import conversion_factor, decode

from commons.errors import InvalidInput
from repo_server.parsing import instances
from repo_server.parsing.strokes import MAX_STROKES, Layered, inspected

_MAX_BYTES = 32 * 1024**2
_CHORD_MM = 0.05  # a picture needs no more
_MAX_NESTING = 8
_DRAWN = {"LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE"}
_HIDDEN_LAYER = "defpoints"
# What ezdxf raises, and asserts, of a file that is not what it says.
DAMAGED = (ArithmeticError, AssertionError, DXFError, LookupError, OSError, TypeError, ValueError)


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """What `strokes` tells of the lines, and the file's own unit; an SVG and a PNG.

    Raises InvalidInput when there is no drawing to speak of, or it names no unit.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidInput(f"this drawing has more than {_MAX_BYTES >> 20} MB; simplify it")
    try:
        document, _ = recover.read(BytesIO(path.read_bytes()))
        if not document.units:
            raise InvalidInput("this DXF names no unit ($INSUNITS); save it in millimetres")
        _require_countable(document)
        facts = inspected(_drawn(document), "DXF", out)
    except DAMAGED as error:
        raise InvalidInput("this cannot be read as DXF: it is damaged, or not a drawing") from error
    return {"facts": {**facts, "unit": decode(document.units)}}


def _require_countable(document: Any) -> None:
    """What blocks of blocks become is multiplied before any is resolved."""
    own, uses = {}, {}
    for block in document.blocks:
        name = block.name.lower()
        own[name] = 1 + sum(entity.dxftype() in _DRAWN for entity in block)
        uses[name] = Counter[str]()
        for insert in block.query("INSERT"):
            uses[name][insert.dxf.get("name", "").lower()] += max(0, insert.mcount)
    top = document.modelspace().block_record_name.lower()
    if instances.count(top, own, uses, most=MAX_STROKES) > MAX_STROKES:
        raise InvalidInput(
            f"this drawing has more than {MAX_STROKES} lines, counting what its blocks become; "
            "simplify it"
        )


def _drawn(document: Any) -> Iterator[Layered]:
    scale = conversion_factor(InsertUnits(document.units), InsertUnits.Millimeters)
    hidden = {x.dxf.name.lower() for x in document.layers if x.is_off() or x.is_frozen()}
    for layer, entity in _entities(document.modelspace(), "0", 0):
        if entity.dxftype() in _DRAWN and layer.lower() not in hidden | {_HIDDEN_LAYER}:
            for part in ezdxf.path.make_path(entity).sub_paths():
                corners = part.flattening(_CHORD_MM / scale, segments=8)
                yield layer, np.array([(v.x, v.y) for v in corners]).reshape(-1, 2) * scale


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
        for insert in entity.multi_insert() if entity.mcount > 1 else (entity,):
            yield from _entities(insert.virtual_entities(), own, depth + 1)
