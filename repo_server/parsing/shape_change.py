"""What is different between two meshes, as they lie: how much, how far, where; and how it looks."""

from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing import SHAPE_CHANGE, glb
from repo_server.parsing.deviation import MORE_CELLS, Cells, Target, cut, places_of, reach_of
from repo_server.parsing.mesh import measured, problem_of
from repo_server.parsing.preview import PREVIEW_FACES
from repo_server.parsing.surface import Surface
from repo_server.parsing.triangles import Triangles

Array = NDArray[Any]
Place = tuple[float, float, float]

MOST_FACES = 300_000  # of each
SAME_MM = 0.05  # nearer than that no machine of a lab tells them apart
MOST_PLACES = 6
_APART = 0.12  # of the part's diagonal: places that are told are at least so far from each other
_MEASURED_CELLS = MORE_CELLS
_SHOWN_CELLS = 24_000
# Okabe and Ito's blue and orange, which everybody tells apart, beside a grey; linear, as in glTF.
_COLOURS = np.array([[130, 130, 130, 255], [0, 43, 114, 255], [203, 91, 0, 255]], dtype=np.uint8)
_SAME, _ADDED, _REMOVED = range(3)


@dataclass(frozen=True, slots=True)
class Change:
    """How far one surface lies outside of the other: at least `least_mm`, at most `most_mm`.
    `places` are x, y, z, and how far that place is, the farthest first, all in mm."""

    least_mm: float
    most_mm: float
    places: tuple[tuple[float, float, float, float], ...]


def inspect(path: Path, kind: str, out: Path, other: Path) -> dict[str, Any]:
    """`out` holds a coloured GLB of the `other` mesh, with what is gone of the first; the facts
    tell how they differ. Nothing is moved to fit: both are compared as they lie."""
    before_kind, _, after_kind = kind.partition("+")
    (old, old_surface), (new, new_surface) = (
        _mesh(path, before_kind),
        _mesh(other, after_kind),
    )
    old_cells, new_cells = (cut(it.vertices, it.faces, more=_MEASURED_CELLS) for it in (old, new))
    to_old, to_new = Target(old_cells), Target(new_cells)
    added, removed = _change(new_cells, to_old), _change(old_cells, to_new)
    (out / SHAPE_CHANGE.file).write_bytes(_picture(old, new, to_old, to_new))
    facts = {
        "before": _measures(old_surface),
        "after": _measures(new_surface),
        "added": asdict(added),
        "removed": asdict(removed),
        "spacing_mm": round(max(old_cells.longest, new_cells.longest) / sqrt(3), 4),
    }
    return {"facts": facts}


def _mesh(path: Path, kind: str) -> tuple[Triangles, Surface]:
    mesh, surface = measured(path, kind)
    if len(mesh.faces) > MOST_FACES:
        raise MeshInvalid(
            f"one of these meshes has {len(mesh.faces)} triangles; compared are such of "
            f"{MOST_FACES} or fewer"
        )
    return mesh, surface


def _measures(surface: Surface) -> dict[str, object]:
    """A mesh that bounds no body has no volume."""
    sound = problem_of(surface) is None
    return {
        "volume_mm3": round(surface.volume, 3) if sound else None,
        "area_mm2": round(surface.area, 3),
        "box_mm": [round(edge, 4) for edge in surface.box],
    }


def _change(of: Cells, to: Target) -> Change:
    places = places_of(of)
    found = to.measure(places, matters=SAME_MM)
    some = found.outside & (found.most > SAME_MM)
    reach = reach_of(places[some], found.most[some], of, to)
    apart = _APART * float(np.linalg.norm(np.ptp(places, axis=0)))
    told = _farthest(places[some], found.most[some], apart)
    return Change(reach.least_mm, reach.most_mm, told)


def _farthest(
    places: Array, far: Array, apart: float
) -> tuple[tuple[float, float, float, float], ...]:
    """MOST_PLACES places, the farthest first, none nearer to another than `apart` mm."""
    told: list[tuple[float, float, float, float]] = []
    left = np.ones(len(places), dtype=bool)
    while left.any() and len(told) < MOST_PLACES:
        top = int(np.where(left, far, -1.0).argmax())
        x, y, z = places[top].round(2).tolist()
        told.append((x, y, z, round(float(far[top]), 2)))
        left &= np.linalg.norm(places - places[top], axis=1) > apart
    return tuple(told)


def _picture(old: Triangles, new: Triangles, to_old: Target, to_new: Target) -> bytes:
    """The new mesh, what was added to it in one colour; in another where something was taken
    away, with the faces that are gone."""
    shown, gone = _few(new), _few(old)
    points, faces = shown.points, shown.corners
    found = to_old.measure(points, matters=SAME_MM)
    label = np.where(found.most <= SAME_MM, _SAME, np.where(found.outside, _ADDED, _REMOVED))
    lost = to_new.measure(gone.points[gone.corners].mean(axis=1), matters=SAME_MM)
    ghost = gone.corners[(lost.most > SAME_MM) & lost.outside]
    return glb.written(
        np.vstack([points, gone.points]),
        np.concatenate([faces, ghost + len(points)]),
        _COLOURS[np.r_[label, np.full(len(gone.points), _REMOVED)]],
    )


def _few(mesh: Triangles) -> Cells:
    """The mesh in enough faces to be coloured, and few enough to be sent."""
    vertices, faces = mesh.vertices, mesh.faces
    if len(faces) > PREVIEW_FACES:
        vertices, faces = fast_simplification.simplify(
            vertices.astype(np.float32), faces.astype(np.int32), target_count=PREVIEW_FACES
        )
    return cut(vertices, faces, more=max(0, _SHOWN_CELLS - len(faces)))
