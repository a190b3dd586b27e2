"""KiCad's boards and schematics: read as the bracketed text that they are; KiCad is not run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from commons.errors import InvalidInput
from repo_server.parsing import strokes

_MAX_BYTES = 24 * 1024**2
_MOST_WORDS = 4_000_000
_MAX_NESTING = 64
_MOST_LETTERS = 100
_STEPS = 64  # chords of a circle
_WORD = re.compile(r'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"]+))')
_OUTLINE = "Edge.Cuts"

Node = list[Any]  # a name, then words and nodes
Points = list[tuple[float, float]]


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Of a board: title, layers, thickness, footprints, nets, and its outline as a drawing.
    Of a schematic: title, paper, symbols, sheets.

    Raises InvalidInput for what is no such document, or one that is not whole.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this file has more than {_MAX_BYTES >> 20} MB; simplify it")
    document = _read(data.decode("utf-8", errors="replace"))
    if document[:1] != [kind]:
        raise InvalidInput(f"this is no {kind} file: it does not begin with ({kind}")
    title = _first(document, "title_block") or []
    facts: dict[str, object] = {"title": _word(title, "title"), "revision": _word(title, "rev")}
    if kind == "kicad_sch":
        return {"facts": {**facts, **_schematic(document)}}
    outline = strokes.joined(list(_outline(document)))
    if outline:
        strokes.show(outline, out)
        facts["box_mm"] = strokes.facts_of(outline)["box_mm"]
    return {"facts": {**facts, **_board(document)}}


def _read(text: str) -> Node:
    """The one node that the text is."""
    root: Node = []
    opened = [root]
    end = 0
    for words, word in enumerate(_WORD.finditer(text)):
        bracket, quoted, plain = word.groups()
        if word.start() != end or words > _MOST_WORDS or len(opened) > _MAX_NESTING:
            raise InvalidInput("this file is damaged, or has more words than are read here")
        end = word.end()
        if bracket == "(":
            opened[-1].append([])
            opened.append(opened[-1][-1])
        elif bracket == ")":
            opened.pop()
            if not opened or (opened == [root] and text[end:].strip()):
                raise InvalidInput("this file closes a bracket that is not open")
        else:
            opened[-1].append(quoted if plain is None else plain)
    if len(opened) > 1 or len(root) != 1 or not isinstance(root[0], list) or not root[0]:
        raise InvalidInput("this file ends before its brackets are closed; is it all there?")
    return root[0]


def _all(node: Node, *names: str) -> Iterator[Node]:
    return (it for it in node if isinstance(it, list) and it and it[0] in names)


def _first(node: Node, name: str) -> Node | None:
    return next(_all(node, name), None)


def _word(node: Node, name: str) -> str | None:
    found = _first(node, name)
    word = found[1] if found and len(found) > 1 and isinstance(found[1], str) else ""
    word = re.sub(r"\\(.)", r"\1", word)
    return "".join(filter(str.isprintable, word))[:_MOST_LETTERS] or None


def _schematic(document: Node) -> dict[str, object]:
    return {
        "paper": _word(document, "paper"),
        "symbols": sum(1 for _ in _all(document, "symbol")),
        "sheets": 1 + sum(1 for _ in _all(document, "sheet")),
    }


def _board(document: Node) -> dict[str, object]:
    layers = [str(it[1]) for it in (_first(document, "layers") or []) if _is_layer(it)]
    thickness = _numbers(_first(_first(document, "general") or [], "thickness"))
    return {
        "copper_layers": sum(name.endswith(".Cu") for name in layers),
        "layers": [{"name": name[:_MOST_LETTERS]} for name in layers[:_STEPS]],
        "thickness_mm": thickness[0] if thickness else None,
        "footprints": sum(1 for _ in _all(document, "footprint", "module")),
        "nets": sum(1 for net in _all(document, "net") if net[-1] not in ("", "0")),
    }


def _is_layer(it: object) -> bool:
    return isinstance(it, list) and len(it) > 1 and isinstance(it[1], str)


def _numbers(node: Node | None) -> list[float]:
    """The node's words as numbers; none when one of them is no number."""
    try:
        found = [float(word) for word in (node or [])[1:]]
    except (TypeError, ValueError):
        return []
    if not all(abs(number) <= strokes.FARTHEST_MM for number in found):
        raise InvalidInput("this board has points that are at no place, or a kilometre off")
    return found


def _at(shape: Node, name: str) -> tuple[float, float] | None:
    found = _numbers(_first(shape, name))
    return (found[0], found[1]) if len(found) == 2 else None


def _outline(document: Node) -> Iterator[strokes.Stroke]:
    """The lines of the board's edge in mm, y up."""
    shapes = _all(document, "gr_line", "gr_arc", "gr_circle", "gr_rect", "gr_poly")
    for number, shape in enumerate(it for it in shapes if _word(it, "layer") == _OUTLINE):
        if number >= strokes.MAX_STROKES:
            raise InvalidInput(f"the board's edge has more than {strokes.MAX_STROKES} lines")
        if len(points := _points(shape)) > 1:
            yield np.array(points) * (1, -1)


def _points(shape: Node) -> Points:
    start, end = _at(shape, "start"), _at(shape, "end")
    if shape[0] == "gr_poly":
        corners = [_numbers(it) for it in _all(_first(shape, "pts") or [], "xy")]
        ring = [(it[0], it[1]) for it in corners if len(it) == 2]
        return [*ring, *ring[:1]]
    if shape[0] == "gr_circle" and (middle := _at(shape, "center")) and end:
        return _turned(middle, end, 360.0)
    if start is None or end is None:
        return []
    if shape[0] == "gr_rect":
        (left, top), (right, low) = start, end
        return [start, (right, top), end, (left, low), start]
    if shape[0] == "gr_arc" and (middle := _at(shape, "mid")):
        return _through(start, middle, end)
    if shape[0] == "gr_arc" and (angle := _numbers(_first(shape, "angle"))):
        return _turned(start, end, angle[0])  # until KiCad 5: start is the middle
    return [start, end]


def _turned(middle: tuple[float, float], start: tuple[float, float], angle: float) -> Points:
    """From `start` around `middle` by an angle in degrees."""
    turns = np.exp(1j * np.radians(np.linspace(0, np.clip(angle, -360, 360), _STEPS + 1)))
    centre = complex(*middle)
    places = [
        (float(it.real), float(it.imag)) for it in centre + (complex(*start) - centre) * turns
    ]
    if abs(angle) >= 360:
        places[-1] = places[0]
    return places


def _through(
    start: tuple[float, float], by: tuple[float, float], end: tuple[float, float]
) -> Points:
    """The arc from `start` to `end` through `by`; the lines between them when it is straight."""
    a, b, c = (complex(*at) for at in (start, by, end))
    b, c = b - a, c - a
    across = b.conjugate() * c - c.conjugate() * b
    if abs(across) < 1e-9:
        return [start, by, end]
    middle = (abs(b) ** 2 * c - abs(c) ** 2 * b) / across  # seen from the start
    turn = np.degrees(np.angle((c - middle) / -middle))
    part = np.degrees(np.angle((b - middle) / -middle))
    if (turn > 0) != (part > 0) or abs(part) > abs(turn):
        turn -= np.copysign(360, turn)
    places = _turned((middle.real + start[0], middle.imag + start[1]), start, float(turn))
    return [*places[:-1], end]
