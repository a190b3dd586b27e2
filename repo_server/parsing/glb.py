"""GLB (glTF 2.0 in one file): the triangles of its scene, turned to mm and z upwards; and ours."""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing import scene
from repo_server.parsing.scene import Placing
from repo_server.parsing.triangles import DAMAGED, Colour, Triangles, refuse_too_many

_MOST_JSON = 16 * 1024**2
_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_TRIANGLES, _FLOAT, _UINT, _BYTE = 4, 5126, 5125, 5121
_TO_MM_UPRIGHT = np.array(
    [(1000, 0, 0, 0), (0, 0, -1000, 0), (0, 1000, 0, 0), (0, 0, 0, 1)], dtype=np.float64
)
_DAMAGED = "this cannot be read as GLB: it is damaged, or not a mesh"

Shape = tuple[NDArray[Any], NDArray[Any]]  # vertices (v, 3) and faces (n, 3)


@dataclass(frozen=True, slots=True)
class Node:
    """A shape, by its number, at a place of ours: `matrix` (4, 4) brings it there, None leaves it
    where it is."""

    name: str
    shape: int
    matrix: NDArray[Any] | None = None
    colour: Colour | None = None
    rest: int = 0


def read(path: Path) -> Triangles:
    """glTF measures in metres with y upwards. Raises MeshInvalid for what other files would be
    needed for, for packed meshes, and for more triangles than are taken."""
    described = _header(path)
    _check(described, path.stat().st_size)
    try:
        with np.errstate(all="ignore"):
            placed = scene.placings(path.read_bytes(), described)
            mesh = scene.together(map(_with_its_corners, placed), _TO_MM_UPRIGHT)
    except DAMAGED as error:
        raise MeshInvalid(_DAMAGED) from error
    if not np.isfinite(mesh.vertices).all():
        raise MeshInvalid("this GLB has a corner that is nowhere: its numbers are not finite")
    return mesh


def _with_its_corners(placed: Placing) -> Placing:
    if placed.faces.min() < 0 or placed.faces.max() >= len(placed.vertices):
        raise MeshInvalid("this GLB has a face with a corner that it does not hold")
    return placed


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


def written_parts(shapes: Sequence[Shape], nodes: Sequence[Node]) -> bytes:
    """A GLB of these nodes and nothing else, its numbers as they stand. A shape is held once,
    however many nodes show it, and a mesh for each colour of it."""
    meshes = list(dict.fromkeys((node.shape, node.colour) for node in nodes))
    colours = list(dict.fromkeys(colour for _, colour in meshes if colour is not None))
    points = [np.ascontiguousarray(vertices, dtype="<f4") for vertices, _ in shapes]
    corners = [np.ascontiguousarray(faces, dtype="<u4") for _, faces in shapes]
    binary = b"".join(it.tobytes() for it in (*points, *corners))
    split = sum(it.nbytes for it in points)
    described = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": [_node(node, meshes.index((node.shape, node.colour))) for node in nodes],
        "meshes": [{"primitives": [_primitive(*it, colours)]} for it in meshes],
        "materials": [_material(colour) for colour in colours],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": split},
            {"buffer": 0, "byteOffset": split, "byteLength": len(binary) - split},
        ],
        "accessors": list(_accessors(points, corners)),
    }
    if not colours:
        del described["materials"]  # an empty list is not allowed
    return _packed(described, binary)


def _accessors(
    points: Sequence[NDArray[Any]], corners: Sequence[NDArray[Any]]
) -> Iterator[dict[str, object]]:
    """Of each shape first its vertices, then its faces."""
    vertices_at = faces_at = 0
    for own, faces in zip(points, corners, strict=True):
        box = {"min": own.min(axis=0).tolist(), "max": own.max(axis=0).tolist()}
        yield {"bufferView": 0, "byteOffset": vertices_at, "componentType": _FLOAT,
               "count": len(own), "type": "VEC3"} | box  # fmt: skip
        yield {"bufferView": 1, "byteOffset": faces_at, "componentType": _UINT,
               "count": faces.size, "type": "SCALAR"}  # fmt: skip
        vertices_at += own.nbytes
        faces_at += faces.nbytes


def _node(node: Node, mesh: int) -> dict[str, object]:
    described: dict[str, object] = {"mesh": mesh}
    if node.name:
        described["name"] = node.name
    if node.rest:
        described["extras"] = {"rest": node.rest}
    if node.matrix is not None:
        described["matrix"] = node.matrix.T.ravel().round(9).tolist()
    return described


def _primitive(
    shape: int, colour: Colour | None, colours: Sequence[Colour | None]
) -> dict[str, object]:
    described: dict[str, object] = {"attributes": {"POSITION": 2 * shape}, "indices": 2 * shape + 1}
    return described if colour is None else described | {"material": colours.index(colour)}


def _material(colour: Colour) -> dict[str, object]:
    """It has a name, so that it can be told from what viewers use where there is none."""
    rgba = [round(level, 4) for level in (*colour, 1.0)]
    rough = {"baseColorFactor": rgba, "metallicFactor": 0, "roughnessFactor": 0.7}
    return {"name": "colour", "pbrMetallicRoughness": rough}


def _packed(described: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        (
            struct.pack("<3I", _MAGIC, 2, length),
            struct.pack("<2I", len(text), _JSON_CHUNK), text,
            struct.pack("<2I", len(binary), _BINARY_CHUNK), binary,
        )
    )  # fmt: skip
