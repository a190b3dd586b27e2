"""Meshes: size, volume, whether it is a body that can be made, and how it looks."""

from collections.abc import Callable
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from commons.errors import MeshInvalid
from commons.solids import SAME_PLACE_DECIMALS, Fault, fault_of
from repo_server.parsing import amf, glb, obj, ply, preview, printability, stl, threemf, unit_guess
from repo_server.parsing.surface import Surface, survey
from repo_server.parsing.triangles import MAX_FACES, Triangles, counted
from repo_server.parsing.weld import weld

__all__ = ["MAX_FACES", "READERS", "inspect", "measured", "problem_of"]

_MOST_EXAMINED = 2_000_000  # faces that rays are sent against within the child's memory
_FARTHEST_MM = 1e9
_NAMELESS = ("stl", "obj", "ply")  # their files name no unit

READERS: dict[str, Callable[[Path], Triangles]] = {
    "stl": stl.read,
    "3mf": threemf.read,
    "obj": obj.read,
    "ply": ply.read,
    "glb": glb.read,
    "amf": amf.read,
}
_PROBLEMS = {
    Fault.TURNED: "some faces of this mesh are turned inside out; unify its normals",
    Fault.INSIDE_OUT: "this mesh is inside out: its volume is below zero; flip its normals",
    Fault.FLAT: "this mesh is flat: it encloses nothing; give it a thickness",
}


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Facts, a GLB (mm, z up) and a PNG.

    Raises MeshInvalid when there is no mesh to speak of. One that has holes has facts, and the
    problem beside them.
    """
    mesh, surface = measured(path, kind)
    problem = problem_of(surface)
    facts = _facts(surface, faces=len(mesh.faces), made=problem is None)
    shown = preview.show(mesh, out)
    if shown < len(mesh.faces):
        facts["preview_faces"] = shown
    if len(mesh.pieces) > 1:
        facts["parts"] = counted(mesh.pieces)
    if kind in _NAMELESS:
        facts["unit_guess"] = unit_guess.guess(max(surface.box))
    if problem is None and len(mesh.faces) <= _MOST_EXAMINED:
        facts["printability"] = asdict(printability.examine(mesh.vertices, mesh.faces))
    return {"facts": facts, "problem": problem}


def measured(path: Path, kind: str) -> tuple[Triangles, Surface]:
    """The mesh, and its surface. Corners become one as far as the rule of solids lets them."""
    mesh = READERS[kind](path)
    if max(mesh.vertices.max(), -mesh.vertices.min()) > _FARTHEST_MM:
        raise MeshInvalid("this mesh has corners a thousand kilometres away; it is damaged")
    surface = survey(mesh.vertices, mesh.faces)
    if surface.open_edges or surface.turned_edges:
        corners = mesh.vertices[mesh.faces]  # faces keep their order, and so their pieces
        mesh = Triangles(*weld(corners, decimals=SAME_PLACE_DECIMALS), mesh.pieces)
        surface = survey(mesh.vertices, mesh.faces)
    return mesh, surface


def problem_of(surface: Surface) -> str | None:
    """Why no machine can make it as it is, None when one can."""
    fault = fault_of(
        open_edges=surface.open_edges,
        turned_edges=surface.turned_edges,
        volume_mm3=surface.volume,
        box_mm3=prod(surface.box),
    )
    if fault is Fault.OPEN:
        return (
            f"this mesh is open at {surface.open_edges} edges, so it has no inside; close its "
            "holes and publish it again"
        )
    return None if fault is None else _PROBLEMS[fault]


def _facts(surface: Surface, *, faces: int, made: bool) -> dict[str, object]:
    """The volume of a mesh that is not a body is not a number to show."""
    return {
        "faces": faces,
        "box_mm": [round(edge, 4) for edge in surface.box],
        "area_mm2": round(surface.area, 3),
        "volume_mm3": round(surface.volume, 3) if made else None,
        "watertight": made,
        "shells": surface.bodies,
    }
