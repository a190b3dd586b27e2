"""What a printer would make of a body: thin walls, narrow gaps, faces that hang in the air.

Walls and gaps are measured at SAMPLES places that are spread evenly over the surface, the same
ones each time: from each place straight into the body, and straight out of it, to the next face.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

SAMPLES = 20_000
MARKS = 60  # places that are told of each kind, the worst first
# Two lines of the usual nozzle of 0.4 mm: what is thinner is one line that nothing holds from the
# other side.
SOUND_WALL_MM = 0.8
# Lines that are this near grow together.
GAP_MM = 0.3
# A face that leans more than 45 degrees from upright is not carried by the layer below it.
_HANGS = -np.cos(np.radians(45.0)) - 1e-6
_LEAST_SHARE = 0.001  # of the surface: less is an edge or a corner, not a wall
_OPPOSITE = -0.5  # faces of one wall look away from each other within 60 degrees

Array = NDArray[Any]
Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Thickness:
    """Something that is too thin, of walls or of gaps.

    `least_mm`: all but a thousandth of the surface is farther from its other side; None when no
    other side was met. `share`: of the surface, 0 to 1, that is thinner than the limit that was
    asked. `places`: in the file's coordinates, the thinnest first.
    """

    least_mm: float | None
    share: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Printability:
    """Of a closed body in mm that stands as in its file, z up.

    `hanging_share`: of the surface, 0 to 1, without the faces that lie on the bed.
    """

    hanging_share: float
    hanging: tuple[Place, ...]
    walls: Thickness
    gaps: Thickness


def examine(vertices: Array, faces: Array) -> Printability:
    """What holds of the closed, outward-turned body of vertices (v, 3) in mm and faces (n, 3)."""
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    solid = areas > 0
    corners, areas = corners[solid], areas[solid]
    normals = normals[solid] / areas[:, None]
    hanging = _hanging(corners, normals)
    places, of = _spread(corners, areas)
    rays = _Rays(corners, normals)
    return Printability(
        hanging_share=round(float(areas[hanging].sum() / areas.sum()), 4),
        hanging=_told(places[hanging[of]], places[hanging[of], 2]),
        walls=_thin(places, rays.distances(places, of, inwards=True), SOUND_WALL_MM),
        gaps=_thin(places, rays.distances(places, of, inwards=False), GAP_MM),
    )


def _hanging(corners: Array, normals: Array) -> Array:
    """Which faces nothing carries when it is printed as it stands (n,), bool."""
    height = corners[:, :, 2]
    bed = height.min() + 1e-3 + 1e-5 * np.ptp(height)
    hanging: Array = (normals[:, 2] < _HANGS) & (height.max(axis=1) > bed)
    return hanging


def _spread(corners: Array, areas: Array) -> tuple[Array, Array]:
    """SAMPLES places (s, 3) that stand each for the same area, and the face (s,) of each."""
    chance = np.random.default_rng(1)
    ends = np.cumsum(areas)
    at = (np.arange(SAMPLES) + chance.random(SAMPLES)) / SAMPLES * ends[-1]
    of = np.searchsorted(ends, at, side="right").clip(max=len(areas) - 1)
    u, v = chance.random((2, SAMPLES))
    beyond = u + v > 1  # folded back into the triangle
    u, v = np.where(beyond, 1 - u, u)[:, None], np.where(beyond, 1 - v, v)[:, None]
    a, b, c = corners[of, 0], corners[of, 1], corners[of, 2]
    return a + u * (b - a) + v * (c - a), of


class _Rays:
    """The faces as something that rays hit."""

    def __init__(self, corners: Array, normals: Array) -> None:
        self._normals = normals
        # Rays are reckoned in float32: near the origin it has the most digits.
        self._middle = corners.reshape(-1, 3).mean(axis=0)
        shape = np.ascontiguousarray(corners - self._middle, dtype=np.float32)
        self._size = float(np.ptp(shape.reshape(-1, 3), axis=0).max())
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, shape)

    def distances(self, places: Array, of: Array, *, inwards: bool) -> Array:
        """(s,) in mm from each place to the other side of its wall or gap, inf where none is."""
        way = -self._normals[of] if inwards else self._normals[of]
        step = 1e-5 * self._size  # off its own face
        start = places - self._middle + step * way
        hit = self._scene.run(
            start.astype(np.float32), way.astype(np.float32), query="INTERSECT", output=True
        )
        face, far = hit["primID"], hit["tfar"].astype(np.float64) + step
        # A wall's other side looks away from this one, a gap's looks at it.
        facing = (self._normals[face] * self._normals[of]).sum(axis=1)
        met = (face >= 0) & (facing < _OPPOSITE)
        return np.where(met, far, np.inf)


def _thin(places: Array, distances: Array, limit_mm: float) -> Thickness:
    thin = distances < limit_mm
    met = np.sort(distances)[int(_LEAST_SHARE * SAMPLES)]
    share = round(float(thin.mean()), 4)
    return Thickness(
        least_mm=round(float(met), 3) if np.isfinite(met) else None,
        share=share if share > _LEAST_SHARE else 0.0,
        places=_told(places[thin], distances[thin]) if share > _LEAST_SHARE else (),
    )


def _told(places: Array, worth: Array) -> tuple[Place, ...]:
    """MARKS of the places, all over them, those of the least worth first."""
    order = np.argsort(worth, kind="stable")
    some = order[:: max(1, -(-len(order) // MARKS))]
    return tuple((round(x, 2), round(y, 2), round(z, 2)) for x, y, z in places[some].tolist())
