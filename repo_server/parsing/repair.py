"""A repaired copy of a mesh: a 3MF beside the file, and what is different in it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from commons.errors import MeshInvalid
from repo_server.parsing import REPAIR, threemf
from repo_server.parsing.deviation import Target, cut, reach
from repo_server.parsing.mending import Mended, mend
from repo_server.parsing.mesh import READERS, measured, problem_of
from repo_server.parsing.surface import Surface, survey
from repo_server.parsing.triangles import Triangles

MOST_FACES = 300_000  # as 3MF some 6 MB, and 20 s of a processor


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """`out` holds a 3MF in mm; the facts tell what it and the mesh are, and what was
    done.

    Raises MeshInvalid, and leaves no file, when there is nothing to repair or it cannot be done.
    """
    mesh = READERS[kind](path)
    if len(mesh.faces) > MOST_FACES:
        raise MeshInvalid(
            f"this mesh has {len(mesh.faces)} triangles; repaired are such of {MOST_FACES} or "
            "fewer: simplify it"
        )
    before = survey(mesh.vertices, mesh.faces)
    mended = mend(mesh.vertices, mesh.faces)
    _require_needed(before, mended)
    copy = out / REPAIR.file
    copy.write_bytes(threemf.written(mended.vertices, mended.faces))
    made, after = measured(copy, "3mf")
    if problem := problem_of(after):
        copy.unlink()
        raise MeshInvalid(f"this mesh cannot be repaired here: of what comes out, {problem}")
    return {"facts": _told(mesh, before, made, after, mended)}


def _require_needed(before: Surface, mended: Mended) -> None:
    if problem_of(before) is None and not mended.steps.bodies_united:
        raise MeshInvalid("there is nothing to repair: this mesh bounds a body as it is")


def _told(
    mesh: Triangles, before: Surface, made: Triangles, after: Surface, mended: Mended
) -> dict[str, object]:
    old = cut(mesh.vertices, mesh.faces)
    new = cut(made.vertices, made.faces)
    return {
        "before": _measures(before, faces=len(mesh.faces)),
        "after": _measures(after, faces=len(made.faces)),
        "steps": asdict(mended.steps),
        "places": mended.places,
        "left": asdict(reach(old, Target(new))),
        "added": asdict(reach(new, Target(old))),
    }


def _measures(surface: Surface, *, faces: int) -> dict[str, object]:
    sound = problem_of(surface) is None
    return {
        "faces": faces,
        "open_edges": surface.open_edges,
        "turned_edges": surface.turned_edges,
        "bodies": surface.bodies,
        "volume_mm3": round(surface.volume, 3) if sound else None,
        "area_mm2": round(surface.area, 3),
        "box_mm": [round(edge, 4) for edge in np.array(surface.box).tolist()],
    }
