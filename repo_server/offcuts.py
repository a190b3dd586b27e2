"""What is left of a sheet, kept as stock: suggested by its program, said by a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from commons import lots as stock
from commons.errors import FieldProblem, InvalidInput
from commons.flows import Measure
from commons.machine import MATERIALS, Process
from commons.texts import filled
from commons.wire import Asked, ProgramFacts
from repo_server import lot_loading, lots
from repo_server.attempts import RAN
from repo_server.ids import new_id
from repo_server.lot_events import Act, note, note_stock
from repo_server.lot_mass import keep_left, left_of
from repo_server.tables import AttemptRow, MaterialLotRow

_Edge = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]


class NewOffcut(Asked):
    """A rectangle that is left of a sheet, its width along what was the sheet's X. Without a name
    it has the sheet's, and its size. `sheet_stays`: there is more of the sheet than this."""

    width_mm: _Edge
    depth_mm: _Edge
    name: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    sheet_stays: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a program that was cut out of a sheet leaves whole of it, mm."""

    attempt_id: str
    width_mm: float
    depth_mm: float


def suggested(session: Session, lot: MaterialLotRow) -> list[Suggestion]:
    """The largest rectangles that the latest program leaves of the sheet, the largest first.

    None where nobody has said how large the sheet is: then the program took it to reach as far as
    the machine does.
    """
    if lot.sheet_mm is None:
        return []
    latest = (
        select(AttemptRow)
        .where(AttemptRow.lot_id == lot.id, col(AttemptRow.outcome).in_(RAN))
        .order_by(col(AttemptRow.ended_at).desc())
        .limit(1)
    )
    attempt = session.exec(latest).first()
    if attempt is None or attempt.program is None:
        return []
    program = ProgramFacts.model_validate(attempt.program)
    return [Suggestion(attempt.id, *size) for size in program.offcuts_mm or ()]


def keep(
    session: Session, sheet_id: str, wanted: NewOffcut, *, lab_id: str, by: str, now: datetime
) -> MaterialLotRow:
    """The offcut is a lot of its own, of the sheet's kind and origin, and offered for what fits.

    The sheet is used up, unless it stays: off its machine, and archived. InvalidInput for what is
    no sheet, and for an offcut larger than it; Conflict while a machine holds a job on it.
    """
    sheet = lots.kept(session, sheet_id, lab_id=lab_id)
    _require_part_of(sheet, wanted)
    left = _mass(sheet, wanted)
    before = left_of(sheet)
    offcut = _offcut(sheet, wanted, now)
    keep_left(offcut, left)
    session.add(offcut)
    session.flush()
    if left is None:
        note(session, offcut, Act.CUT, by=by, now=now)
    else:
        note_stock(session, offcut, Act.CUT, None, left, by=by, now=now)
    if not wanted.sheet_stays:
        lot_loading.take_off(session, sheet.id, lab_id=lab_id, by=by, now=now)
        lots.archive(session, sheet, by=by, now=now)
    elif before is not None and left is not None:
        rest = stock.after_use(before, left)
        if rest is not None:
            keep_left(sheet, rest)
            note_stock(session, sheet, Act.CUT, before, rest, by=by, now=now)
    return offcut


def _require_part_of(sheet: MaterialLotRow, wanted: NewOffcut) -> None:
    if MATERIALS[sheet.material].process is not Process.CNC:
        raise InvalidInput(filled("%(lot)s is no sheet: nothing is cut off it", lot=sheet.name))
    if sheet.sheet_mm is None:
        return
    for field, edge, most in zip(
        ("width_mm", "depth_mm"), (wanted.width_mm, wanted.depth_mm), sheet.sheet_mm, strict=True
    ):
        if edge > most:
            problem = FieldProblem(
                field,
                filled(
                    "%(edge)s mm is more than the whole sheet has (%(most)s mm)",
                    edge=f"{edge:g}",
                    most=f"{most:g}",
                ),
            )
            raise InvalidInput(str(problem), [problem])


def _mass(sheet: MaterialLotRow, wanted: NewOffcut) -> Measure | None:
    """By its size, where the sheet's thickness is known."""
    if sheet.thickness_mm is None:
        return None
    size = (wanted.width_mm, wanted.depth_mm, sheet.thickness_mm)
    return stock.as_sized(size, MATERIALS[sheet.material].density_g_cm3)


_SAME = {"material", "ring", "evidence", "thickness_mm", "grain", "colour", "colour_hex"}
_SAME |= {"maker", "maker_lot", "lab_id"}


def _offcut(sheet: MaterialLotRow, wanted: NewOffcut, now: datetime) -> MaterialLotRow:
    size = f"{wanted.width_mm:g} × {wanted.depth_mm:g} mm"
    name = wanted.name or f"{sheet.name[: 79 - len(size)]} {size}"
    return MaterialLotRow(
        **sheet.model_dump(include=_SAME),
        id=new_id(),
        name=name,
        tare_g=0.0,
        width_mm=wanted.width_mm,
        depth_mm=wanted.depth_mm,
        parent_id=sheet.id,
        added_at=now,
    )
