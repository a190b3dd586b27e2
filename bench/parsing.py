"""How long a mesh takes from its bytes to its facts, and how much memory, beside its peers.

Every reader is a process of its own that reads the same file; they take turns, and the median of
each counts. Told is CPU time twice: from the bytes to the facts, and of the whole process from its
start to its end. The former Python's readers take themselves once they are loaded; of other
programs it is that of the process less that of one that reads a mesh of four faces. Memory is the
kernel's peak of the whole process. What ours says is checked.

`--quick` leaves out the five million. `make bench-peers` unpacks admesh, which is MISSING without.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.mesh_files import CORE, RELATIONS, zipped

SIZES = {"stl": (10_000, 200_000, 1_000_000, 5_000_000), "3mf": (10_000, 200_000, 1_000_000)}
PEERS = ("trimesh", "prusa-slicer --info", "admesh")
RUNS, RUNS_OF_SMALL, SMALL = 3, 9, 200_000  # up to so many faces it is measured more often
TETRAHEDRON = ([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]],
               [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])  # fmt: skip
PICTURE_FACES = 327_680
ADMESH = Path("var/peers/admesh/usr/bin/admesh")
# Debian's packages put libraries below the name of the processor.
ADMESH_LIBRARIES = f"var/peers/admesh/usr/lib/{platform.machine()}-linux-gnu"
_ROW = np.dtype([("normal", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")])


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: CPU in s from the bytes to the facts and from its start to its end, peak of
    memory in MB, and what it said."""

    cpu_s: float
    whole_s: float
    peak_mb: float
    said: str


