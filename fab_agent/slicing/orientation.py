"""On which side a part is printed best: little hangs over, much touches the bed, little height.

A part may lie on any flat side of its convex hull. Each of these poses, and the drawn one, is
measured and gets a cost; the cheapest is suggested, the drawn one unless another is clearly
cheaper. Runs in the limited child, because the mesh is a stranger's. mm; deterministic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

Triangles = NDArray[np.float64]  # (n, 3 corners, 3 coordinates) mm
Vector = NDArray[np.float64]

# A face whose normal is nearer than this to straight down hangs over: 45° and a little, so that
# chamfers of 45° count as what they are drawn for.
_OVERHANG_COS = 0.7172
_FLAT_COS = 0.9998  # within a degree of straight down
_TOUCH_MM = 0.1  # what is nearer than this to the bed is pressed onto it by the first layer
_MOST_SIDES = 30  # flat sides of the hull that are tried, the largest first
_CLEARLY = 0.02  # of cost: by less than this the drawn pose stays
_NEEDS_NONE = 0.005  # of the surface: so little overhang any printer bridges

_AXES = {
    (0.0, 0.0, -1.0): "as drawn",
    (0.0, 0.0, 1.0): "upside down",
    (0.0, -1.0, 0.0): "laid on its front",
    (0.0, 1.0, 0.0): "laid on its back",
    (-1.0, 0.0, 0.0): "laid on its left side",
    (1.0, 0.0, 0.0): "laid on its right side",
}
_AS_DRAWN = np.array((0.0, 0.0, -1.0))


@dataclass(frozen=True, slots=True)
class Pose:
    """A part with `down` (a unit vector of its drawing) towards the bed. mm, mm².

    `overhang_mm2` is what hangs over by more than 45°, seen from above; `stands` says whether its
    middle of mass lies above what touches the bed.
    """

    down: tuple[float, float, float]
    overhang_mm2: float
    contact_mm2: float
    height_mm: float
    stands: bool
    surface_mm2: float
    diagonal_mm: float

    @property
    def needs_supports(self) -> bool:
        return self.overhang_mm2 > _NEEDS_NONE * self.surface_mm2

    @property
    def cost(self) -> float:
        """What speaks against it, without a unit: shares of the part's own surface and size.

        Overhang counts most (supports cost material and leave scars), then height (time), then
        too little contact and too slender a stand (it comes off the bed).
        """
        slender = self.height_mm / sqrt(max(self.contact_mm2, 1.0))
        return (
            3.0 * self.overhang_mm2 / self.surface_mm2
            + self.height_mm / self.diagonal_mm
            - self.contact_mm2 / self.surface_mm2
            + 0.1 * max(0.0, slender - 3.0)
            + (0.0 if self.stands else 0.5)
        )

    @property
    def words(self) -> str:
        return _AXES.get(self.down, "tilted onto a flat side")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The part as it should lie, and why, in a sentence."""

    triangles: Triangles
    sentence: str


def suggested(
    triangles: Triangles, fits: Callable[[tuple[float, float, float]], bool]
) -> Suggestion | None:
    """The part turned onto the side on which it is printed best; None when no side `fits`.

    `fits` is asked with the box (x, y, z in mm) of a pose.
    """
    possible = [pose for pose in poses(triangles) if fits(_box(laid(triangles, pose)))]
    if not possible:
        return None
    best = min(possible, key=lambda pose: round(pose.cost, 6))
    drawn = possible[0] if possible[0].words == "as drawn" else None
    if drawn is not None and best.cost > drawn.cost - _CLEARLY:
        best = drawn
    return Suggestion(laid(triangles, best), _sentence(best, _measured(triangles, _AS_DRAWN)))


def poses(triangles: Triangles) -> list[Pose]:
    """Every pose that is tried, measured: the drawn one first, then its five other sides."""
    return [_measured(triangles, down) for down in _downs(triangles)]


def laid(triangles: Triangles, pose: Pose) -> Triangles:
    """The part in this pose, its lowest point on z = 0; x and y are where turning leaves them."""
    turned = triangles @ _turning(np.array(pose.down)).T
    turned[..., 2] -= turned[..., 2].min()
    return turned


def _downs(triangles: Triangles) -> Iterator[Vector]:
    axes = [np.array(axis) for axis in _AXES]
    yield from axes
    for normal in _flat_sides(triangles):
        if max(float(normal @ axis) for axis in axes) < _FLAT_COS:
            yield normal


