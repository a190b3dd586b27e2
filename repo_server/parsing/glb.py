"""GLB (glTF 2.0 in one file): the triangles of its scene, turned to mm and z upwards; and ours."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing.triangles import DAMAGED, Triangles, refuse_too_many

_MOST_JSON = 16 * 1024**2
_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_TRIANGLES, _FLOAT, _UINT, _BYTE = 4, 5126, 5125, 5121
_MM_PER_M = 1000
_DAMAGED = "this cannot be read as GLB: it is damaged, or not a mesh"


def read(path: Path) -> Triangles:
    """glTF measures in metres with y upwards. Raises MeshInvalid for what other files would be
    needed for, for packed meshes, and for more triangles than are taken."""
    _check(_header(path), path.stat().st_size)
    import trimesh  # takes a second: only the files that need it wait

    try:
        with path.open("rb") as file, np.errstate(all="ignore"):
            scene: Any = trimesh.load_scene(file, file_type="glb", resolver=None, process=False)
            mesh = scene.to_mesh()
            faces = np.asarray(mesh.faces)
            vertices = np.asarray(mesh.vertices, dtype=np.float64)[:, [0, 2, 1]]
    except DAMAGED as error:
        raise MeshInvalid(_DAMAGED) from error
    refuse_too_many(len(faces))
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise MeshInvalid("this GLB has a face with a corner that it does not hold")
    if not np.isfinite(vertices).all():
        raise MeshInvalid("this GLB has a corner that is nowhere: its numbers are not finite")
    return Triangles(vertices * (_MM_PER_M, -_MM_PER_M, _MM_PER_M), faces)


def _header(path: Path) -> dict[str, Any]:
    """The description that stands before the numbers."""
    with path.open("rb") as file:
        head = file.read(20)
        if len(head) < 20:
            raise MeshInvalid(_DAMAGED)
        magic, version, length, size, kind = struct.unpack("<5I", head)
        fits = length == path.stat().st_size and size <= min(length, _MOST_JSON)
        if magic != _MAGIC or version != 2 or kind != _JSON_CHUNK or not fits:
            raise MeshInvalid(_DAMAGED)
        try:
            described = json.loads(file.read(size))
        except (ValueError, RecursionError) as error:
            raise MeshInvalid(_DAMAGED) from error
    if not isinstance(described, dict):
        raise MeshInvalid(_DAMAGED)
    return described


def _check(described: dict[str, Any], size: int) -> None:
    """Nothing outside of the file is needed, nothing is counted that it cannot hold, and what
    the nodes place was counted."""
    try:
        needed = described.get("extensionsRequired", [])
        if needed:
            raise MeshInvalid(f"this GLB needs {str(needed[0])[:60]!r}, which is not read here")
        if any("uri" in buffer for buffer in described.get("buffers", [])):
            raise MeshInvalid("this GLB refers to another file; export it as one")
        for accessor in described.get("accessors", []):
            if "bufferView" not in accessor or "sparse" in accessor or accessor["count"] > size:
                raise MeshInvalid("this GLB announces more than it holds")
        _check_nodes(described.get("nodes", []))
        refuse_too_many(_placed_faces(described))
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise MeshInvalid(_DAMAGED) from error


def _check_nodes(nodes: list[dict[str, Any]]) -> None:
    """Each node hangs below one other at most, and none below itself: trees, as glTF has it."""
    above: dict[int, int] = {}
    for number, node in enumerate(nodes):
        for child in node.get("children", []):
            if child in above or nodes[child] is node:
                raise MeshInvalid("this GLB has a node at two places of its scene")
            above[child] = number
    deepest = 200
    for number in range(len(nodes)):
        steps, at = 0, number
        while at in above and steps <= deepest:
            steps, at = steps + 1, above[at]
        if steps > deepest:
            raise MeshInvalid("this GLB has a node that contains itself, or is nested too deep")


def _placed_faces(described: dict[str, Any]) -> int:
    accessors = described.get("accessors", [])
    faces = []
    for mesh in described.get("meshes", []):
        corners = 0
        for primitive in mesh["primitives"]:
            if primitive.get("mode", _TRIANGLES) == _TRIANGLES:
                of = primitive.get("indices", primitive["attributes"]["POSITION"])
                corners += int(accessors[of]["count"])
        faces.append(corners // 3)
    return sum(faces[node["mesh"]] for node in described.get("nodes", []) if "mesh" in node)


def written(
    vertices: NDArray[Any], faces: NDArray[Any], colours: NDArray[Any] | None = None
) -> bytes:
    """A GLB of these vertices (v, 3) and faces (n, 3) and nothing else, as they stand; `colours`
    (v, 4) are bytes, red, green, blue and opaque, linear as glTF has them."""
    points = np.ascontiguousarray(vertices, dtype="<f4")
    corners = np.ascontiguousarray(faces, dtype="<u4")
    accessors = [
        {"componentType": _FLOAT, "count": len(points), "type": "VEC3"}
        | {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()},
        {"componentType": _UINT, "count": corners.size, "type": "SCALAR"},
    ]
    attributes, blocks = {"POSITION": 0}, [points.tobytes(), corners.tobytes()]
    if colours is not None:
        attributes["COLOR_0"] = 2
        blocks.append(np.ascontiguousarray(colours, dtype=np.uint8).tobytes())
        accessors.append(
            {"componentType": _BYTE, "normalized": True, "count": len(points), "type": "VEC4"}
        )
    described = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 1}]}],
        "buffers": [{"byteLength": sum(map(len, blocks))}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": sum(map(len, blocks[:at])), "byteLength": len(block)}
            for at, block in enumerate(blocks)
        ],
        "accessors": [{"bufferView": at, **it} for at, it in enumerate(accessors)],
    }
    return _packed(described, b"".join(blocks))


def _packed(described: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        (
            struct.pack("<3I", _MAGIC, 2, length),
            struct.pack("<2I", len(text), _JSON_CHUNK), text,
            struct.pack("<2I", len(binary), _BINARY_CHUNK), binary,
        )
    )  # fmt: skip
