"""A lab's machines as they stand, as matching sees them.

They are read for every order, in one query; but what was read mostly is what was read the last
time. So what is made of it is remembered under the very words of the database: whatever changes,
wherever, makes other words, and nothing has to be told that it is out of date.
"""

from functools import lru_cache

from sqlalchemy import Text, bindparam, cast
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from commons.fleet import Fleet
from commons.machine import MachineProfile
from commons.matching import MachineOffer
from repo_server.db import look
from repo_server.tables import MachineRow, MaterialLotRow

_MOST_FLEETS, _MOST_PROFILES = 64, 2048

_NEXT = aliased(MaterialLotRow)
_MACHINES = (
    columns(
        col(MachineRow.id), col(MachineRow.name), cast(col(MachineRow.profile), Text),
        col(MaterialLotRow.material), col(MaterialLotRow.mass_left_g),
        col(MaterialLotRow.thickness_mm), col(MaterialLotRow.width_mm),
        col(MaterialLotRow.depth_mm), col(_NEXT.name), col(_NEXT.mass_left_g),
    )
    .join(MaterialLotRow, col(MaterialLotRow.id) == col(MachineRow.lot_id), isouter=True)
    .join(_NEXT, col(_NEXT.id) == col(MachineRow.next_lot_id), isouter=True)
    .where(col(MachineRow.lab_id) == bindparam("lab_id"), col(MachineRow.retired_at).is_(None))
    .order_by(col(MachineRow.name), col(MachineRow.id))
)  # fmt: skip
_Row = tuple[
    str, str, str, str | None, float | None, float | None, float | None, float | None, str | None,
    float | None,
]  # fmt: skip


def fleet_of(session: Session, lab_id: str) -> Fleet:
    """The machines that the lab uses, by name, each with the lot that is loaded and the one that
    follows it."""
    return _fleet(tuple(map(tuple, look(session, _MACHINES, lab_id=lab_id))))


@lru_cache(maxsize=_MOST_FLEETS)
def _fleet(rows: tuple[_Row, ...]) -> Fleet:
    return Fleet(map(_offer, rows))


def _offer(row: _Row) -> MachineOffer:
    id_, name, profile, material, left_g, thickness_mm, width_mm, depth_mm, next_lot, next_g = row
    if material is None:
        return MachineOffer(id_, name, _profile(profile), None)
    sheet_mm = None if width_mm is None or depth_mm is None else (width_mm, depth_mm)
    return MachineOffer(
        id_,
        name,
        _profile(profile),
        material,
        left_g,
        thickness_mm,
        sheet_mm,
        next_lot or "",
        next_g,
    )


@lru_cache(maxsize=_MOST_PROFILES)
def _profile(text: str) -> MachineProfile:
    return MachineProfile.model_validate_json(text)
