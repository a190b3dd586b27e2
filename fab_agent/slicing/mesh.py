"""The child that opens strangers' meshes: `python -m fab_agent.slicing.mesh REQUEST`.

It runs in the sandbox only, reads /in/mesh, writes /out/clean.stl and /out/answer.json. Nothing
but triangles passes: a 3MF's settings, scripts, colours and names end here.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from fab_agent.slicing.cleaning import CleanAnswer, CleanRequest, MeshFacts

_MM = {"micron": 0.001, "millimeter": 1, "centimeter": 10, "inch": 25.4, "foot": 304.8}
_MM |= {"millimeters": 1, "meter": 1000}  # 3MF core specification 1.3, section 3.4
_MAX_ZIP_ENTRIES = 10_000
_MAX_ZIP_BYTES = 256 * 1024**2  # two million triangles in XML take half of it
_MAX_ZIP_RATIO = 100
_SMALLEST_MM = 1.0  # a part whose largest side is below this was drawn in metres or inches
_FLAT = 1e-6  # share of its box that a body fills at least
Triangles = NDArray[np.float64]  # (n, 3 corners, 3 coordinates) mm

_STL_HEAD, _STL_FACE = 84, 50


def main() -> None:
    """Write the answer to the request in `sys.argv`."""
    request = CleanRequest.model_validate_json(sys.argv[1])
    try:
        stl, facts = clean(Path("/in/mesh").read_bytes(), request)
        Path("/out/clean.stl").write_bytes(stl)
        answer = CleanAnswer(facts=facts)
    except MeshInvalid as refused:
        answer = CleanAnswer(refused=str(refused))
    Path("/out/answer.json").write_text(answer.model_dump_json())


def clean(data: bytes, request: CleanRequest) -> tuple[bytes, MeshFacts]:
    """A binary STL of the body in `data`, and its measures; MeshInvalid if it is none."""
    corners, faces = _load(data, request)
    faces = _require_closed(corners, faces, request.name)
    triangles = corners[faces] * request.scale
    turned = _fit(_extent(triangles), request)
    if turned:
        triangles = triangles[..., [1, 0, 2]] * (-1, 1, 1)
    low, high = _bounds(triangles)
    triangles -= (*((low + high) / 2)[:2], low[2])
    facts = MeshFacts(
        volume_mm3=volume_mm3(triangles),
        size_mm=_extent(triangles),
        faces=len(faces),
        turned=turned,
    )
    return binary_stl(triangles), facts


def binary_stl(triangles: Triangles) -> bytes:
    """`triangles` as an STL with an empty header; readers compute the normals themselves."""
    rows = np.zeros(
        len(triangles), dtype=[("normal", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")]
    )
    rows["at"] = triangles
    return bytes(80) + len(triangles).to_bytes(4, "little") + rows.tobytes()


def volume_mm3(triangles: Triangles) -> float:
    """Signed volume by the divergence theorem; positive when the triangles face outwards."""
    around = triangles - triangles.reshape(-1, 3).mean(axis=0)  # keeps the sum's terms small
    a, b, c = around[:, 0], around[:, 1], around[:, 2]
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _load(data: bytes, request: CleanRequest) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners (n, 3) in mm and faces (m, 3) as indices of them, equal corners merged."""
    kind = _kind(data, request)
    try:
        scene = trimesh.load_scene(io.BytesIO(data), file_type=kind)
        mesh = scene.to_mesh()
        unit_mm = _MM[str(scene.units)] if kind == "3mf" else 1
    except (ImportError, MemoryError):  # neither is the file's fault: the parent says so
        raise
    except Exception as broken:
        raise MeshInvalid(
            f"{request.name}: is damaged and cannot be read as {kind.upper()} "
            f"({type(broken).__name__}): export it again"
        ) from broken
    if len(mesh.faces) == 0:
        raise MeshInvalid(f"{request.name}: holds no triangles: export the body again")
    _require_few(len(mesh.faces), request)
    return np.asarray(mesh.vertices) * unit_mm, np.asarray(mesh.faces)


