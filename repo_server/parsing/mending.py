"""A mesh that is no body, mended step by step; each step counted, so that it can be told."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing.holes import close_holes
from repo_server.parsing.seams import Seams, patches_of, seams_of, turned_faces
from repo_server.parsing.solid_union import unite
from repo_server.parsing.surface import survey
from repo_server.parsing.weld import weld

Array = NDArray[Any]
Place = tuple[float, float, float]

MOST_FILLED = 0.2  # of the surface: what is more open than that is a sheet, and no guess is fair
MOST_PLACES = 60
_COARSEST_DECIMALS = 2  # corners nearer than a hundredth of a millimetre were meant to be one
_MOST_FINS = 200


@dataclass(frozen=True, slots=True)
class Steps:
    """What was done, counted. `filled_mm2` is the area of the faces that close holes."""

    corners_joined: int = 0
    flat: int = 0
    doubled: int = 0
    fins: int = 0
    turned: int = 0
    holes: int = 0
    seams: int = 0
    filled_mm2: float = 0.0
    bodies_turned: int = 0
    bodies_united: int = 0


@dataclass(frozen=True, slots=True)
class Mended:
    """A closed, outward-turned body: vertices (v, 3) mm, faces (n, 3). `places` are the middles
    of the holes that were closed."""

    vertices: Array
    faces: Array
    steps: Steps
    places: tuple[Place, ...]


def mend(vertices: Array, faces: Array) -> Mended:
    """The body that the mesh was meant to be.

    Corners that meet become one, faces without area and such as lie there twice are left out, as
    are fins; neighbours are turned alike, holes closed, bodies that overlap united. Raises
    MeshInvalid when that leads to no body, or would be a guess.
    """
    vertices, faces, joined = _join(vertices, faces)
    faces, flat = _without_flat(faces)
    faces, doubled = _without_doubled(faces)
    faces, fins = _without_fins(vertices, faces)
    _require(len(faces) > 0, "nothing of this mesh encloses anything: all its faces lie doubled")
    turn = turned_faces(faces)
    faces = np.where(turn[:, None], faces[:, ::-1], faces)
    surface = survey(vertices, faces)
    closed = close_holes(vertices, faces)
    filled = _area(closed.vertices[closed.faces])
    _require_closable(filled, surface.area)
    whole = np.concatenate([faces, closed.faces])
    united = unite(closed.vertices, whole)
    steps = Steps(
        corners_joined=joined,
        flat=flat,
        doubled=doubled,
        fins=fins,
        turned=int(turn.sum()),
        holes=len(closed.places),
        seams=closed.seams,
        filled_mm2=round(filled, 3),
        bodies_turned=united.turned,
        bodies_united=max(
            0, _bodies(closed.vertices, whole) - _bodies(united.vertices, united.faces)
        ),
    )
    return Mended(united.vertices, united.faces, steps, _told(closed.places))


def _join(vertices: Array, faces: Array) -> tuple[Array, Array, int]:
    """Corners at the same place are one; farther ones only while that closes edges."""
    best = weld(vertices[faces])
    before, least = len(best[0]), survey(*best).open_edges
    for decimals in range(4, _COARSEST_DECIMALS - 1, -1):
        if least == 0:
            break
        joined = weld(vertices[faces], decimals=decimals)
        open_edges = survey(*joined).open_edges
        if open_edges < least:
            best, least = joined, open_edges
    return best[0], best[1].astype(np.int64), before - len(best[0])


def _without_flat(faces: Array) -> tuple[Array, int]:
    """Without faces that use a corner twice; and how many these were."""
    a, b, c = faces.T
    flat = (a == b) | (b == c) | (c == a)
    return faces[~flat], int(flat.sum())


def _without_doubled(faces: Array) -> tuple[Array, int]:
    """Of faces with the same corners one stays, and none where as many look either way."""
    if not len(faces):
        return faces, 0
    order = np.argsort(faces, axis=1)
    ahead = ((order[:, 1] - order[:, 0]) % 3 == 1).astype(np.int64) * 2 - 1
    _, first, group = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_inverse=True
    )
    net = np.bincount(group.ravel(), weights=ahead)
    turn = np.sign(net) * ahead[first] < 0
    kept = np.where(turn[:, None], faces[first][:, ::-1], faces[first])[net != 0]
    return (kept, len(faces) - len(kept)) if len(kept) < len(faces) else (faces, 0)


def _without_fins(vertices: Array, faces: Array) -> tuple[Array, int]:
    """Without patches that hang at edges of others and close nothing, the smallest first."""
    before = len(faces)
    for _ in range(_MOST_FINS):
        seams = seams_of(faces) if len(faces) else None
        if seams is None or not ((seams.uses > 2) & (seams.uses % 2 == 1)).any():
            break
        patch = patches_of(seams, len(faces))
        areas = np.bincount(patch, weights=_areas(vertices[faces]))
        fins = np.flatnonzero((_opened_without(seams, patch) < 0) & (areas < areas.sum() / 2))
        if not len(fins):
            break
        faces = faces[patch != fins[areas[fins].argmin()]]
    return faces, before - len(faces)


def _opened_without(seams: Seams, patch: Array) -> Array:
    """How many edges more would be open without each patch; 0 for those at no crowded edge."""
    edge = np.repeat(np.arange(len(seams.uses)), seams.uses)
    count = int(patch.max()) + 1
    keys, uses = np.unique(edge * count + patch[seams.face], return_counts=True)
    at, of = keys[uses % 2 == 1] // count, keys[uses % 2 == 1] % count
    change = np.bincount(of, weights=np.where(seams.uses[at] % 2, -1, 1), minlength=count)
    crowded = np.bincount(patch[seams.face[seams.uses[edge] > 2]], minlength=count) > 0
    return np.where(crowded, change, 0)


def _areas(corners: Array) -> Array:
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.linalg.norm(across, axis=1) / 2)


def _area(corners: Array) -> float:
    return float(_areas(corners).sum())


def _bodies(vertices: Array, faces: Array) -> int:
    return survey(vertices, faces).bodies


def _require_closable(filled: float, area: float) -> None:
    share = filled / (area + filled) if area + filled else 1.0
    _require(
        share <= MOST_FILLED,
        f"this mesh is a sheet rather than a body: {share:.0%} of its surface would have to be "
        "guessed; give it a thickness in the program that it was drawn with",
    )


def _told(places: Array) -> tuple[Place, ...]:
    some = places[:: max(1, -(-len(places) // MOST_PLACES))]
    return tuple((round(x, 2), round(y, 2), round(z, 2)) for x, y, z in some.tolist())


def _require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise MeshInvalid(otherwise)
