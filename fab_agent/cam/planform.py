"""A mesh of a flat part becomes a drawing: its outline, its openings, and its pockets by depth.

Only what a router can cut out of a sheet from above passes: every face lies level or stands
upright, and nothing is hollow below. Of facets that lie on a circle the circle is cut.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize

from commons.errors import InvalidInput, MeshInvalid
from fab_agent.cam.drawing import CHORD_MM, Drawing, Pocket, Points, Stroke, Triangles
from fab_agent.cam.request import MeshKind
from fab_agent.slicing.plate import CleanRequest

# A face that leans less than this is level or upright: half a degree takes 0.08 mm on 9 mm.
_LEAN = float(np.sin(np.deg2rad(0.5)))
# Triangles thinner than this have no side that they face: single precision blurs them.
_SLIVER_MM = 0.002
_LEVEL_MM = 0.02  # heights nearer than this are one floor
_DUST_MM2 = 0.05  # smaller pieces come from rounding
# What the outlines and floors enclose may differ this much from what the mesh does.
_VOLUME_SHARE = 0.01
_STRAIGHT_MM = 0.0005  # a corner this near to the line between its neighbours is none
# Facets are those of a circle when they are equally long and turn equally, at most so far.
_FACET_TURN_RAD = np.deg2rad(31)
_FACET_ALIKE = 0.03
_FEWEST_FACETS = 4  # of an arc; a whole circle has at least 12 by the turn
_FACET_BULGE_MM = 0.3
_ANYWHERE_MM = 10_000.0
_STL_HEAD = 84


def read_mesh(data: bytes, kind: MeshKind) -> Triangles:
    """The triangles of a closed body (n, 3, 3) in mm, standing on Z0, its middle at x = y = 0.

    Raises:
        InvalidInput: it cannot be read, is not closed, or is far too large; says what to do.
    """
    # Loads trimesh, which takes longer than most drawings: they do without it.
    from fab_agent.slicing.mesh import clean

    room = (_ANYWHERE_MM,) * 3
    try:
        stl, _ = clean(data, CleanRequest(name=f"mesh.{kind}", scale=1.0, room_mm=room))
    except MeshInvalid as refused:
        raise MeshInvalid(str(refused).removeprefix(f"mesh.{kind}: ")) from refused
    rows = np.frombuffer(
        stl[_STL_HEAD:], dtype=[("", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")]
    )
    triangles: Triangles = rows["at"].astype(np.float64)
    return triangles


def height_mm(triangles: Triangles) -> float:
    """How high the body is."""
    return float(triangles[..., 2].max())


def volume_mm3(triangles: Triangles) -> float:
    """What the body encloses."""
    a, b, c = (triangles - triangles.mean(axis=(0, 1))).transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def why_no_plate(triangles: Triangles) -> str | None:
    """Where the body is no flat part that can be cut from above, in words; None when it is one."""
    normals, heights = _normals(triangles), triangles[..., 2]
    faces = ~np.isnan(normals[:, 2])
    up = np.abs(normals[:, 2])
    leaning = faces & (up > _LEAN) & (up < np.sqrt(1 - _LEAN**2))
    if leaning.any():
        where = _middle(triangles, np.flatnonzero(leaning), normals)
        return f"a face {where} is neither level nor upright"
    below = faces & (normals[:, 2] < -0.5) & (heights.min(axis=1) > _LEVEL_MM)
    if below.any():
        return f"it is hollow below {_middle(triangles, np.flatnonzero(below), normals)}"
    return None


def planform(triangles: Triangles) -> Drawing:
    """The outline, openings and pockets of a plate as a drawing in its own coordinates.

    Raises:
        InvalidInput: it is no plate; says where, and how it can be milled instead.
    """
    if problem := why_no_plate(triangles):
        raise InvalidInput(f"{problem}: mill it as a surface (3D), or draw it as a flat part")
    top = height_mm(triangles)
    floors = _floors(triangles)
    between = np.diff([0.0, *floors]) / 2 + [0.0, *floors[:-1]]
    sections = [_section(triangles, float(z)) for z in between]
    _require_whole(triangles, sections, np.diff([0.0, *floors]))
    pockets = []
    outside = sections[0].envelope.buffer(_ANYWHERE_MM, join_style="mitre")
    for floor, under, above in zip(floors[:-1], sections[:-1], sections[1:], strict=True):
        for area in _pieces(under.difference(above)):
            beside = outside.difference(under)
            pockets.append(Pocket(area, round(top - float(floor), 3), beside))
    rings = [ring for part in _pieces(sections[0]) for ring in (part.exterior, *part.interiors)]
    strokes = tuple(Stroke("mesh", shapely.get_coordinates(ring)) for ring in rings)
    return Drawing(strokes, pockets=tuple(pockets))


def _normals(triangles: Triangles) -> NDArray[np.float64]:
    """Unit normals; NaN where a triangle is too thin to have one."""
    edges = np.roll(triangles, -1, axis=1) - triangles
    normal = np.cross(edges[:, 0], edges[:, 1])
    double = np.linalg.norm(normal, axis=1)
    longest = np.linalg.norm(edges, axis=2).max(axis=1)
    thin = double <= _SLIVER_MM * longest
    return np.where(thin[:, None], np.nan, normal / np.where(thin, 1.0, double)[:, None])


def _middle(triangles: Triangles, chosen: NDArray[np.intp], normals: NDArray[np.float64]) -> str:
    """Where the largest of the chosen triangles lies."""
    corners = triangles[chosen]
    sizes = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    x, y, z = corners[int(np.argmax(sizes))].mean(axis=0)
    return f"at ({x:.1f}, {y:.1f}, {z:.1f}) mm from its middle"


def _floors(triangles: Triangles) -> list[float]:
    """Z of every level that faces up, rising; the last one is the top."""
    normals = _normals(triangles)
    level = triangles[normals[:, 2] > 0.5][..., 2].mean(axis=1)
    heights = np.unique(level.round(6))
    first = np.flatnonzero(np.diff(heights, prepend=-np.inf) > _LEVEL_MM)
    return [float(np.median(part)) for part in np.split(heights, first[1:])]


def _section(triangles: Triangles, z: float) -> BaseGeometry:
    """What a level plane cuts out of the body, with circles made whole again."""
    above = triangles[..., 2] > z
    cut = triangles[above.any(axis=1) & ~above.all(axis=1)]
    above = cut[..., 2] > z
    ends = []
    for one, other in ((0, 1), (1, 2), (2, 0)):
        crosses = above[:, one] != above[:, other]
        a, b = cut[:, one], cut[:, other]
        # One edge is met from both of its triangles: the same numbers in the same order.
        swapped = a[:, 2] > b[:, 2]
        low, high = np.where(swapped[:, None], b, a), np.where(swapped[:, None], a, b)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = ((z - low[:, 2]) / (high[:, 2] - low[:, 2]))[:, None]
            point = low[:, :2] + share * (high - low)[:, :2]
        ends.append(np.where(crosses[:, None], point, np.nan))
    points = np.stack(ends, axis=1)
    pairs = points[~np.isnan(points[..., 0])].reshape(-1, 2, 2).round(5)
    pairs = pairs[np.any(pairs[:, 0] != pairs[:, 1], axis=1)]
    lines = shapely.unary_union(shapely.linestrings(pairs))
    rings = [_tidy(Polygon(face.exterior)) for face in polygonize(lines)]
    return _even_odd([ring for ring in rings if ring.area > _DUST_MM2])


def _tidy(ring: Polygon) -> Polygon:
    """The same ring with its true corners only, and arcs where its facets lie on one."""
    points = shapely.get_coordinates(ring.exterior)[:-1]
    points = np.roll(points, -int(np.argmax(np.abs(_turns(points)))), axis=0)
    closed = shapely.linestrings(np.vstack([points, points[:1]]))
    corners = shapely.get_coordinates(shapely.simplify(closed, _STRAIGHT_MM))[:-1]
    return Polygon(_rounded(corners)) if len(corners) > 2 else Polygon()


def _turns(points: Points) -> NDArray[np.float64]:
    """How far the way round turns at each corner, radians, positive against the clock."""
    after = np.roll(points, -1, axis=0) - points
    before = np.roll(after, 1, axis=0)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turns: NDArray[np.float64] = np.arctan2(cross, (before * after).sum(axis=1))
    return turns


def _rounded(points: Points) -> Points:
    """The closed ring with each run of equal facets replaced by the arc that they lie on."""
    count, turns = len(points), _turns(points)
    lengths = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    # Facet i goes from corner i to the next one; the corner between two facets joins them.
    joined = (
        (np.abs(turns) <= _FACET_TURN_RAD)
        & (np.abs(turns) > 0)
        & _alike(lengths, np.roll(lengths, 1))
    )
    runs = _runs(joined, turns)
    arc = np.zeros(count)
    for facets in (run for run in runs if len(run) >= _FEWEST_FACETS):
        turn = float(turns[facets[1:]].mean())
        bulge = lengths[facets].mean() * abs(np.tan(turn / 4)) / 2
        if bulge <= _FACET_BULGE_MM:
            arc[facets] = turn
    ways = [
        _arc_points(points[i], points[(i + 1) % count], arc[i]) if arc[i] else points[i : i + 1]
        for i in range(count)
    ]
    return np.vstack(ways)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(one - other) <= _FACET_ALIKE * np.maximum(np.abs(one), np.abs(other)))


def _runs(joined: NDArray[np.bool_], turns: NDArray[np.float64]) -> list[list[int]]:
    """Stretches of facets whose corners join them and turn equally, each facet in one at most."""
    count = len(joined)
    same = joined & np.roll(joined, -1) & _alike(turns, np.roll(turns, -1))
    if joined.all() and same.all():
        return [list(range(count))]
    start = int(np.flatnonzero(~joined | ~np.roll(same, 1))[0])
    found, run = [], [start]
    for step in range(1, count):
        corner = (start + step) % count
        if joined[corner] and (len(run) == 1 or same[corner - 1]):
            run.append(corner)
        else:
            found.append(run)
            run = [corner]
    return [*found, run]


def _arc_points(start: Points, end: Points, turn: float) -> Points:
    """Points of the arc from `start` (included) to `end` (left out) that turns by `turn`."""
    chord = end - start
    radius = np.hypot(*chord) / (2 * np.sin(abs(turn) / 2))
    step = 2 * np.arccos(max(1 - CHORD_MM / radius, 0.0))
    pieces = max(1, int(np.ceil(abs(turn) / step)))
    left = np.array([-chord[1], chord[0]])
    centre = (start + end) / 2 + left / (2 * np.tan(turn / 2))
    angles = turn * np.arange(pieces) / pieces
    spoke = start - centre
    x = spoke[0] * np.cos(angles) - spoke[1] * np.sin(angles)
    y = spoke[0] * np.sin(angles) + spoke[1] * np.cos(angles)
    arc: Points = centre + np.column_stack([x, y])
    return arc


def _even_odd(rings: Sequence[Polygon]) -> BaseGeometry:
    """What lies inside an odd number of the rings."""
    area: BaseGeometry = MultiPolygon()
    for ring in sorted(rings, key=_size, reverse=True):
        area = area.symmetric_difference(ring)
    return area


def _size(ring: Polygon) -> float:
    return float(ring.area)


def _pieces(area: BaseGeometry) -> list[Polygon]:
    """The polygons of an area on the machine's grid, without slivers."""
    parts = shapely.get_parts(shapely.set_precision(area, 0.001))
    return [p for p in parts if isinstance(p, Polygon) and not p.buffer(-_LEVEL_MM).is_empty]


def _require_whole(
    triangles: Triangles, sections: Sequence[BaseGeometry], steps: NDArray[np.float64]
) -> None:
    """Refuse when outline and floors do not make up the body: something lies within or across."""
    built = sum(float(s.area) * float(step) for s, step in zip(sections, steps, strict=True))
    whole = volume_mm3(triangles)
    if abs(built - whole) > _VOLUME_SHARE * whole:
        raise InvalidInput(
            f"its outline and floors enclose {built:.0f} mm³, the body {whole:.0f} mm³: "
            "bodies that overlap or a hollow inside cannot be milled as a plate; join them"
        )
