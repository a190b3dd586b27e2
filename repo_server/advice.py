"""What to do about an order that no machine of a lab can make, or that will hardly come in time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons.machine import Process
from commons.matching import Answer, MachineOffer, Refusal
from commons.texts import Filled, filled
from repo_server import forecasts
from repo_server.db import look
from repo_server.matches import Buildable
from repo_server.tables import BuildOrderRow, MaterialLotRow

# Made once: every order asks it.
_LOTS = (
    columns(col(MaterialLotRow.id))
    .where(
        col(MaterialLotRow.lab_id) == bindparam("lab_id"),
        col(MaterialLotRow.material) == bindparam("material"),
    )
    .limit(1)
)


def against(
    answers: Sequence[Answer], offers: Sequence[MachineOffer], process: Process, material: str
) -> str:
    """What would help where these machines refuse; empty when nothing of it is known to."""
    pairs = list(zip(answers, offers, strict=True))
    if small := [it for answer, it in pairs if answer.refusal is Refusal.SIZE]:
        return _larger(small)
    of_process = [it for it in offers if it.profile.process is process]
    taken = sorted({name for it in of_process for name in it.profile.materials})
    if taken and material and material not in taken:
        return filled(
            "no machine here takes %(material)s: choose one of %(taken)s, or another lab",
            material=material,
            taken=", ".join(taken),
        )
    return ""


def _larger(offers: Iterable[MachineOffer]) -> Filled:
    def volume(it: MachineOffer) -> float:
        x, y, z = it.profile.envelope.size_mm
        return x * y * z

    largest = max(offers, key=volume)
    x, y, z = largest.profile.envelope.size_mm
    return filled(
        "the largest room here is %(x)s × %(y)s × %(z)s mm, of %(machine)s: order it smaller, cut "
        "the part in pieces, or look for a lab with a larger machine",
        x=f"{x:.0f}",
        y=f"{y:.0f}",
        z=f"{z:.0f}",
        machine=largest.name,
    )


def remarks(
    session: Session, order: BuildOrderRow, build: Buildable, plate: int, *, now: datetime
) -> tuple[Filled, ...]:
    """What whoever ordered should know at once: these are forecasts, and nothing is refused."""
    said = (_too_soon(session, order, build, plate, now), _nowhere(session, order))
    return tuple(it for it in said if it is not None)


def _too_soon(
    session: Session, order: BuildOrderRow, build: Buildable, plate: int, now: datetime
) -> Filled | None:
    if order.deadline is None:
        return None
    key = (order.id, plate)
    known = forecasts.minutes_of(session, order.lab_id, {order.id: order}, {order.id: build}, [key])
    minutes = known[key]
    begins = max(now, order.not_before) if order.not_before else now
    if minutes is None or begins + timedelta(minutes=minutes) <= order.deadline:
        return None
    return filled(
        "it takes about %(hours)s h by our estimate, longer than is left: it will hardly be ready "
        "by then, and is made as soon as may be",
        hours=f"{minutes / 60:.1f}",
    )


def _nowhere(session: Session, order: BuildOrderRow) -> Filled | None:
    if not order.material:  # a program that somebody brought: whatever is loaded
        return None
    if look(session, _LOTS, lab_id=order.lab_id, material=order.material).first() is not None:
        return None
    return filled(
        "the lab has no %(material)s on its shelf: it waits until somebody brings some",
        material=order.material,
    )
