"""What opens strangers' meshes; it runs in limited children only.

Nothing but triangles passes: a 3MF's settings, scripts, colours and names end here.
"""

import io
import zlib
from typing import IO

import numpy as np
from numpy.typing import NDArray

from commons import threemf
from commons.errors import MeshInvalid
from commons.plates import SMALLEST_MM
from commons.solids import SAME_PLACE_DECIMALS, Fault, fault_of
from fab_agent.slicing.plate import CleanRequest, MeshFacts
from fab_agent.slicing.stl import binary_stl, closes, is_binary_stl, read_binary_stl

_MAX_ZIP_ENTRIES = 10_000
_MAX_ZIP_BYTES = 256 * 1024**2  # two million triangles in XML take half of it
_MAX_ZIP_RATIO = 100
Triangles = NDArray[np.float64]  # (n, 3 corners, 3 coordinates) mm
_AT_ONCE = 1 << 14  # triangles that stay in a processor's cache


def clean(data: bytes, request: CleanRequest) -> tuple[bytes, MeshFacts]:
    """A binary STL of the body in `data`, and its measures; MeshInvalid if it is none."""
    triangles = body_of(data, request.name, scale=request.scale, max_faces=request.max_faces)
    turned = _fit(extent(triangles), request)
    if turned:
        triangles = triangles[..., [1, 0, 2]] * (-1, 1, 1)
    low, high = bounds(triangles)
    triangles -= (*((low + high) / 2)[:2], low[2])
    facts = MeshFacts(
        volume_mm3=volume_mm3(triangles),
        size_mm=extent(triangles),
        faces=len(triangles),
        turned=turned,
    )
    return binary_stl(triangles), facts


def body_of(data: bytes, name: str, *, scale: float, max_faces: int) -> Triangles:
    """The scaled triangles of the closed body in `data`, as drawn; MeshInvalid if it is none."""
    triangles = _sound_stl(data, name, max_faces)
    if triangles is None:
        corners, faces = _load(data, name, max_faces)
        triangles = corners[_require_closed(corners, faces, name)]
    _require_solid(triangles, name)
    triangles *= scale
    if max(size := extent(triangles)) < SMALLEST_MM:
        advice = "choose a larger scale" if scale < 1 else "was it drawn in metres? Export it in mm"
        raise MeshInvalid(f"{name}: is {size_text(size)}, too small to print: {advice}")
    return triangles


def volume_mm3(triangles: Triangles) -> float:
    """Signed volume by the divergence theorem; positive when the triangles face outwards."""
    low, high = bounds(triangles)
    middle = (low + high) / 2  # keeps the sum's terms small
    volume = 0.0
    for at in range(0, len(triangles), _AT_ONCE):
        x, y, z = np.ascontiguousarray((triangles[at : at + _AT_ONCE] - middle).T)
        volume += float(
            (
                x[0] * (y[1] * z[2] - z[1] * y[2])
                + y[0] * (z[1] * x[2] - x[1] * z[2])
                + z[0] * (x[1] * y[2] - y[1] * x[2])
            ).sum()
        )
    return volume / 6


def _sound_stl(data: bytes, name: str, max_faces: int) -> Triangles | None:
    """The triangles of a binary STL whose surface closes as it is; None needs a closer look."""
    if not is_binary_stl(data):
        return None
    _require_few(int.from_bytes(data[80:84], "little"), name, max_faces)
    triangles = read_binary_stl(data)
    return triangles.astype(np.float64) if len(triangles) and closes(triangles) else None


