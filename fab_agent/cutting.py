"""A designer's drawing or mesh becomes milling paths in a sandboxed child."""

from pathlib import Path

from pydantic import ValidationError

from commons.errors import FabError, InvalidInput, ProgramRefused, Unavailable
from commons.machine import MachineProfile
from fab_agent.cam.options import CUT_AS_DRAWN, CutOptions
from fab_agent.cam.request import Kind, MeshKind, MillAnswer, MillRefusal, MillRequest, Way
from fab_agent.cam.stock import Stock
from fab_agent.sandbox import Completed, Ending, Limits, run_python

LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=300, wall_s=600, file_bytes=256 * 2**20)
_PROGRAM = "program.nc"


def cut_drawing(
    drawing: Path,
    *,
    name: str,
    stock: Stock,
    machine: MachineProfile,
    copies: int,
    out_dir: Path,
    options: CutOptions = CUT_AS_DRAWN,
    way: Way = Way.AUTO,
) -> tuple[Path, MillAnswer]:
    """A GRBL program in `out_dir` that cuts `drawing` (DXF, SVG or a mesh, see `Way`) from `stock`.
    What the child claims about its program is only a claim: the caller proves the file.

    Raises:
        InvalidInput: the drawing cannot be read or cut; says where and what to do.
        ProgramRefused: cutter, sheet or machine do not suit it.
        Unavailable: no sandbox on this computer, or its disk is full.
    """
    request = MillRequest(
        kind=_kind_of(name),
        stock=stock,
        profile=machine,
        copies=copies,
        options=options,
        way=way,
        program=f"/out/{_PROGRAM}",
    )
    child = run_python(
        "fab_agent.cam",
        [request.model_dump_json()],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={"drawing": drawing},
    )
    if child.ending is Ending.DISK:
        raise Unavailable(f"the disk of {out_dir} is full: free some space, then try again")
    if child.ending is not Ending.EXITED:
        raise InvalidInput(f"{name}: cutting it {child.why}: simplify the drawing")
    return out_dir / _PROGRAM, _answer(child, name)


def _answer(child: Completed, name: str) -> MillAnswer:
    if child.exit_code:
        raise _refusal(child, name)
    try:
        return MillAnswer.model_validate_json(child.stdout)
    except ValidationError as odd:
        raise InvalidInput(f"{name}: cutting it gave no answer: {child.stdout[:200]}") from odd


def _kind_of(name: str) -> Kind | MeshKind:
    suffix = Path(name).suffix.lower().removeprefix(".")
    if suffix in set(Kind):
        return Kind(suffix)
    if suffix in set(MeshKind):
        return MeshKind(suffix)
    raise InvalidInput(
        f"{name}: is not a drawing that can be milled: export it as DXF or SVG, or as a mesh "
        "(STL, 3MF, OBJ)"
    )


def _refusal(child: Completed, name: str) -> FabError:
    """The child's own error again; what it says is only shown, never obeyed."""
    try:
        refused = MillRefusal.model_validate_json(child.stdout)
    except ValidationError:
        last = child.stderr.strip().splitlines()[-1:] or [child.why]
        return InvalidInput(f"{name}: cutting it failed ({last[0][:200]}): export it again")
    sentence = f"{name}: {refused.message}"
    if refused.rule is not None:
        return ProgramRefused(sentence, rule=refused.rule)
    return Unavailable(sentence) if refused.error == "Unavailable" else InvalidInput(sentence)
