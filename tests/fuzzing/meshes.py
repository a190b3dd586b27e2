"""Meshes, as the server and as a lab reads them. Where bytes alone get nowhere (a zip, lengths),
what is inside is given."""

import json
import struct
from pathlib import Path

from fab_agent.slicing.mesh import body_of
from repo_server.parsing import mesh as meshes
from tests import mesh_files
from tests.fuzzing.parsers import Reader, file
from tests.fuzzing.target import Target

_NUL = b"\0"  # stands in no XML, no JSON and no name
_PART = '<component objectid="7" p:path="/3D/part.model" transform="0 1 0 -1 0 0 0 0 1 5 0 0"/>'
# Models of a package, a NUL between: the second is the part that the production extension places.
MODELS = (
    mesh_files.model(*mesh_files.TWO).encode(),
    _NUL.join(
        (
            mesh_files.model(mesh_files.thing(1, f"<components>{_PART}</components>")).encode(),
            mesh_files.model(mesh_files.thing(7), build="").encode(),
        )
    ),
)
CONSTELLATION = (
    '<constellation id="2"><instance objectid="1"><deltax>5</deltax><rz>90</rz></instance>'
    "</constellation>"
)


def mesh(kind: str) -> Reader:
    """The reader of this kind of mesh, and whether it is a body."""

    def read(data: bytes, folder: Path) -> None:
        _, surface = meshes.measured(file(data, folder), kind)
        meshes.problem_of(surface)
        json.dumps([surface.area, surface.volume, *surface.box], allow_nan=False)

    return read


def package(data: bytes, folder: Path) -> None:
    """The 3MF of these models."""
    root, *more = data.split(_NUL)
    parts = [("3D/part.model", part) for part in more[:1]]
    mesh("3mf")(mesh_files.package(root, *parts), folder)


def glb(data: bytes, folder: Path) -> None:
    """The GLB of this description and, behind a NUL, these numbers: its lengths are right."""
    described, _, numbers = data.partition(_NUL)
    mesh("glb")(mesh_files.glb(described, numbers), folder)


def undressed_glb(data: bytes) -> bytes:
    """What `glb` makes this file of."""
    length = struct.unpack_from("<I", data, 12)[0]
    return data[20 : 20 + length].rstrip() + _NUL + data[28 + length :]


def binary_ply() -> bytes:
    head = mesh_files.ply().partition(b"end_header\n")[0].replace(b"ascii", b"binary_little_endian")
    corners = b"".join(struct.pack("<3f", *corner) for corner in mesh_files.CORNERS)
    faces = b"".join(struct.pack("<B3i", 3, *face) for face in mesh_files.FACES)
    return head + b"end_header\n" + corners + faces


def plain_obj() -> bytes:
    corners = "".join(f"v {x} {y} {z}\n" for x, y, z in mesh_files.CORNERS)
    faces = "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in mesh_files.FACES)
    return (corners + faces).encode()


def lab_mesh(data: bytes, folder: Path) -> None:
    """A mesh as a lab's agent reads it before it slices it."""
    body_of(data, "part.stl", scale=1.0, max_faces=100_000)


def _mesh(kind: str, *good: bytes) -> Target:
    return Target(mesh(kind), good)


TARGETS = {
    "stl": lambda: _mesh("stl", mesh_files.stl(), mesh_files.stl_text()),
    "3mf": lambda: _mesh("3mf", mesh_files.package(mesh_files.model(*mesh_files.TWO))),
    "3mf-model": lambda: Target(package, MODELS),
    "obj": lambda: _mesh("obj", mesh_files.obj()),
    "ply": lambda: _mesh("ply", mesh_files.ply(), binary_ply()),
    "glb": lambda: Target(glb, (undressed_glb(mesh_files.glb_box()),)),
    "amf": lambda: _mesh("amf", mesh_files.amf(), mesh_files.amf(more=CONSTELLATION)),
    "lab-mesh": lambda: Target(lab_mesh, (mesh_files.stl(), mesh_files.stl_text(), plain_obj())),
}
