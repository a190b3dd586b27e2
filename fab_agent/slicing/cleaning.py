"""Designers' meshes become one plate that a slicer may see; what is wrong is said clearly."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commons.errors import MeshInvalid, Unavailable
from commons.plates import PrintArea
from fab_agent.sandbox import Completed, Ending, Limits, run_python

MAX_FACES = 2_000_000  # 1.4 GB in the child; a part of hand size needs a tenth of it
LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=60, wall_s=120, file_bytes=256 * 2**20)
_PLATE = "plate.stl"
_ANSWER = "answer.json"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CleanRequest(_Message):
    """What is asked of one mesh: `name` for sentences, `room_mm` that the part must fit."""

    name: str
    scale: float
    room_mm: tuple[float, float, float]
    max_faces: int = MAX_FACES


class MeshFacts(_Message):
    """A closed, outward-facing mesh after scaling: mm and mm³. `turned` by 90° about Z to fit."""

    volume_mm3: float
    size_mm: tuple[float, float, float]
    faces: int
    turned: bool = False


class PlateItem(_Message):
    """One of the parts on a plate; `name` is for sentences."""

    name: str
    copies: int = Field(default=1, ge=1)


class PlateRequest(_Message):
    """What the child is asked: all copies of all items inside `area`, each with its margin.

    `suggested`: each part may be laid on the side on which it is printed best.
    """

    items: tuple[PlateItem, ...]
    scale: float
    area: PrintArea
    margin_mm: float = 0.0
    suggested: bool = False
    max_faces: int = MAX_FACES


class PlateFacts(MeshFacts):
    """All that lies on the plate: volume of all of it, the box around it. `poses` in words."""

    poses: tuple[str, ...] = ()


class PlateAnswer(_Message):
    """What the child answers: exactly one of the two."""

    facts: PlateFacts | None = None
    refused: str | None = None


def clean_plate(
    meshes: Sequence[Path], request: PlateRequest, *, out_dir: Path
) -> tuple[Path, PlateFacts]:
    """A binary STL in `out_dir` with the triangles of `meshes` (STL, 3MF or OBJ), nothing else.

    All copies stand on z = 0, scaled, where on the bed they are printed.

    Raises:
        MeshInvalid: one is not a closed body of printable size, or there is no room for all;
            the sentence says what to do.
        Unavailable: no sandbox on this computer, or its disk is full.
    """
    child = run_python(
        "fab_agent.slicing.plating",
        [request.model_dump_json()],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={f"mesh{number}": mesh for number, mesh in enumerate(meshes)},
    )
    name = ", ".join(item.name for item in request.items)
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
    return out_dir / _PLATE, facts


def _read_answer(path: Path, child: Completed, name: str) -> PlateFacts:
    try:
        answer = PlateAnswer.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as odd:
        raise MeshInvalid(f"{name}: reading it gave no answer: {child.stderr[-200:]}") from odd
    if answer.facts is None:
        raise MeshInvalid(answer.refused or f"{name}: reading it gave no answer")
    return answer.facts
