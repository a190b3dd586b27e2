"""Pieces that show whether a machine is in order: ordered for one machine, kept at that machine.

They use material and energy like anything else, and the ledger says so; but nothing was produced
for anybody, and no city counts them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from commons.machine import MachineProfile, Process
from commons.wire import Asked, Sha256
from repo_server import designs, orders
from repo_server.attempts import Outcome
from repo_server.order_requests import OrderRequest
from repo_server.orders import PlacedOrder
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    DesignRow,
    JobRow,
    MachineRow,
    PersonRow,
)

# The design in designs/ that was made for this; any other part may be ordered as well.
PIECES = "calibration-pieces"


class NewCalibration(Asked):
    """Which part of which release is made to calibrate a machine. Without `material` it is made of
    what the design names."""

    release_id: Sha256
    part: Annotated[str, Field(min_length=1, max_length=200)]
    material: Annotated[str, Field(max_length=40)] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that can be ordered as a calibration."""

    release_id: str
    part: str
    material: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What came of one: `good` is None while nobody has looked."""

    order_id: str
    part: str
    material: str
    ordered_at: datetime
    state: str
    good: bool | None
    by: str | None
    at: datetime | None


def order(
    session: Session, machine: MachineRow, wanted: NewCalibration, *, by: str, now: datetime
) -> PlacedOrder:
    """The piece is queued for this machine alone; raises as `orders.place` does."""
    asked = OrderRequest.model_validate(wanted.model_dump() | {"machines": (machine.id,)})
    return orders.place(
        session, asked, lab_id=machine.lab_id, by=by, now=now, calibrates=machine.id
    )


def pieces_for(session: Session, machine: MachineRow) -> list[Piece]:
    """What of our own pieces the machine can make; none where nobody has published them here."""
    head = select(DesignRow.head_id).where(DesignRow.slug == PIECES)
    head_id = session.exec(head).first()
    if head_id is None:
        return []
    process = Process(str(machine.profile["process"]))
    takes = MachineProfile.model_validate(machine.profile).materials
    return [
        Piece(head_id, part.name, material)
        for part in designs.show_release(session, head_id).manifest.parts
        if part.process is process
        for material in takes
    ]


def of_machine(session: Session, machine_id: str, *, most: int = 20) -> list[Calibration]:
    """The machine's calibrations, the latest first."""
    rows = session.exec(
        select(BuildOrderRow, JobRow, AttemptRow, PersonRow.name)
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .join(AttemptRow, col(AttemptRow.id) == col(JobRow.attempt_id), isouter=True)
        .join(PersonRow, col(PersonRow.id) == col(AttemptRow.verdict_by), isouter=True)
        .where(BuildOrderRow.calibrates == machine_id)
        .order_by(col(BuildOrderRow.ordered_at).desc(), col(JobRow.id))
        .limit(most)
    )
    return [_told(*row) for row in rows]


def _told(
    order: BuildOrderRow, job: JobRow, attempt: AttemptRow | None, by: str | None
) -> Calibration:
    judged = attempt is not None and attempt.verdict_at is not None
    return Calibration(
        order_id=order.id,
        part=order.part,
        material=order.material,
        ordered_at=order.ordered_at,
        state=job.state,
        good=attempt.outcome == Outcome.DONE if attempt and judged else None,
        by=by if judged else None,
        at=attempt.verdict_at if attempt and judged else None,
    )


def last(session: Session, machine_id: str) -> Calibration | None:
    """When and by whom the machine was last judged to be in order or not; None when never."""
    found = of_machine(session, machine_id)
    return next((it for it in found if it.good is not None), None)