def _flat_sides(triangles: Triangles) -> list[Vector]:
    """Outward normals of the hull's largest flat sides."""
    try:
        hull = ConvexHull(np.unique(triangles.reshape(-1, 3), axis=0))
    except QhullError:
        return []
    corners = hull.points[hull.simplices]
    areas = np.linalg.norm(_cross(corners), axis=1) / 2
    rounded, side = np.unique(hull.equations[:, :3].round(2), axis=0, return_inverse=True)
    area: list[float] = np.bincount(side.reshape(-1), weights=areas).tolist()
    largest = sorted(range(len(rounded)), key=lambda i: (-round(area[i], 3), *rounded[i]))
    exact = [hull.equations[np.argmax(side.reshape(-1) == i), :3] for i in largest[:_MOST_SIDES]]
    return [normal / np.linalg.norm(normal) for normal in exact]


def _measured(triangles: Triangles, down: Vector) -> Pose:
    cross = _cross(triangles)
    double = np.linalg.norm(cross, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        facing = np.where(double > 0, cross @ down / double, 0.0)
    depth = triangles @ down  # of each corner, growing towards the bed
    level = depth.max()
    touching = (depth.min(axis=1) > level - _TOUCH_MM) & (facing > _FLAT_COS)
    hanging = (facing > _OVERHANG_COS) & ~touching
    area = double / 2
    points = triangles.reshape(-1, 3)
    return Pose(
        down=tuple(float(part) + 0.0 for part in down),  # type: ignore[arg-type]
        overhang_mm2=float((area * facing)[hanging].sum()),
        contact_mm2=float(area[touching].sum()),
        height_mm=float(level - depth.min()),
        stands=_stands(triangles, depth, level, down),
        surface_mm2=float(area.sum()),
        diagonal_mm=float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))),
    )


def _stands(triangles: Triangles, depth: NDArray[np.float64], level: float, down: Vector) -> bool:
    """Whether the middle of mass lies above the hull of all that touches the bed."""
    turning = _turning(down)[:2]
    feet = triangles.reshape(-1, 3)[depth.reshape(-1) > level - _TOUCH_MM] @ turning.T
    try:
        foot = ConvexHull(feet)
    except (QhullError, ValueError):  # a point or a line: nothing stands on that
        return False
    middle = turning @ _middle_of_mass(triangles)
    return bool((foot.equations @ np.array((*middle, 1.0)) < 0).all())


def _middle_of_mass(triangles: Triangles) -> Vector:
    """By the divergence theorem: tetrahedra from the mean corner to each triangle."""
    origin = triangles.reshape(-1, 3).mean(axis=0)
    around = triangles - origin
    volumes = np.einsum("ij,ij->i", around[:, 0], np.cross(around[:, 1], around[:, 2]))
    middle: Vector = origin + volumes @ around.sum(axis=1) / 4 / volumes.sum()
    return middle


def _cross(triangles: Triangles) -> NDArray[np.float64]:
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return np.cross(first, second)


def _turning(down: Vector) -> NDArray[np.float64]:
    """The shortest turn that brings `down` to straight down (Rodrigues' formula)."""
    axis, cos = np.cross(down, _AS_DRAWN), float(down @ _AS_DRAWN)
    if cos < -_FLAT_COS:
        return np.diag((1.0, -1.0, -1.0))
    skew = np.array(((0, -axis[2], axis[1]), (axis[2], 0, -axis[0]), (-axis[1], axis[0], 0)))
    turning: NDArray[np.float64] = np.eye(3) + skew + skew @ skew / (1 + cos)
    return turning


def _box(triangles: Triangles) -> tuple[float, float, float]:
    points = triangles.reshape(-1, 3)
    x, y, z = (points.max(axis=0) - points.min(axis=0)).tolist()
    return x, y, z


def _sentence(pose: Pose, drawn: Pose) -> str:
    if pose.words == "as drawn":
        return f"stays as drawn, {_supports(pose)}: no other side is clearly better"
    said = f"{pose.words}: {_supports(pose)}"
    if round(pose.height_mm) != round(drawn.height_mm):
        return f"{said}, {pose.height_mm:.0f} mm high instead of {drawn.height_mm:.0f} mm"
    if drawn.needs_supports and not pose.needs_supports:
        return f"{said}, where as drawn {drawn.overhang_mm2:.0f} mm² hang over"
    return f"{said}, {pose.contact_mm2:.0f} mm² on the bed instead of {drawn.contact_mm2:.0f} mm²"


def _supports(pose: Pose) -> str:
    return f"{pose.overhang_mm2:.0f} mm² hang over" if pose.needs_supports else "needs no supports"
