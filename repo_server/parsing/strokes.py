"""Lines of a drawing in mm: joined into contours, measured, drawn as SVG and PNG of our own."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from commons.errors import InvalidInput
from repo_server.parsing import picture

MAX_STROKES = 100_000
_MAX_POINTS = 1_000_000
FARTHEST_MM = 1e6
_SAME_PLACE_MM = 0.001
_MOST_NESTED = 20_000
_MOST_LAYERS, _MOST_LETTERS = 40, 80

Stroke = NDArray[np.float64]  # (n, 2) mm, y up; closed ones end where they start
Layered = tuple[str, Stroke]


def inspected(drawn: Iterable[Layered], what: str, out: Path) -> dict[str, object]:
    """The drawing's facts; `out` holds an SVG with nothing in it but lines, and a PNG.

    `what` is the kind of file, for people. Raises InvalidInput when there is no line, or too many.
    """
    layers: Counter[str] = Counter()
    lines = joined(_limited(drawn, layers))
    if not lines:
        raise InvalidInput(f"this {what} has no lines: it is empty, or all is hidden")
    show(lines, out)
    named = ({"name": name, "lines": count} for name, count in layers.most_common(_MOST_LAYERS))
    return {**facts_of(lines), "layers": list(named)}


def show(lines: list[Stroke], out: Path) -> None:
    """`out` holds the preview and the thumbnail of at least one line."""
    (out / "preview").write_text(_own_svg(lines))
    picture.of_drawing(lines).save(out / "thumbnail", "PNG", optimize=True)


def facts_of(lines: list[Stroke]) -> dict[str, object]:
    """Size, contours, length of all lines; how many contours are holes, and the area (mm²) between,
    None where contours are too many to look which lies in which."""
    points = np.concatenate(lines)
    rings = [line for line in lines if _is_closed(line)]
    depths = _depths([ring for ring in rings if len(ring) > 3])
    areas = [_area(ring) for ring in rings if len(ring) > 3]
    inside = None if depths is None else depths % 2 == 1
    area = None if inside is None else float(np.where(inside, -1, 1) @ np.array(areas, float))
    return {
        "box_mm": [round(float(edge), 4) for edge in np.ptp(points, axis=0)],
        "closed_contours": len(rings),
        "open_lines": len(lines) - len(rings),
        "length_mm": round(sum(_length(line) for line in lines), 2),
        "holes": None if inside is None else int(inside.sum()),
        "area_mm2": None if area is None else round(area, 2),
    }


def joined(strokes: list[Stroke]) -> list[Stroke]:
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


def _limited(drawn: Iterable[Layered], layers: Counter[str]) -> list[Stroke]:
    found, points = [], 0
    for layer, stroke in drawn:
        if not (np.abs(stroke) <= FARTHEST_MM).all():  # nor what is no number
            raise InvalidInput("this drawing has points that are at no place, or a kilometre off")
        if len(stroke) < 2:
            continue
        found.append(stroke)
        points += len(stroke)
        layers["".join(filter(str.isprintable, layer))[:_MOST_LETTERS]] += 1
        if len(found) > MAX_STROKES or points > _MAX_POINTS:
            raise InvalidInput(f"this drawing has more than {MAX_STROKES} lines; simplify it")
    return found


def _grown(
    chain: Stroke, loose: list[Stroke], ends: dict[tuple[int, int], list[int]], used: set[int]
) -> Stroke:
    """The chain with everything appended that goes on from its last point."""
    pieces = [chain]
    at = _place(chain[-1])
    while (following := _next(ends.get(at, []), used)) is not None:
        used.add(following)
        piece = loose[following]
        piece = piece if _place(piece[0]) == at else piece[::-1]
        pieces.append(piece[1:])
        at = _place(piece[-1])
    return np.concatenate(pieces)


def _next(meeting: list[int], used: set[int]) -> int | None:
    """One that is not used. The used are dropped, so that a star of lines is looked at once."""
    while meeting and meeting[-1] in used:
        meeting.pop()
    return meeting.pop() if meeting else None


def _closed_up(chain: Stroke) -> Stroke:
    if len(chain) > 2 and _place(chain[0]) == _place(chain[-1]):
        chain[-1] = chain[0]
    return chain


def _is_closed(stroke: Stroke) -> bool:
    return len(stroke) > 2 and bool(np.array_equal(stroke[0], stroke[-1]))


def _place(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0]) / _SAME_PLACE_MM), round(float(point[1]) / _SAME_PLACE_MM)


def _length(stroke: Stroke) -> float:
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def _area(ring: Stroke) -> float:
    (x, y), (next_x, next_y) = ring[:-1].T, ring[1:].T
    return abs(float((x * next_y - next_x * y).sum())) / 2


def _depths(rings: list[Stroke]) -> NDArray[np.int64] | None:
    """In how many others each ring lies, by its first corner; None where that is too much work."""
    depths = np.zeros(len(rings), dtype=np.int64)
    if not rings or len(rings) > _MOST_NESTED:
        return None if rings else depths
    tree = shapely.STRtree(shapely.points([ring[0] for ring in rings]))
    for ring in rings:
        depths[tree.query(shapely.polygons(ring), predicate="contains")] += 1
        if depths.sum() > _MOST_NESTED * 10:
            return None
    return depths


def _own_svg(lines: list[Stroke]) -> str:
    """The lines as one path, 1 unit = 1 mm; not a word of the original's."""
    points = np.concatenate(lines)
    (left, low), (right, top) = points.min(axis=0), points.max(axis=0)
    width, height = right - left, top - low
    pieces = []
    for line in lines:
        corners = " ".join(f"{x - left:.2f},{top - y:.2f}" for x, y in line)
        pieces.append(f"M{corners}{'Z' if _is_closed(line) else ''}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}mm" height="{height:.2f}mm" '
        f'viewBox="{-1} {-1} {width + 2:.2f} {height + 2:.2f}"><path d="{"".join(pieces)}" '
        'fill="#deb88a" fill-rule="evenodd" stroke="#5e3e1c" stroke-width="1" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
