"""A designer's mesh becomes a plain one that a slicer may see; what is wrong is said clearly."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from commons.errors import MeshInvalid, Unavailable
from fab_agent.sandbox import Completed, Ending, Limits, run_python

MAX_FACES = 2_000_000  # 1.4 GB in the child; a part of hand size needs a tenth of it
LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=60, wall_s=120, file_bytes=256 * 2**20)
_CLEAN = "clean.stl"
_ANSWER = "answer.json"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CleanRequest(_Message):
    """What the child is asked: `name` for its sentences, `room_mm` that the part must fit."""

    name: str
    scale: float
    room_mm: tuple[float, float, float]
    max_faces: int = MAX_FACES


class MeshFacts(_Message):
    """A closed, outward-facing mesh after scaling: mm and mm³. `turned` by 90° about Z to fit."""

    volume_mm3: float
    size_mm: tuple[float, float, float]
    faces: int
    turned: bool


class CleanAnswer(_Message):
    """What the child answers: exactly one of the two."""

    facts: MeshFacts | None = None
    refused: str | None = None


def clean_mesh(
    mesh: Path, *, name: str, scale: float, room_mm: tuple[float, float, float], out_dir: Path
) -> tuple[Path, MeshFacts]:
    """A binary STL in `out_dir` with the triangles of `mesh` (STL, 3MF or OBJ) and nothing else.

    It stands on z = 0, centred on x = y = 0, scaled, and turned by 90° if it only fits so.

    Raises:
        MeshInvalid: it is not one closed body of printable size; the sentence says what to do.
        Unavailable: no sandbox on this computer, or its disk is full.
    """
    request = CleanRequest(name=name, scale=scale, room_mm=room_mm)
    child = run_python(
        "fab_agent.slicing.mesh",
        [request.model_dump_json()],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={"mesh": mesh},
    )
    if child.ending is Ending.DISK:
        raise Unavailable(f"the disk of {out_dir} is full: free some space, then try again")
    if "ModuleNotFoundError" in child.stderr or "ImportError" in child.stderr:
        missing = child.stderr.strip().splitlines()[-1]
        raise Unavailable(
            f"meshes cannot be read here ({missing}): install cosmolocal[agent] again"
        )
    if child.exit_code or child.ending is not Ending.EXITED:
        raise MeshInvalid(f"{name}: reading it {child.why}: simplify the mesh and export it again")
    facts = _read_answer(out_dir / _ANSWER, child, name)
    return out_dir / _CLEAN, facts


def _read_answer(path: Path, child: Completed, name: str) -> MeshFacts:
    try:
        answer = CleanAnswer.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as odd:
        raise MeshInvalid(f"{name}: reading it gave no answer: {child.stderr[-200:]}") from odd
    if answer.facts is None:
        raise MeshInvalid(answer.refused or f"{name}: reading it gave no answer")
    return answer.facts
