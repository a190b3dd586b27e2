"""What a job's turn goes by, in columns of its own row: so a lab's line is read by an index."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from commons import tooling, turn
from commons.machine import MachineProfile, Process
from commons.turn import Claim
from commons.wire import MillOptions, PrintOptions
from repo_server.matches import Buildable
from repo_server.tables import BuildOrderRow, JobRow

# What a job has of the one that it was put beside; the material is its own wherever it stands.
_LENT = ("urgent", "begin_by", "claimant", "set_up")
_SURFACE, _PLATE = "surface", "plate"
_CARVED = {_SURFACE: True, _PLATE: False}
_NONE = timedelta()


def of_order(
    order: BuildOrderRow, build: Buildable, *, since: datetime, minutes: float | None = None
) -> dict[str, Any]:
    """The columns of a new job of the order, which waits since then and takes so long, as far as
    that is known."""
    takes = timedelta(minutes=minutes or 0.0)
    return {
        "material": order.material,
        "urgent": order.urgent_because is not None,
        "begin_by": turn.begin_by(since, order.deadline, takes=takes),
        "claimant": order.ordered_by,
        "set_up": _set_up(order, build),
    }


def _set_up(order: BuildOrderRow, build: Buildable) -> str:
    if build.process is not Process.CNC:
        return ""
    printing = PrintOptions.model_validate(order.options)
    milling = MillOptions.model_validate(order.options)
    carved = build.need(order.material, printing, milling=milling).carved
    return "" if carved is None else _SURFACE if carved else _PLATE


def of_job(job: JobRow) -> dict[str, Any]:
    """The columns of a job that is made again."""
    return {name: getattr(job, name) for name in ("material", *_LENT)}


def lend(job: JobRow, to: JobRow) -> None:
    """The other job stands beside this one, whatever its turn goes by."""
    for name in _LENT:
        setattr(to, name, getattr(job, name))


def changes(set_up: str, profile: MachineProfile) -> int:
    """How many things somebody has to change at the machine for such a job."""
    return tooling.changes(profile, carved=_CARVED.get(set_up))


def claim(job: JobRow, shares: Mapping[str, timedelta], *, pressed_before: int) -> Claim:
    """What the job says for itself, whichever machine asks; what stands before the place
    `pressed_before` was overtaken as often as may be."""
    return Claim(
        place=job.place,
        begin_by=job.begin_by,
        urgent=job.urgent,
        share=shares.get(job.claimant, _NONE),
        pressed=job.place < pressed_before,
    )
