"""What a GLB's scene places: each of its meshes at each of its places, with name and colour."""

import json
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repo_server.parsing.triangles import Colour, Piece, Triangles, plain

_OURS = "mesh"  # under which the reader is told a mesh's number

Array = NDArray[Any]
Described = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placing:
    """A mesh at one place: its vertices (v, 3), finite or not, and faces (n, 3), as they stand in
    the file, and the `place` (4, 4) that brings them to the scene. `shape` is the same for meshes
    of the same numbers."""

    name: str
    shape: int
    colour: Colour | None
    place: Array
    vertices: Array
    faces: Array


def placings(data: bytes, described: Described) -> Iterator[Placing]:
    """Every mesh with triangles, as often as the scene of this GLB shows it.

    `described` is its JSON. Raises what trimesh raises for damaged ones.
    """
    import trimesh  # takes a second: only the files that need it wait

    meshes = described.get("meshes", [])
    for number, mesh in enumerate(meshes):
        mesh["extras"] = {_OURS: number}
    file = BytesIO(_with_json(data, described))
    scene: Any = trimesh.load_scene(
        file, file_type="glb", resolver=None, process=False, skip_materials=True
    )
    shapes: dict[object, int] = {}
    for frame, geometries in _frames(scene):
        mesh = meshes[geometries[0].metadata[_OURS]]
        place = scene.graph[frame][0]
        yield Placing(
            name=plain(str(mesh.get("name", ""))),
            shape=shapes.setdefault((_numbers(mesh), _mirrors(place)), len(shapes)),
            colour=_colour(mesh, described),
            place=place,
            **_joined(geometries),
        )


def together(placings: Iterable[Placing], axes: Array) -> Triangles:
    """All of them as one, each a piece; `axes` (4, 4) turns the scene's axes and unit to ours."""
    vertices, faces, pieces, before, first = [], [], [], 0, 0
    for it in placings:
        place = axes @ it.place
        vertices.append(it.vertices @ place[:3, :3].T + place[:3, 3])
        faces.append((it.faces[:, ::-1] if _mirrors(place) else it.faces) + before)
        end = first + len(it.faces)
        pieces.append(Piece(it.name, first, end, it.shape, place, it.colour))
        before, first = before + len(it.vertices), end
    return Triangles(np.concatenate(vertices), np.concatenate(faces), tuple(pieces))


def _frames(scene: Any) -> Iterator[tuple[str, list[Any]]]:
    """Where the scene shows something, and what. A mesh of several materials, which trimesh hangs
    below its node in pieces, is one thing."""
    materials = Counter(it.metadata[_OURS] for it in scene.geometry.values())
    found: dict[str, list[Any]] = {}
    for node in scene.graph.nodes_geometry:
        geometry = scene.geometry[scene.graph[node][1]]
        if len(getattr(geometry, "faces", ())):
            whole = materials[geometry.metadata[_OURS]] == 1
            frame = node if whole else scene.graph.transforms.parents[node]
            found.setdefault(frame, []).append(geometry)
    yield from found.items()


def _joined(geometries: list[Any]) -> dict[str, Array]:
    vertices, faces, before = [], [], 0
    for geometry in geometries:
        vertices.append(np.asarray(geometry.vertices))
        faces.append(np.asarray(geometry.faces) + before)
        before += len(geometry.vertices)
    return {"vertices": np.concatenate(vertices), "faces": np.concatenate(faces)}


def _with_json(data: bytes, described: Described) -> bytes:
    """The GLB with another description before its numbers."""
    magic, version, _, size, kind = struct.unpack("<5I", data[:20])
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    head = struct.pack("<5I", magic, version, 20 + len(text) + len(rest), len(text), kind)
    return head + text + rest


def _numbers(mesh: Described) -> tuple[object, ...]:
    """What a mesh is made of: many programs write one for each place, all of the same numbers."""
    return tuple((it["attributes"]["POSITION"], it.get("indices")) for it in mesh["primitives"])


def _mirrors(place: Array) -> bool:
    return bool(np.linalg.det(place[:3, :3]) < 0)


def _colour(mesh: Described, described: Described) -> Colour | None:
    """The colour of most of its faces; None without one, and of a painted picture."""
    accessors, materials = described["accessors"], described.get("materials", [])
    most = max(
        mesh["primitives"],
        key=lambda it: accessors[it.get("indices", it["attributes"]["POSITION"])]["count"],
    )
    if "material" not in most:
        return None
    surface = materials[most["material"]].get("pbrMetallicRoughness", {})
    if "baseColorTexture" in surface or "baseColorFactor" not in surface:
        return None
    red, green, blue = (min(1.0, max(0.0, float(it))) for it in surface["baseColorFactor"][:3])
    return red, green, blue
