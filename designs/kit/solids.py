"""Solids for printing: made from flat outlines, placed in a scene, written as binary STL."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from manifold3d import CrossSection, FillRule, Manifold, Mesh64, triangulate
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.polygon import orient

Floats = NDArray[np.float64]
# A hundredth of a hair: below what any machine resolves, above the noise of a processor's sines.
GRID_MM = 1e-4


@dataclass(frozen=True, slots=True)
class Placed:
    """One part in the scene: `place` is a 3x4 matrix from its own coordinates to the scene's.

    A panel's own z is the thickness of its sheet.
    """

    part: str
    solid: Manifold
    place: Floats
    finish: str

    def moved(self, by: Sequence[float]) -> "Placed":
        """The same part shifted by (x, y, z) mm in the scene."""
        shift = np.zeros((3, 4))
        shift[:, 3] = by
        return Placed(self.part, self.solid, self.place + shift, self.finish)

    def in_scene(self) -> Manifold:
        """The solid in the scene's coordinates."""
        return self.solid.transform(self.place)


def at(origin: Sequence[float], x_axis: Sequence[float], y_axis: Sequence[float]) -> Floats:
    """The placing that puts a part's origin and its x and y axes there; z follows (right hand)."""
    x, y = np.asarray(x_axis, float), np.asarray(y_axis, float)
    return np.column_stack([x, y, np.cross(x, y), np.asarray(origin, float)])


def turned(angle_deg: float, origin: Sequence[float] = (0, 0, 0)) -> Floats:
    """The placing that turns a part about z, then moves it to `origin`."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return at(origin, (c, s, 0), (-s, c, 0))


def rings_of(area: Polygon) -> list[Floats]:
    """Outer ring counter-clockwise, holes clockwise, each (n, 2) without the closing point."""
    area = orient(area)
    return [np.asarray(ring.coords)[:-1, :2] for ring in (area.exterior, *area.interiors)]


def extruded(area: Polygon, height: float) -> Manifold:
    """`area` raised from z = 0 to `height`."""
    return CrossSection(rings_of(area), FillRule.EvenOdd).extrude(height)


def revolved(
    profile: Sequence[tuple[float, float]], *, segments: int = 96, degrees: float = 360.0
) -> Manifold:
    """The closed profile of (radius, z) points turned about z, from the x axis on."""
    ring = np.asarray(orient(Polygon(profile)).exterior.coords)[:-1]
    return CrossSection([ring], FillRule.EvenOdd).revolve(segments, degrees)


def bevelled(area: Polygon, height: float, *, bevel: float) -> Manifold:
    """`area` raised to `height` with its two faces drawn in by `bevel` at 45 degrees.

    Curves of `area` must be rounder than `bevel`, and no neck narrower than twice that.
    """
    full = rings_of(area)
    inset = [_drawn_in(ring, bevel) for ring in full]
    levels = [(inset, 0.0), (full, bevel), (full, height - bevel), (inset, height)]
    points = np.vstack(
        [np.column_stack([ring, np.full(len(ring), z)]) for rings, z in levels for ring in rings]
    )
    count = sum(len(ring) for ring in full)
    caps = np.asarray(triangulate(inset))
    faces = [caps[:, ::-1], caps + 3 * count]
    start = 0
    for ring in full:
        here = start + np.arange(len(ring))
        after = np.roll(here, -1)
        for level in (0, count, 2 * count):
            faces.append(np.column_stack([here, after, after + count]) + level)
            faces.append(np.column_stack([here, after + count, here + count]) + level)
        start += len(ring)
    mesh = Mesh64(points, np.vstack(faces).astype(np.uint64))
    return Manifold(mesh)


def _drawn_in(ring: Floats, distance: float) -> Floats:
    """Every corner moved to where its two edges meet after both moved left by `distance`."""
    edge = np.roll(ring, -1, axis=0) - ring
    left = np.column_stack([-edge[:, 1], edge[:, 0]]) / np.linalg.norm(edge, axis=1)[:, None]
    before = np.roll(left, 1, axis=0)
    mitre = (left + before) / (1 + np.sum(left * before, axis=1))[:, None]
    return ring + distance * mitre


def interference_mm3(a: Placed, b: Placed) -> float:
    """Volume that two placed parts claim both; 0 where they only touch."""
    return float((a.in_scene() ^ b.in_scene()).volume())


def printed_mass_g(
    solid: Manifold, *, density_g_cm3: float, shell_mm: float, infill: float
) -> float:
    """Mass as printed: a full skin of `shell_mm` on every surface, `infill` (0 to 1) inside it."""
    skin = min(solid.volume(), solid.surface_area() * shell_mm)
    return float((skin + infill * (solid.volume() - skin)) * density_g_cm3 / 1000)


def triangles_of(solid: Manifold) -> tuple[Floats, NDArray[np.int64]]:
    """Welded points (n, 3) on the grid and faces (m, 3), in an order of their own making.

    The order does not depend on how the solid was computed, so equal solids give equal files.
    """
    mesh = solid.to_mesh64()
    points = np.round(np.asarray(mesh.vert_properties)[:, :3] / GRID_MM) * GRID_MM + 0.0
    points, index = np.unique(points, axis=0, return_inverse=True)
    faces = index.reshape(-1)[np.asarray(mesh.tri_verts, np.int64)]
    flat = (np.diff(np.column_stack([faces, faces[:, 0]])) == 0).any(axis=1)
    faces = faces[~flat]
    first = np.argmin(faces, axis=1)
    faces = np.take_along_axis(faces, (first[:, None] + np.arange(3)) % 3, axis=1)
    return points, faces[np.lexsort(faces.T[::-1])]


def write_stl(path: Path, solid: Manifold) -> None:
    """Write `solid` as binary STL in mm, seated on z = 0."""
    points, faces = triangles_of(solid.translate((0, 0, -solid.bounding_box()[2])))
    corners = points[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1), 1e-12)[:, None]
    record = np.zeros(len(faces), [("normal", "<f4", 3), ("corner", "<f4", (3, 3)), ("pad", "<u2")])
    record["normal"] = np.round(normal, 5) + 0.0
    record["corner"] = corners
    header = b"Cosmolocal design, unit mm".ljust(80)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + struct.pack("<I", len(faces)) + record.tobytes())