def bumpy_rings(faces: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Two closed, bumpy rings beside each other, with `faces` triangles or a few less."""
    side = int((faces / 4) ** 0.5)
    u = np.arange(side)[:, None] / side * 2 * np.pi
    v = np.arange(side)[None] / side * 2 * np.pi
    thick = 10 + 0.4 * np.cos(9 * u) * np.cos(7 * v)
    ring = np.stack(
        [(30 + thick * np.cos(v)) * np.cos(u), (30 + thick * np.cos(v)) * np.sin(u),
         thick * np.sin(v)], axis=-1,
    ).reshape(-1, 3)  # fmt: skip
    at = np.arange(side * side).reshape(side, side)
    right, up = np.roll(at, -1, 0), np.roll(at, -1, 1)
    far = np.roll(right, -1, 1)
    quads = [np.stack(corners, axis=-1) for corners in ((at, right, far), (at, far, up))]
    one = np.stack(quads, axis=2).reshape(-1, 3)
    points = np.concatenate([ring, ring + np.array([100, 0, 0])]).astype(np.float32)
    return points, np.concatenate([one, one + side * side]).astype(np.int32)


def four_faces() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    points, faces = TETRAHEDRON
    return np.array(points, dtype=np.float32), np.array(faces, dtype=np.int32)


def write_stl(path: Path, points: NDArray[np.float32], faces: NDArray[np.int32]) -> None:
    """Binary, as every modeller writes it."""
    rows = np.zeros(len(faces), _ROW)
    rows["at"] = points[faces]
    rows["normal"] = -0.0  # PrusaSlicer takes a file without a byte above 127 for text
    path.write_bytes(bytes(80) + len(faces).to_bytes(4, "little") + rows.tobytes())


def write_3mf(path: Path, points: NDArray[np.float32], faces: NDArray[np.int32]) -> None:
    """One object of one mesh, its numbers as short as say which float32 they are."""
    vertices = "\n".join(
        f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in points.astype(str).tolist()
    )
    triangles = "\n".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces.tolist())
    text = (
        f'<?xml version="1.0"?>\n<model unit="millimeter" xmlns="{CORE}"><resources>'
        f'<object id="1" type="model"><mesh><vertices>{vertices}</vertices>\n<triangles>'
        f'{triangles}</triangles></mesh></object></resources><build><item objectid="1"/></build>'
        "</model>"
    )
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    path.write_bytes(
        zipped(
            [("[Content_Types].xml", types), ("_rels/.rels", RELATIONS), ("3D/3dmodel.model", text)]
        )
    )


def write_apart(kind: str, size: int, path: Path) -> None:
    """The file was written by a process of its own: the kernel reckons the memory of whoever
    starts a process to that process's peak, so this one stays small."""
    command = [sys.executable, "-m", "bench.parsing", "--write", kind, str(size), str(path)]
    subprocess.run(command, check=True)


OURS = """
import sys, time
from pathlib import Path
from repo_server.parsing import mesh
start = time.process_time()
triangles, surface = mesh.measured(Path(sys.argv[1]), sys.argv[2])
print(len(triangles.faces), mesh.problem_of(surface) is None, surface.bodies, surface.volume)
print("cpu", time.process_time() - start)
"""
TRIMESH = """
import sys, time, trimesh, scipy.sparse.csgraph
start = time.process_time()
mesh = trimesh.load_mesh(sys.argv[1], file_type=sys.argv[2])
print(len(mesh.faces), mesh.is_watertight, mesh.body_count, mesh.volume, mesh.area, mesh.bounds)
print("cpu", time.process_time() - start)
"""
RAW = """
import sys, time, numpy as np
start = time.process_time()
rows = np.fromfile(sys.argv[1], np.dtype([("", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")]),
                   offset=84)
points = rows["at"].astype(np.float64)
low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
a, b, c = points[:, 0], points[:, 1], points[:, 2]
across = np.cross(b - a, c - a)
print(len(rows), None, None, (a * across).sum() / 6, np.linalg.norm(across, axis=1).sum() / 2)
print("cpu", time.process_time() - start)
"""


def cost(command: list[str]) -> Cost:
    """What the kernel says of one run of that very process."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {text[-300:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Cost(cpu_s, cpu_s, used.ru_maxrss * 1024 / 1e6, text)


def python(code: str, path: Path, kind: str) -> Cost:
    """A Python process of its own, by what it says that it took."""
    whole = cost([sys.executable, "-c", code, str(path), kind])
    said, _, cpu_s = whole.said.rpartition("cpu ")
    return Cost(float(cpu_s), whole.whole_s, whole.peak_mb, said)


def program(command: list[str], path: Path) -> Cost:
    """Another program; its start is what it takes to read next to nothing."""
    whole = cost([*command, str(path)])
    start = cost([*command, str(path.with_stem("tetrahedron"))])
    return Cost(whole.cpu_s - start.cpu_s, whole.whole_s, whole.peak_mb, whole.said)


def peers(path: Path, kind: str) -> dict[str, Callable[[], Cost] | None]:
    """Who else can tell what is in the file; None for one that is not there."""
    prusa = shutil.which("prusa-slicer")
    found: dict[str, Callable[[], Cost] | None] = {
        "trimesh": lambda: python(TRIMESH, path, kind),
        "prusa-slicer --info": (lambda: program([prusa, "--info"], path)) if prusa else None,
    }
    if kind == "stl":
        admesh = ["env", f"LD_LIBRARY_PATH={ADMESH_LIBRARIES}", str(ADMESH)]
        found["admesh"] = (lambda: program(admesh, path)) if ADMESH.exists() else None
        found["raw numpy, no topology"] = lambda: python(RAW, path, kind)
    return found


def row(kind: str, size: int, path: Path) -> dict[str, Cost | None]:
    """All who read one file; what ours says of it is right."""
    write_apart(kind, size, path)
    faces = 4 * int((size / 4) ** 0.5) ** 2
    readers = peers(path, kind) | {"ours": lambda: python(OURS, path, kind)}
    runs: dict[str, list[Cost]] = {name: [] for name in readers}
    for _ in range(RUNS_OF_SMALL if size <= SMALL else RUNS):
        for name, measure in readers.items():
            runs[name] += [measure()] if measure else []
    costs: dict[str, Cost | None] = {}
    for name, some in runs.items():
        told = sorted(some, key=lambda one: one.cpu_s)[len(some) // 2] if some else None
        _tell(f"{kind} {faces:9,}  {name:24}", told)
        costs[name] = told
    said = runs["ours"][0].said.split()
    if said[:3] != [str(faces), "True", "2"]:
        raise RuntimeError(f"two closed rings of {faces} triangles are told as {said}")
    return costs


def _tell(title: str, cost: Cost | None) -> None:
    text = "MISSING"
    if cost is not None:
        text = f"{cost.cpu_s:8.4f} s {cost.whole_s:8.3f} s whole {cost.peak_mb:6.0f} MB"
    print(title + text, flush=True)


def picture(folder: Path) -> dict[str, float]:
    """The whole child for 327,680 faces: facts, preview and picture, twice, the same bytes."""
    path = folder / "picture.stl"
    write_apart("stl", PICTURE_FACES, path)
    seen, costs = set(), []
    for number in range(2):
        out = folder / f"out{number}"
        out.mkdir()
        command = ["-m", "repo_server.parsing.child", "mesh", "stl", str(path), str(out)]
        costs.append(cost([sys.executable, *command]))
        seen.add((out / "preview").read_bytes() + (out / "thumbnail").read_bytes())
    best = min(costs, key=lambda one: one.cpu_s)
    return {
        "thumbnail_327k_s": round(best.cpu_s, 2),
        "thumbnail_327k_mb": round(best.peak_mb),
        "thumbnail_same_bytes": len(seen) == 1,
        "glb_327k_kb": round((folder / "out0" / "preview").stat().st_size / 1000),
    }


def main(*, quick: bool) -> int:
    """Print every row and the JSON line; 1 when a peer is missing."""
    rows: dict[tuple[str, int], dict[str, Cost | None]] = {}
    with tempfile.TemporaryDirectory() as name:
        for kind, sizes in SIZES.items():
            write_apart(kind, 0, Path(name, f"tetrahedron.{kind}"))
            for size in sizes[: -1 if quick and kind == "stl" else None]:
                rows[kind, size] = row(kind, size, Path(name, f"mesh.{kind}"))
        figures: dict[str, object] = dict(picture(Path(name)))
    ours, raw = (rows["stl", 1_000_000][who] for who in ("ours", "raw numpy, no topology"))
    if ours is not None and raw is not None:
        figures["stl_1m_ratio_to_raw"] = round(ours.cpu_s / raw.cpu_s, 2)
    for (kind, size), costs in rows.items():
        ours = costs["ours"]
        if ours is not None:
            short = f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size // 1000}k"
            figures[f"{kind}_{short}_s"] = round(ours.cpu_s, 4)
            figures[f"{kind}_{short}_whole_s"] = round(ours.whole_s, 3)
            figures[f"{kind}_{short}_peak_mb"] = round(ours.peak_mb)
    missing = sorted({who for costs in rows.values() for who, one in costs.items() if one is None})
    for name, seconds in (("", _of_reading), ("_with_their_start", _of_all)):
        fastest = all(_is_fastest(costs, seconds) for costs in rows.values())
        figures[f"faster_than_all_peers{name}"] = not missing and fastest
    figures["missing"] = missing
    print(json.dumps(figures))
    return int(bool(missing))


def _of_reading(cost: Cost) -> float:
    return cost.cpu_s


def _of_all(cost: Cost) -> float:
    return cost.whole_s


def _is_fastest(costs: dict[str, Cost | None], seconds: Callable[[Cost], float]) -> bool:
    ours = costs["ours"]
    others = [one for name, one in costs.items() if one and name in PEERS]
    return ours is not None and all(seconds(ours) < seconds(one) for one in others)


if __name__ == "__main__":
    if "--write" in sys.argv:
        *_, kind, size, path = sys.argv
        write = {"stl": write_stl, "3mf": write_3mf}[kind]
        write(Path(path), *(bumpy_rings(int(size)) if int(size) else four_faces()))
        sys.exit()
    sys.exit(main(quick="--quick" in sys.argv))
