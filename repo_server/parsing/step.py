"""STEP: solids of any CAD program. OpenCASCADE turns them into triangles, in this child alone:
it crashes on four of ten damaged files, which then cannot be read, and nothing else happens.

Of closed solids a mesh is left that machines can be fed with.
"""

import json
import os
import re
import resource
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from math import ceil, radians
from pathlib import Path
from typing import Any

import cascadio
import numpy as np

from commons.errors import InvalidInput, MeshInvalid
from repo_server.parsing import instances, preview, scene, threemf
from repo_server.parsing.printability import examine
from repo_server.parsing.scene import Placing
from repo_server.parsing.surface import survey
from repo_server.parsing.triangles import MAX_FACES, Triangles, counted
from repo_server.parsing.weld import weld

_MAX_BYTES = 64 * 1024**2
_MOST_PLACED = 5000
# How far the triangles may be off the solid: finer than printers print, and 36 edges to a circle.
_CHORD_MM, _TURN_DEG = 0.05, 10
_MESH_DECIMALS = 5
_MOST_MESH_FACES, _MOST_MESH_BYTES = 1_000_000, 12 * 1024**2
_TO_MM = np.diag([1000.0, 1000.0, 1000.0, 1.0])
_CPU_S, _CPU_S_PER_MB = 2.5, 20.0  # a plate with 45 holes takes 0.3 s
_FILE = ""  # places the assemblies that no other places
_TEXT = re.compile(r"'(?:[^']|'')*'")
_USE = re.compile(r"NEXT_ASSEMBLY_USAGE_OCCURRENCE\s*\(([^;]*);")
_NUMBER = re.compile(r"#(\d+)")


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """The solids' size, volume and part names; a GLB and a PNG as for meshes, and a 3MF of closed
    ones. mm, z up.

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
        made = scene.together(_welded(scene.placings(glb, _described(glb))), _TO_MM)
    except (ValueError, KeyError, IndexError) as error:
        raise InvalidInput("this STEP file holds no solid and no surface") from error
    facts = _facts(made) | {"parts": counted(made.pieces)}
    shown = preview.show(made, out)
    if shown < len(made.faces):
        facts |= {"preview_faces": shown, "preview_of": len(made.faces)}
    if facts["volume_mm3"] is not None:
        facts |= _made_for_machines(made, out)
    return {"facts": facts}


def _made_for_machines(made: Triangles, out: Path) -> dict[str, object]:
    """What a printer would make of it; and `out` holds a 3MF of it, unless that were too large."""
    facts: dict[str, object] = {"printability": asdict(examine(made.vertices, made.faces))}
    if len(made.faces) > _MOST_MESH_FACES:
        return facts
    faces_of, nodes = preview.shared(made, most=_MOST_PLACED)
    vertices = made.vertices.round(_MESH_DECIMALS)
    shapes = [preview.own_corners(vertices, faces) for faces in faces_of]
    package = threemf.written_parts(shapes, nodes)
    if len(package) > _MOST_MESH_BYTES:
        return facts
    (out / "mesh").write_bytes(package)
    return facts | {"mesh": {"chord_mm": _CHORD_MM, "turn_deg": _TURN_DEG}}


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
            data, "step", tol_linear=_CHORD_MM, tol_angular=radians(_TURN_DEG), use_parallel=False
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


def _described(glb: bytes) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])
    return described


def _welded(placings: Iterable[Placing]) -> Iterator[Placing]:
    """Corners become one within a part, never between two: parts that touch stay bodies of their
    own."""
    known: dict[int, tuple[Any, Any]] = {}
    total = 0
    for it in placings:
        if it.shape not in known:
            points, faces = weld(it.vertices.astype(np.float32)[it.faces])
            known[it.shape] = points, _not_flat(faces)
        vertices, faces = known[it.shape]
        total += len(faces)
        if total > MAX_FACES:
            raise MeshInvalid(f"this becomes more than {MAX_FACES} triangles; simplify it")
        yield replace(it, vertices=vertices, faces=faces)


def _not_flat(faces: Any) -> Any:
    """Slivers that welding made lines are no faces."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


def _facts(made: Triangles) -> dict[str, object]:
    surface = survey(made.vertices, made.faces)
    closed = not surface.open_edges and not surface.turned_edges and surface.volume > 0
    return {
        "box_mm": [round(edge, 3) for edge in surface.box],
        "area_mm2": round(surface.area, 2),
        "volume_mm3": round(surface.volume, 2) if closed else None,
        "shells": surface.bodies,
    }
