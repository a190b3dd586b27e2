"""Closed surfaces become solids: what is inside out is turned, what overlaps becomes one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from manifold3d import Error, Manifold, Mesh64, OpType
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing.seams import patches_of, seams_of

Array = NDArray[Any]

# Along no edge and no face of what people draw.
_WAY = np.array([0.3713906763541037, 0.5570860145311556, 0.7427813527082074])
_NO_BODY = (
    "it cannot be told what is inside of this mesh and what is outside: its faces cross each other "
    "where they should meet; mend it in the program that it was drawn with"
)


@dataclass(frozen=True, slots=True)
class United:
    """`turned` counts the bodies that were inside out."""

    vertices: Array
    faces: Array
    turned: int


@dataclass(frozen=True, slots=True)
class _Body:
    vertices: Array
    faces: Array
    volume: float

    def turned(self) -> "_Body":
        return _Body(self.vertices, self.faces[:, ::-1], -self.volume)

    def holds(self, other: "_Body") -> bool:
        """Whether a corner of the other, and so all of it unless they cross, lies within."""
        point = other.vertices[0]
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        if (point < low).any() or (point > high).any():
            return False
        return _crossings(self.vertices[self.faces], point) % 2 == 1


def unite(vertices: Array, faces: Array) -> United:
    """The solids that a closed surface bounds, those that overlap made one; cavities stay.

    Raises MeshInvalid when some of it bounds no solid.
    """
    bodies = _bodies(vertices, faces)
    solids = [it for it in bodies if it.volume > 0]
    cavities: dict[int, list[_Body]] = {}
    turned = 0
    for body in (it for it in bodies if it.volume <= 0):
        around = [i for i, it in enumerate(solids) if it.volume > -body.volume and it.holds(body)]
        if around:
            cavities.setdefault(min(around, key=lambda i: solids[i].volume), []).append(body)
        else:
            solids.append(body.turned())
            turned += 1
    if len(solids) == 1:  # nothing to unite: every corner stays where it is
        parts = [*solids, *cavities.get(0, [])]
        counts = np.cumsum([0] + [len(it.vertices) for it in parts])
        together = [it.faces + at for it, at in zip(parts, counts, strict=False)]
        return United(np.vstack([it.vertices for it in parts]), np.concatenate(together), turned)
    made = []
    for number, solid in enumerate(solids):
        hollow = [_manifold(it.turned()) for it in cavities.get(number, [])]
        made.append(_manifold(solid) - Manifold.batch_boolean(hollow, OpType.Add)
                    if hollow else _manifold(solid))  # fmt: skip
    mesh = Manifold.batch_boolean(made, OpType.Add).to_mesh64()
    return United(
        np.asarray(mesh.vert_properties)[:, :3],
        np.asarray(mesh.tri_verts, dtype=np.int64),
        turned,
    )


def _bodies(vertices: Array, faces: Array) -> list[_Body]:
    """Patches that are closed by themselves, and the rest as one."""
    patch = patches_of(seams_of(faces), len(faces))
    order = np.argsort(patch, kind="stable")
    groups = np.split(faces[order], np.cumsum(np.bincount(patch))[:-1])
    closed = [it for it in groups if not seams_of(it).net.any()]
    rest = [it for it in groups if seams_of(it).net.any()]
    if rest:
        closed.append(np.concatenate(rest))
    return [_body(vertices, it) for it in closed]


def _body(vertices: Array, faces: Array) -> _Body:
    used, own = np.unique(faces, return_inverse=True)
    points, own = vertices[used], own.reshape(-1, 3)
    corners = points[own] - points.mean(axis=0)
    volume = float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)
    return _Body(points, own, volume)


def _manifold(body: _Body) -> Manifold:
    mesh = Mesh64(
        vert_properties=np.ascontiguousarray(body.vertices, dtype=np.float64),
        tri_verts=np.ascontiguousarray(body.faces, dtype=np.uint64),
    )
    made = Manifold(mesh)
    if made.status() != Error.NoError:
        raise MeshInvalid(_NO_BODY)
    return made


def _crossings(corners: Array, point: Array) -> int:
    """How many of the triangles (n, 3, 3) a ray from the point goes through."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(_WAY, other)
    size = np.einsum("ij,ij->i", one, across)
    with np.errstate(all="ignore"):
        start = point - corners[:, 0]
        u = np.einsum("ij,ij->i", start, across) / size
        along = np.cross(start, one)
        v = along @ _WAY / size
        far = np.einsum("ij,ij->i", other, along) / size
        return int(((u >= 0) & (v >= 0) & (u + v <= 1) & (far > 0)).sum())
