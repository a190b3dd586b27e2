"""What keeps together on the sheet: a whole drawing as it was drawn, or each part of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from fab_agent.cam.cuts import SMALL_MM2, Cut
from fab_agent.cam.drawing import Points
from fab_agent.cam.nesting import Place
from fab_agent.cam.operations import Operation
from fab_agent.cam.part import Feature, kept_area
from fab_agent.cam.placing import moved
from fab_agent.cam.travel import short_tour

Engraving = tuple[str, Points]  # layer, points
_SMOOTH_MM = 0.005
_ALIKE_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Features and lines to engrave that keep their places to each other; `count` are alike."""

    features: tuple[Feature, ...]
    engravings: tuple[Engraving, ...]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """A group with its cuts in order; `kept` is what stays of it, seen from above."""

    cuts: tuple[Cut, ...]
    kept: BaseGeometry
    count: int

    def box(self) -> Polygon:
        """Around all that the cutter sweeps."""
        ends = [
            (path[:, :2].min(axis=0) - cut.radius_mm, path[:, :2].max(axis=0) + cut.radius_mm)
            for cut in self.cuts
            for path in cut.paths
        ]
        low, high = np.min([end[0] for end in ends], axis=0), np.max([e[1] for e in ends], axis=0)
        return shapely.box(*low, *high)

    def solid(self, reach_mm: float, *, filled: bool = False) -> BaseGeometry:
        """What no other part may come near: all that is kept or swept.

        Openings that keep a loose middle are free inside unless `filled`. The cutter goes no
        farther than `reach_mm` from what is kept, but where it engraves, drills or enters.
        """
        whole = self.kept.buffer(reach_mm, quad_segs=32)
        shapely.prepare(whole)
        extra = [
            line.buffer(cut.radius_mm, quad_segs=8)
            for cut in self.cuts
            for path in cut.paths
            if not whole.covers(line := _line(path))
        ]
        if extra:
            whole = shapely.union_all([whole, *extra])
        parts = []
        for part in shapely.get_parts(whole.simplify(_SMOOTH_MM)):
            holes = [hole for hole in part.interiors if Polygon(hole).area >= SMALL_MM2]
            holes = [] if filled else holes
            parts.append(Polygon(part.exterior, holes))
        return shapely.union_all(parts)


def whole_drawing(features: Sequence[Feature], engravings: Sequence[Engraving]) -> list[Group]:
    """One group of all: it stays as it was drawn."""
    return [Group(tuple(features), tuple(engravings))]


def single_parts(features: Sequence[Feature], engravings: Sequence[Engraving]) -> list[Group]:
    """One group for each outline that lies in no other, with all that is in it; equal ones once.

    What lies in none goes with the nearest.
    """
    outlines = [
        feature.area
        for feature in features
        if feature.operation is Operation.OUTSIDE and feature.level == 0
    ]
    tree = shapely.STRtree(outlines)

    def homes(shapes: Sequence[BaseGeometry]) -> list[int]:
        return [int(tree.nearest(shape.representative_point())) for shape in shapes]

    inside: list[list[Feature]] = [[] for _ in outlines]
    for feature, home in zip(features, homes([f.area for f in features]), strict=True):
        inside[home].append(feature)
    on_top: list[list[Engraving]] = [[] for _ in outlines]
    lines = [shapely.LineString(points) for _, points in engravings]
    for engraving, home in zip(engravings, homes(lines), strict=True):
        on_top[home].append(engraving)
    alike: dict[bytes, Group] = {}
    for some, lines_of in zip(inside, on_top, strict=True):
        name = _name_of(some, lines_of)
        count = alike[name].count + 1 if name in alike else 1
        first = alike.get(name, Group(tuple(some), tuple(lines_of)))
        alike[name] = Group(first.features, first.engravings, count)
    return list(alike.values())


def pieces_of(
    groups: Sequence[Group], cuts_of: Callable[[Group, BaseGeometry], list[Cut]]
) -> list[Piece]:
    """Each group with what `cuts_of` makes of it and of the area that is kept."""
    found = []
    for group in groups:
        kept = kept_area(group.features)
        found.append(Piece(tuple(cuts_of(group, kept)), kept, group.count))
    return found


def in_sheet_order(places: Sequence[Place], pieces: Sequence[Piece]) -> list[Place]:
    """What lies in another's opening first, as long as all is held; else on a short tour."""
    if len(places) < 2:
        return list(places)
    kept = [moved([piece.kept for piece in pieces], place) for place in places]
    around = [shapely.union_all([Polygon(p.exterior) for p in shapely.get_parts(k)]) for k in kept]
    tree = shapely.STRtree([area.representative_point() for area in kept])
    outer, inner = tree.query(around, predicate="contains")
    depth = np.bincount(inner[outer != inner], minlength=len(places))
    starts = np.array([area.bounds[:2] for area in kept])
    order: list[int] = []
    for level in sorted(set(depth.tolist()), reverse=True):
        equal = np.flatnonzero(depth == level)
        here = starts[order[-1]] if order else np.zeros(2)
        order += equal[short_tour(starts[equal], here)].tolist()
    return [places[index] for index in order]


def _line(path: Points) -> BaseGeometry:
    flat = path[:, :2]
    if len(flat) < 2 or not np.ptp(flat, axis=0).any():
        return shapely.Point(flat[0])
    return shapely.LineString(flat)


def _name_of(features: Sequence[Feature], engravings: Sequence[Engraving]) -> bytes:
    """The same for the same part anywhere in the drawing."""
    shapes = [(f"{f.layer}|{f.operation}|{f.depth_mm}", f.area) for f in features]
    shapes += [(layer, shapely.LineString(points)) for layer, points in engravings]
    corner = np.min([shape.bounds[:2] for _, shape in shapes], axis=0)
    names = []
    for name, shape in shapes:
        points = np.round(shapely.get_coordinates(shape) - corner, _ALIKE_DECIMALS) + 0.0
        here = shapely.normalize(shapely.set_coordinates(shapely.from_wkb(shape.wkb), points))
        names.append(name.encode() + here.wkb)
    return b"\n".join(sorted(names))
