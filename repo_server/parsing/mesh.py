"""Meshes (STL, 3MF, OBJ): size, volume, whether it is a body that can be made, and how it looks."""

import zipfile
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from commons.errors import MeshInvalid
from repo_server.parsing import picture, printability, unit_guess
from repo_server.parsing.surface import Surface, survey, weld

MAX_FACES = 4_000_000
PREVIEW_FACES = 30_000  # as GLB some 0.55 MB: quick on a phone
_NAMELESS = ("stl", "obj")  # their files name no unit
_MAX_MEMBERS = 5000
_MAX_UNPACKED = 512 * 1024**2
# A real 3MF packs 4:1, a bomb 400:1.
_MAX_RATIO = 100
_STL_HEADER, _STL_FACE = 84, 50
_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")])


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Facts, a GLB of at most PREVIEW_FACES (mm, z up, as in the file) and a PNG.

    Raises MeshInvalid when there is no mesh to speak of. One that has holes has facts, and the
    problem beside them.
    """
    {"stl": _check_stl, "3mf": _check_3mf}.get(kind, _check_nothing)(path)
    mesh = _load(path, kind)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    surface = survey(vertices, faces)
    problem = _problem(surface)
    show(mesh, out)
    facts = _facts(surface, faces=len(mesh.faces), made=problem is None)
    if kind in _NAMELESS:
        facts["unit_guess"] = unit_guess.guess(max(surface.box))
    if problem is None:
        facts["printability"] = asdict(printability.examine(vertices, faces))
    return {"facts": facts, "problem": problem}


def show(mesh: Any, out: Path) -> None:
    """`out` holds the mesh, in mm, as a GLB of at most PREVIEW_FACES and as a PNG."""
    small = _simplified(mesh)
    (out / "preview").write_bytes(_glb(small))
    picture.of_mesh(np.asarray(small.vertices), np.asarray(small.faces)).save(
        out / "thumbnail", "PNG", optimize=True
    )


def _check_nothing(_path: Path) -> None:
    """An OBJ has no size that could lie; memory and time are limited anyway."""


def _check_stl(path: Path) -> None:
    """A binary STL says how many faces it has; one that lies is cut off or something else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
    count = int.from_bytes(head[80:_STL_HEADER], "little") if size >= _STL_HEADER else 0
    if size == _STL_HEADER + _STL_FACE * count and size >= _STL_HEADER:
        _refuse_too_many(count)
    elif not head.lstrip().startswith(b"solid"):
        raise MeshInvalid(
            f"this is not an STL mesh, or only a part of one: {size} bytes do not hold the "
            f"{count} triangles that it announces; export and publish it again"
        )


def _check_3mf(path: Path) -> None:
    """A 3MF is a zip: what it would unpack to is read from its directory first."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise MeshInvalid("this is not a 3MF file, or only a part of one") from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    bomb = unpacked > 10 * 1024**2 and unpacked / packed > _MAX_RATIO
    if len(members) > _MAX_MEMBERS or unpacked > _MAX_UNPACKED or bomb:
        raise MeshInvalid(
            f"this 3MF unpacks to {unpacked // 1024**2} MB in {len(members)} files, more than "
            "is opened here; simplify the mesh"
        )


def _load(path: Path, kind: str) -> Any:
    """The welded mesh in mm. Nothing but this one file is read, whatever it refers to."""
    if kind == "stl" and (corners := _binary_stl(path)) is not None:
        return trimesh.Trimesh(*weld(corners), process=False)
    try:
        with path.open("rb") as file:
            # An OBJ may name things in any encoding; the names are of no interest.
            source = TextIOWrapper(file, errors="replace") if kind == "obj" else file
            mesh = trimesh.load_mesh(source, file_type=kind, resolver=None)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        raise MeshInvalid(
            f"this cannot be read as {kind.upper()}: it is damaged, or not a mesh"
        ) from error
    faces = len(getattr(mesh, "faces", ()))
    if not faces:
        raise MeshInvalid("this mesh is empty: it holds no triangles; export it again")
    _refuse_too_many(faces)
    if mesh.units not in (None, "mm", "millimeter", "millimeters"):
        mesh.convert_units("millimeters")
    return mesh


def _binary_stl(path: Path) -> Any:
    """Corners (n, 3, 3) of the finite triangles; None when it is text or holds no triangle."""
    size = path.stat().st_size
    with path.open("rb") as file:
        count = int.from_bytes(file.read(_STL_HEADER)[80:], "little")
        if count == 0 or size != _STL_HEADER + _STL_FACE * count:
            return None
        faces = np.fromfile(file, dtype=_STL_RECORD, count=count)
    corners = faces["corners"]
    finite = corners[np.isfinite(corners).all(axis=(1, 2))]
    return finite if len(finite) else None


def _refuse_too_many(faces: int) -> None:
    if faces > MAX_FACES:
        raise MeshInvalid(f"this mesh has {faces} triangles; simplify it to {MAX_FACES} or fewer")


def _problem(surface: Surface) -> str | None:
    """Why no machine can make it as it is, None when one can."""
    if surface.open_edges:
        return (
            f"this mesh is open at {surface.open_edges} edges, so it has no inside; close its "
            "holes and publish it again"
        )
    if surface.crowded_edges:
        return "this mesh has edges where more than two faces meet; separate its bodies"
    if surface.turned_edges:
        return "some faces of this mesh are turned inside out; unify its normals"
    if surface.volume <= 0:
        return "this mesh is inside out or flat: its volume is not above zero; flip its normals"
    return None


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


def _simplified(mesh: Any) -> Any:
    if len(mesh.faces) <= PREVIEW_FACES:
        return mesh
    return mesh.simplify_quadric_decimation(face_count=PREVIEW_FACES)


def _glb(mesh: Any) -> bytes:
    """Corners and faces only, whatever the designer's file carried besides."""
    plain = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    data: Any = plain.export(file_type="glb", include_normals=False)
    return bytes(data)
