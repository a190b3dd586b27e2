"""Designers' meshes become one plate that a slicer may see; what is wrong is said clearly."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from commons.errors import MeshInvalid, Unavailable
from fab_agent.sandbox import Completed, Ending, Limits, run_python
from fab_agent.slicing.plate import PlateAnswer, PlateFacts, PlateRequest, as_json

LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=60, wall_s=120, file_bytes=256 * 2**20)
_PLATE = "plate.stl"
_ANSWER = "answer.json"


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
        [as_json(request)],
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
        answer = TypeAdapter(PlateAnswer).validate_json(path.read_bytes())
    except (OSError, ValidationError) as odd:
        raise MeshInvalid(f"{name}: reading it gave no answer: {child.stderr[-200:]}") from odd
    if answer.facts is None:
        raise MeshInvalid(answer.refused or f"{name}: reading it gave no answer")
    return answer.facts
