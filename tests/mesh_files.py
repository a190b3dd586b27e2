"""Meshes for tests and campaigns: good ones in every format, and such as were made to harm."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from repo_server.parsing.glb import written

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="r" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
# A box of 10 by 20 by 30 mm from the origin, its faces outwards.
CORNERS = [(x, y, z) for z in (0, 30) for y in (0, 20) for x in (0, 10)]
FACES = [(0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
         (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5)]  # fmt: skip
TETRAHEDRON = ([(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)],
               [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])  # fmt: skip

Points = Sequence[tuple[float, float, float]]
Indices = Sequence[tuple[int, int, int]]


def mesh_xml(corners: Points = CORNERS, faces: Indices = FACES) -> str:
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in corners)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces)
    return f"<mesh><vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh>"


def model(resources: str, build: str = '<item objectid="1"/>', attributes: str = "") -> str:
    return (
        f'<?xml version="1.0"?><model xmlns="{CORE}" xmlns:p="{PRODUCTION}" {attributes}>'
        f"<resources>{resources}</resources><build>{build}</build></model>"
    )


def thing(number: int = 1, inside: str | None = None, attributes: str = "") -> str:
    inside = mesh_xml() if inside is None else inside
    return f'<object id="{number}" {attributes}>{inside}</object>'


def zipped(parts: Sequence[tuple[str, str | bytes]]) -> bytes:
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # a name that stands twice is one of the attacks
        for name, content in parts:
            archive.writestr(name, content)
    return data.getvalue()


def package(root: str | bytes, *more: tuple[str, str | bytes]) -> bytes:
    """A 3MF whose first model is this text."""
    return zipped([("_rels/.rels", RELATIONS), ("3D/3dmodel.model", root), *more])


def stl(corners: Points = CORNERS, faces: Indices = FACES) -> bytes:
    rows = [struct.pack("<12fH", 0, 0, 0, *corners[a], *corners[b], *corners[c], 0)
            for a, b, c in faces]  # fmt: skip
    return bytes(80) + struct.pack("<I", len(rows)) + b"".join(rows)


def stl_text(corners: Points = CORNERS, faces: Indices = FACES) -> bytes:
    text = "solid box\n"
    for face in faces:
        text += "facet normal 0 0 0\nouter loop\n"
        text += "".join("vertex {} {} {}\n".format(*corners[corner]) for corner in face)
        text += "endloop\nendfacet\n"
    return (text + "endsolid box\n").encode()


def obj() -> bytes:
    text = "mtllib /etc/passwd\n" + "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
    return (text + "".join(f"f {a + 1}//1 {b + 1} {c - 8}\n" for a, b, c in FACES)).encode()


def ply() -> bytes:
    head = "ply\nformat ascii 1.0\nelement vertex 8\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += "element face 12\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [*("{} {} {}".format(*corner) for corner in CORNERS),
            *("3 {} {} {}".format(*face) for face in FACES)]  # fmt: skip
    return (head + "\n".join(rows) + "\n").encode()


def amf(unit: str = "millimeter", more: str = "") -> bytes:
    def numbers(names: Sequence[str], values: Sequence[float]) -> str:
        return "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, values, strict=True))

    vertices = "".join(
        f"<vertex><coordinates>{numbers('xyz', corner)}</coordinates></vertex>"
        for corner in CORNERS
    )
    triangles = "".join(
        f"<triangle>{numbers(('v1', 'v2', 'v3'), face)}</triangle>" for face in FACES
    )
    return (
        f'<?xml version="1.0"?><amf unit="{unit}"><object id="1"><mesh><vertices>{vertices}'
        f"</vertices><volume>{triangles}</volume></mesh></object>{more}</amf>"
    ).encode()


def glb_box() -> bytes:
    """The box in metres with y upwards, as glTF has it."""
    return written(np.array(CORNERS)[:, [0, 2, 1]] * (0.001, 0.001, -0.001), np.array(FACES))


def components(*numbers: int) -> str:
    inside = "".join(f'<component objectid="{number}"/>' for number in numbers)
    return f"<components>{inside}</components>"


# Resources and build of an object that is there twice, turned and moved.
TWO = (
    thing(1) + thing(2, components(1, 1)),
    '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 0"/>',
)


def _cycle() -> bytes:
    return package(model(thing(1, components(2)) + thing(2, components(1))))


def _instances(leaf: str) -> bytes:
    """Thirty objects, each ten of the one before: a one with thirty zeros in six kilobytes."""
    levels = "".join(thing(n, components(*[n - 1] * 10)) for n in range(2, 32))
    return package(model(thing(1, leaf) + levels, '<item objectid="31"/>'))


def _deep() -> bytes:
    chain = "".join(thing(n, components(after)) for after, n in pairwise(range(1, 2000)))
    return package(model(thing(1) + chain, '<item objectid="1999"/>'))


def _bomb() -> bytes:
    return package(model(thing()), ("Metadata/zeros", bytes(64 * 1024**2)))


def _liar() -> bytes:
    """Its directory says that the model has ten bytes: what it unpacks to is not believed."""
    data = package(model(thing(1, mesh_xml(CORNERS * 40_000))))
    at = data.rindex(b"PK\x01\x02")
    return data[: at + 24] + struct.pack("<I", 10) + data[at + 28 :]


def packed_by_bzip2() -> bytes:
    """Its directory says that the model has ten bytes. What bzip2 unpacks is not counted before
    all of it is there: here 16 MB, and it might have been gigabytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("_rels/.rels", RELATIONS)
        archive.writestr("3D/3dmodel.model", bytes(16 * 1024**2), zipfile.ZIP_BZIP2)
    found = data.getvalue()
    at = found.rindex(b"PK\x01\x02")
    return found[: at + 24] + struct.pack("<I", 10) + found[at + 28 :]


