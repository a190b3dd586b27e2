"""A lab's machines as they stand, as matching sees them, and what they answered lately.

They are read for every order, in one query; but what was read mostly is what was read the last
time. So what is made of it is remembered under the very words of the database: whatever changes,
wherever, makes other words, and nothing has to be told that it is out of date.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock

from sqlalchemy import Text, bindparam, cast
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from commons.machine import MachineProfile
from commons.matching import Answer, BuildNeed, MachineOffer, candidates
from repo_server.db import look
from repo_server.tables import MachineRow, MaterialLotRow

_MOST_FLEETS, _MOST_PROFILES, _MOST_ANSWERS = 64, 2048, 256

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


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """The machines of a lab at a time, by name, each with the lot that is loaded and the one that
    follows it. Invariant: what it remembers is what `candidates` would answer."""

    offers: tuple[MachineOffer, ...]
    _answers: dict[BuildNeed, tuple[Answer, ...]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def answers(self, need: BuildNeed) -> Sequence[Answer]:
        """One answer a machine: it fits, or the first reason why not.

        They hang on no person and no time: these machines ask for no training, and nobody booked
        them.
        """
        if need.program is not None:  # it is brought once, and ordered once
            return candidates(need, self.offers)
        alike = replace(need, ordered_by=None, begins_at=None)
        with self._lock:
            known = self._answers.get(alike)
        if known is None:
            known = tuple(candidates(alike, self.offers))
            with self._lock:
                if len(self._answers) >= _MOST_ANSWERS:
                    self._answers.clear()
                self._answers[alike] = known
        return known


def fleet_of(session: Session, lab_id: str) -> Fleet:
    """The machines that the lab uses, as they stand."""
    return _fleet(tuple(map(tuple, look(session, _MACHINES, lab_id=lab_id))))


@lru_cache(maxsize=_MOST_FLEETS)
def _fleet(rows: tuple[_Row, ...]) -> Fleet:
    return Fleet(tuple(map(_offer, rows)))


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