def _load(data: bytes, name: str, max_faces: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners (n, 3) in mm and faces (m, 3) as indices of them, equal corners merged."""
    kind = _kind(data, name, max_faces)
    if kind == "3mf":
        return _load_3mf(data, name, max_faces)
    import trimesh  # half a second: most parts are binary STL and do without

    try:
        mesh = trimesh.load_scene(io.BytesIO(data), file_type=kind).to_mesh()
    except (ImportError, MemoryError):  # neither is the file's fault: the parent says so
        raise
    except Exception as broken:
        raise _damaged(name, kind, broken) from broken
    if len(mesh.faces) == 0:
        raise MeshInvalid(f"{name}: holds no triangles: export the body again")
    _require_few(len(mesh.faces), name, max_faces)
    corners = np.asarray(mesh.vertices)
    if corners.ndim != 2 or corners.shape[1] != 3 or not np.isfinite(corners).all():
        raise MeshInvalid(f"{name}: has a corner that is nowhere: export it again")
    return corners, np.asarray(mesh.faces)


def _damaged(name: str, kind: str, broken: Exception) -> MeshInvalid:
    return MeshInvalid(
        f"{name}: is damaged and cannot be read as {kind.upper()} "
        f"({type(broken).__name__}): export it again"
    )


def _load_3mf(
    data: bytes, name: str, max_faces: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        by_name = {info.filename.casefold(): info for info in archive.infolist()}

        def part(path: str) -> IO[bytes] | None:
            info = by_name.get(path.casefold())
            return None if info is None else archive.open(info)

        try:
            meshes = threemf.read(part, most_faces=max_faces)
        except MeshInvalid as refused:
            raise MeshInvalid(f"{name}: {refused}") from refused
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as broken:
            raise _damaged(name, "3mf", broken) from broken
    if not meshes:
        raise MeshInvalid(f"{name}: holds no triangles: export the body again")
    corners, faces, before = [], [], 0
    for mesh in meshes:
        points = np.frombuffer(mesh.vertices, dtype=np.float64).reshape(-1, 3)
        matrix = np.array(mesh.matrix, dtype=np.float64).reshape(4, 3)
        own = np.frombuffer(mesh.faces, dtype=np.int32).reshape(-1, 3) + np.int64(before)
        corners.append(points @ matrix[:3] + matrix[3])
        faces.append(own[:, ::-1] if mesh.mirrored else own)
        before += len(points)
    return np.concatenate(corners), np.concatenate(faces)


def _kind(data: bytes, name: str, max_faces: int) -> str:
    """The format by content; the name is never trusted."""
    if not data.strip():
        raise MeshInvalid(f"{name}: is empty: upload it again")
    if data.startswith(b"PK\x03\x04"):
        _require_small_zip(data, name)
        return "3mf"
    if is_binary_stl(data):
        _require_few(int.from_bytes(data[80:84], "little"), name, max_faces)
        return "stl"
    head = data[:4096]
    if head.lstrip().startswith(b"solid") and (b"facet" in head or b"endsolid" in head):
        return "stl"
    if b"\nv " in b"\n" + data[: 1024**2] and b"\nf " in data:
        return "obj"
    if name.lower().endswith(".stl"):
        raise MeshInvalid(f"{name}: is cut short or is no STL at all: export it again")
    raise MeshInvalid(f"{name}: is not a mesh: export the part as STL, 3MF or OBJ")


def _require_few(faces: int, name: str, max_faces: int) -> None:
    if faces > max_faces:
        raise MeshInvalid(f"{name}: has {faces} triangles, more than {max_faces}: simplify it")


def _require_small_zip(data: bytes, name: str) -> None:
    import zipfile  # with all its ways of packing; an STL does without

    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as broken:
        raise MeshInvalid(f"{name}: is a damaged 3MF: export it again") from broken
    size = sum(entry.file_size for entry in entries)
    if len(entries) > _MAX_ZIP_ENTRIES or size > min(_MAX_ZIP_BYTES, _MAX_ZIP_RATIO * len(data)):
        raise MeshInvalid(
            f"{name}: unpacks to {size // 2**20} MB in {len(entries)} parts: simplify it"
        )
    methods = {entry.compress_type for entry in entries}
    # Others become gigabytes before their bytes are counted.
    if not methods <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise MeshInvalid(f"{name}: is packed by a method that no 3MF may have: export it again")
    if not any(entry.filename.lower().endswith(".model") for entry in entries):
        raise MeshInvalid(f"{name}: is a zip file without a 3MF model: export it again")


def _require_closed(
    corners: NDArray[np.float64], faces: NDArray[np.int64], name: str
) -> NDArray[np.int64]:
    """The faces, with corners merged as far as needed to close the body."""
    holes, twisted = edge_faults(faces)
    if holes or twisted:
        # Some programs write one corner with slightly different numbers: a micrometre is one.
        _, first, same = np.unique(
            corners.round(SAME_PLACE_DECIMALS), axis=0, return_index=True, return_inverse=True
        )
        faces = first[same.reshape(-1)][faces]
        holes, twisted = edge_faults(faces)
    if holes:
        place = ", ".join(
            f"{axis} {at:.4g}" for axis, at in zip("xyz", _open_place(corners, faces), strict=True)
        )
        raise MeshInvalid(
            f"{name}: is not closed, {holes} edges are open, one of them at {place} mm of the "
            "drawing: close its holes"
        )
    if twisted:
        raise MeshInvalid(
            f"{name}: its triangles face different ways along {twisted} edges: unify its normals"
        )
    return faces


def _require_solid(triangles: Triangles, name: str) -> None:
    """The triangles enclose something, and face away from it."""
    fault = fault_of(
        open_edges=0,
        turned_edges=0,
        volume_mm3=volume_mm3(triangles),
        box_mm3=float(np.prod(extent(triangles))),
    )
    if fault is Fault.INSIDE_OUT:
        raise MeshInvalid(f"{name}: is inside out: flip its normals")
    if fault is Fault.FLAT:
        raise MeshInvalid(f"{name}: is flat, it encloses no volume: give it a thickness")


def edge_faults(faces: NDArray[np.int64]) -> tuple[int, int]:
    """How many edges are open, and how many lie between triangles that face different ways.

    A surface bounds a body exactly if each edge is walked as often in one direction as in the
    other. So bodies that touch along an edge are sound, though four triangles meet there.
    """
    _, odd, balance = _edges(faces)
    return int(odd.sum()), int(((balance != 0) & ~odd).sum())


def _edges(
    faces: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Each edge once: its ends, whether it is open, and how much oftener it is walked one way."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    low, high = edges.min(axis=1), edges.max(axis=1)
    packed, edge, uses = np.unique(low << 32 | high, return_inverse=True, return_counts=True)
    ways = np.sign(edges[:, 1] - edges[:, 0])
    balance = np.bincount(edge, weights=ways).astype(np.float64)
    odd: NDArray[np.bool_] = uses % 2 == 1
    odd[edge[low == high]] = False  # a triangle without area has an edge of length zero
    return np.column_stack((packed >> 32, packed & 0xFFFFFFFF)), odd, balance


def _open_place(corners: NDArray[np.float64], faces: NDArray[np.int64]) -> list[float]:
    """The middle of the first open edge, where it was drawn."""
    ends, odd, _ = _edges(faces)
    place: list[float] = (corners[ends[odd][0]].mean(axis=0) + 0.0).tolist()
    return place


def _fit(size: tuple[float, float, float], request: CleanRequest) -> bool:
    """Whether the part must be turned by 90° to fit; MeshInvalid if it fits neither way."""
    x, y, z = size
    room_x, room_y, room_z = request.room_mm
    if z <= room_z and x <= room_x and y <= room_y:
        return False
    if z <= room_z and x <= room_y and y <= room_x:
        return True
    raise MeshInvalid(
        f"{request.name}: is {size_text(size)} and this machine has room for "
        f"{size_text(request.room_mm)}: choose a larger machine or a smaller scale"
    )


def size_text(size: tuple[float, float, float]) -> str:
    """The size in words."""
    return " x ".join(f"{edge:.4g}" for edge in size) + " mm"


def bounds(triangles: Triangles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest x, y, z. In long rows: a thousand corners are compared at once."""
    numbers = triangles.reshape(-1)
    rest = len(numbers) % (3 * 1024)
    rows, left = numbers[: len(numbers) - rest].reshape(-1, 3 * 1024), numbers[-rest:]
    ends = [rows.min(axis=0), rows.max(axis=0)] if len(rows) else []
    points = np.concatenate([*ends, left if rest else numbers[:0]]).reshape(-1, 3)
    return points.min(axis=0), points.max(axis=0)


def extent(triangles: Triangles) -> tuple[float, float, float]:
    """Edge lengths (x, y, z) of the box around the triangles, mm."""
    low, high = bounds(triangles)
    x, y, z = (high - low).tolist()
    return x, y, z