def _laughs(body: str) -> str:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {n} "{f"&{p};" * 10}">' for p, n in pairwise("abcdefghij")
    )
    return f'<?xml version="1.0"?><!DOCTYPE x [{entities}]>{body}'


def _external() -> bytes:
    head = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    return package(head + model(thing()).partition("?>")[2])


def glb(described: str | bytes, binary: bytes = b"") -> bytes:
    text = described.encode() if isinstance(described, str) else described
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<2I", len(text), 0x4E4F534A) + text
    if binary:
        chunks += struct.pack("<2I", len(binary), 0x004E4942) + binary
    return struct.pack("<3I", 0x46546C67, 2, 12 + len(chunks)) + chunks


# What is wrong with each is in its name; the second is what its refusal says.
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "components that contain each other.3mf": (_cycle, "contains itself"),
    "instances without end.3mf": (lambda: _instances(mesh_xml()), "places 1"),
    "instances of nothing without end.3mf": (lambda: _instances(""), "places 1"),
    "components two thousand deep.3mf": (_deep, "nested deeper"),
    "bomb.3mf": (_bomb, "is a bomb"),
    "directory that lies.3mf": (_liar, "not a 3MF|no XML"),
    "packed by another method.3mf": (packed_by_bzip2, "by a method that is not read here"),
    "a name twice.3mf": (
        lambda: package(model(thing()), ("3D/3dmodel.model", model(""))), "twice"),
    "a name that leads out.3mf": (
        lambda: package(model(thing()), ("../../evil", b"")), "outside of itself"),
    "laughs.3mf": (lambda: package(_laughs("<model>&j;</model>")), "document type"),
    "laughs.amf": (lambda: _laughs("<amf>&j;</amf>").encode(), "document type"),
    "a file of the server.3mf": (_external, "document type"),
    "an extension that changes the mesh.3mf": (
        lambda: package(model(thing(), attributes='xmlns:b="http://beams" requiredextensions="b"')),
        "needs the extension 'http://beams'"),
    "a corner too many.3mf": (
        lambda: package(model(thing(1, mesh_xml(CORNERS[:5])))), "does not hold"),
    "a corner nowhere.3mf": (
        lambda: package(model(thing(1, mesh_xml([(float("nan"), 0, 0), *CORNERS[1:]])))),
        "nowhere"),
    "a count that lies.stl": (
        lambda: stl()[:80] + b"\xff\xff\xff\xff" + stl()[84:], "only a part"),
    "a count that lies.ply": (
        lambda: ply().replace(b"face 12", b"face 4000000000"), "announces more"),
    "corners that are not there.ply": (lambda: ply().replace(b"3 0 2 3", b"3 0 2 9"), "hold"),
    "corners that are not there.obj": (lambda: b"v 0 0 0\nf 1 2 3\n", "does not hold"),
    "another file.glb": (
        lambda: glb('{"buffers":[{"uri":"../../etc/passwd","byteLength":9}]}'), "another file"),
    "a count that lies.glb": (
        lambda: glb('{"accessors":[{"bufferView":0,"count":4000000000}]}'), "announces more"),
    "nodes that contain each other.glb": (
        lambda: glb('{"nodes":[{"children":[1]},{"children":[0]}]}'), "contains itself"),
    "packed.glb": (lambda: glb('{"extensionsRequired":["KHR_draco"]}'), "KHR_draco"),
    "nested constellations.amf": (
        lambda: amf(more='<constellation id="2"><instance objectid="2"/></constellation>'),
        "that is no mesh"),
}  # fmt: skip
