"""STEP: solids of any CAD program. OpenCASCADE turns them into triangles, in this child alone:
it crashes on four of ten damaged files, which then cannot be read, and nothing else happens."""

import json
import os
import re
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import cascadio
import numpy as np
import trimesh

from commons.errors import InvalidInput, MeshInvalid
from repo_server.parsing import instances, mesh
from repo_server.parsing.surface import survey
from repo_server.parsing.weld import weld

_MAX_BYTES = 64 * 1024**2
_MOST_PLACED = 5000
_CHORD_MM, _TURN_RAD = 0.05, 0.3
_MM_PER_M = 1000.0
_CPU_S, _CPU_S_PER_MB = 2.5, 20.0  # a plate with 45 holes takes 0.3 s
_MOST_NAMES, _MOST_LETTERS = 40, 80
_FILE = ""  # places the assemblies that no other places
_TEXT = re.compile(r"'(?:[^']|'')*'")
_USE = re.compile(r"NEXT_ASSEMBLY_USAGE_OCCURRENCE\s*\(([^;]*);")
_NUMBER = re.compile(r"#(\d+)")


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """The solids' size, volume and part names; a GLB and a PNG as for meshes. mm, z up.

    Raises InvalidInput for what is no STEP file, holds no solid, or places too many.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this STEP file has more than {_MAX_BYTES >> 20} MB; simplify it")
    if not data.lstrip()[:12] == b"ISO-10303-21":
        raise InvalidInput("this is no STEP file: it does not begin with ISO-10303-21")
    placed = _placed(data)
    if placed > _MOST_PLACED:
        raise InvalidInput(f"this assembly places more than {_MOST_PLACED} parts; split it")
    glb = _converted(data)
    try:
        scene: Any = trimesh.load_scene(BytesIO(glb), file_type="glb", resolver=None)
        vertices, faces = _together(scene)
    except (ValueError, KeyError, IndexError) as error:
        raise InvalidInput("this STEP file holds no solid and no surface") from error
    mesh.show(trimesh.Trimesh(vertices, faces, process=False), out)
    return {"facts": _facts(vertices, faces) | {"parts": _parts(glb)}}


def _placed(data: bytes) -> int:
    """How many parts the assemblies place."""
    uses: dict[str, Counter[str]] = {}
    for use in _USE.finditer(_TEXT.sub("", data.decode("latin-1"))):
        if len(pair := _NUMBER.findall(use[1])[:2]) == 2:
            uses.setdefault(pair[0], Counter())[pair[1]] += 1
    used = {name for below in uses.values() for name in below}
    everything = {_FILE: dict.fromkeys(set(uses) - used or uses, 1), **uses}
    return instances.count(_FILE, dict.fromkeys(used - set(uses), 1), everything, most=_MOST_PLACED)


def _converted(data: bytes) -> bytes:
    """The file as GLB in metres, one mesh for each placed part."""
    with _silence(), _cpu_s(_CPU_S + _CPU_S_PER_MB * len(data) / 1e6):
        glb: bytes = cascadio.load(
            data, "step", tol_linear=_CHORD_MM, tol_angular=_TURN_RAD, use_parallel=False
        )
    if not glb:
        raise InvalidInput("this cannot be read as STEP; it is damaged or another kind")
    return glb


@contextmanager
def _cpu_s(most: float) -> Iterator[None]:
    """What takes longer ends this child with SIGXCPU: a few wrong figures in a small file can keep
    OpenCASCADE busy for ever."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    end = ceil(used.ru_utime + used.ru_stime + most)
    if soft != resource.RLIM_INFINITY:
        end = min(end, soft)
    resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextmanager
def _silence() -> Iterator[None]:
    """OpenCASCADE repeats what a stranger wrote; the sandbox must not take that for our words."""
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream, _ in kept:
        os.dup2(nowhere, stream)
    try:
        yield
    finally:
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def _together(scene: Any) -> tuple[Any, Any]:
    """Vertices (v, 3) in mm and faces (n, 3). Corners become one within a part, never between
    two: parts that touch stay bodies of their own."""
    vertices, faces, count, total = [], [], 0, 0
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        shape = scene.geometry[name]
        if not len(getattr(shape, "faces", ())):
            continue
        total += len(shape.faces)
        if total > mesh.MAX_FACES:
            raise MeshInvalid(f"this becomes more than {mesh.MAX_FACES} triangles; simplify it")
        corners = np.asarray(shape.triangles, dtype=np.float32)
        points, own = weld(corners)
        vertices.append(trimesh.transform_points(points, transform) * _MM_PER_M)
        faces.append(_not_flat(own) + count)
        count += len(points)
    if not total:
        raise InvalidInput("this STEP file holds no solid and no surface")
    return np.concatenate(vertices), np.concatenate(faces)


def _not_flat(faces: Any) -> Any:
    """Slivers that welding made lines are no faces."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


def _facts(vertices: Any, faces: Any) -> dict[str, object]:
    surface = survey(vertices, faces)
    closed = not surface.open_edges and not surface.turned_edges and surface.volume > 0
    return {
        "box_mm": [round(edge, 3) for edge in surface.box],
        "area_mm2": round(surface.area, 2),
        "volume_mm3": round(surface.volume, 2) if closed else None,
        "shells": surface.bodies,
    }


def _parts(glb: bytes) -> list[dict[str, object]]:
    """The names that the designer gave, each with how often it is there."""
    length = int.from_bytes(glb[12:16], "little")
    meshes = json.loads(glb[20 : 20 + length])["meshes"]
    names = Counter(_plain(str(it.get("name", ""))) for it in meshes)
    return [{"name": name, "count": count} for name, count in names.most_common(_MOST_NAMES)]


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:_MOST_LETTERS]