def _kind(data: bytes, request: CleanRequest) -> str:
    """The format by content; the name is never trusted."""
    name = request.name
    if not data.strip():
        raise MeshInvalid(f"{name}: is empty: upload it again")
    if data.startswith(b"PK\x03\x04"):
        _require_small_zip(data, name)
        return "3mf"
    faces = int.from_bytes(data[80:84], "little")
    if len(data) == _STL_HEAD + _STL_FACE * faces:
        _require_few(faces, request)
        return "stl"
    head = data[:4096]
    if head.lstrip().startswith(b"solid") and (b"facet" in head or b"endsolid" in head):
        return "stl"
    if b"\nv " in b"\n" + data[: 1024**2] and b"\nf " in data:
        return "obj"
    if name.lower().endswith(".stl"):
        raise MeshInvalid(f"{name}: is cut short or is no STL at all: export it again")
    raise MeshInvalid(f"{name}: is not a mesh: export the part as STL, 3MF or OBJ")


def _require_few(faces: int, request: CleanRequest) -> None:
    if faces > request.max_faces:
        raise MeshInvalid(
            f"{request.name}: has {faces} triangles, more than {request.max_faces}: simplify it"
        )


def _require_small_zip(data: bytes, name: str) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile as broken:
        raise MeshInvalid(f"{name}: is a damaged 3MF: export it again") from broken
    size = sum(entry.file_size for entry in entries)
    if len(entries) > _MAX_ZIP_ENTRIES or size > min(_MAX_ZIP_BYTES, _MAX_ZIP_RATIO * len(data)):
        raise MeshInvalid(
            f"{name}: unpacks to {size // 2**20} MB in {len(entries)} parts: simplify it"
        )
    if not any(entry.filename.lower().endswith(".model") for entry in entries):
        raise MeshInvalid(f"{name}: is a zip file without a 3MF model: export it again")


def _require_closed(
    corners: NDArray[np.float64], faces: NDArray[np.int64], name: str
) -> NDArray[np.int64]:
    """The faces, with corners merged as far as needed to close the body."""
    holes, twisted = edge_faults(faces)
    if holes or twisted:
        # Some programs write one corner with slightly different numbers: a micrometre is one.
        _, first, same = np.unique(corners.round(3), axis=0, return_index=True, return_inverse=True)
        faces = first[same.reshape(-1)][faces]
        holes, twisted = edge_faults(faces)
    if holes:
        raise MeshInvalid(f"{name}: is not closed, {holes} edges are open: close its holes")
    if twisted:
        raise MeshInvalid(
            f"{name}: its triangles face different ways along {twisted} edges: unify its normals"
        )
    volume, box = volume_mm3(corners[faces]), np.prod(_extent(corners[faces]))
    if volume < -_FLAT * box:
        raise MeshInvalid(f"{name}: is inside out: flip its normals")
    if volume <= _FLAT * box:
        raise MeshInvalid(f"{name}: is flat, it encloses no volume: give it a thickness")
    return faces


def edge_faults(faces: NDArray[np.int64]) -> tuple[int, int]:
    """How many edges are open, and how many lie between triangles that face different ways.

    A surface bounds a body exactly if each edge is walked as often in one direction as in the
    other. So bodies that touch along an edge are sound, though four triangles meet there.
    """
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    low, high = edges.min(axis=1), edges.max(axis=1)
    _, edge, uses = np.unique(low << 32 | high, return_inverse=True, return_counts=True)
    balance = np.bincount(edge, weights=np.sign(edges[:, 1] - edges[:, 0]))
    odd = uses % 2 == 1
    odd[edge[low == high]] = False  # a triangle without area has an edge of length zero
    return int(odd.sum()), int(((balance != 0) & ~odd).sum())


def _fit(size: tuple[float, float, float], request: CleanRequest) -> bool:
    """Whether the part must be turned by 90° to fit; MeshInvalid if it fits neither way."""
    x, y, z = size
    if max(size) < _SMALLEST_MM:
        raise MeshInvalid(
            f"{request.name}: is {_text(size)}, too small to print: was it drawn in metres? "
            "Export it in millimetres"
        )
    room_x, room_y, room_z = request.room_mm
    if z <= room_z and x <= room_x and y <= room_y:
        return False
    if z <= room_z and x <= room_y and y <= room_x:
        return True
    raise MeshInvalid(
        f"{request.name}: is {_text(size)} and this machine has room for "
        f"{_text(request.room_mm)}: choose a larger machine or a smaller scale"
    )


def _text(size: tuple[float, float, float]) -> str:
    return " x ".join(f"{edge:.4g}" for edge in size) + " mm"


def _bounds(triangles: Triangles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = triangles.reshape(-1, 3)
    return points.min(axis=0), points.max(axis=0)


def _extent(triangles: Triangles) -> tuple[float, float, float]:
    low, high = _bounds(triangles)
    x, y, z = (high - low).tolist()
    return x, y, z


if __name__ == "__main__":
    main()
