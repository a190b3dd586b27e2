"""Where lots are: on one machine at a time, or on the shelf; and which follows which."""

from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import Conflict, InvalidInput
from commons.machine import MachineProfile
from commons.texts import filled, later
from repo_server import decisions, lots
from repo_server.lot_events import Act, note, note_move
from repo_server.tables import MachineRow, MaterialLotRow


def machine_with(session: Session, lot_id: str) -> MachineRow | None:
    """The machine that the lot is on; None when it is on the shelf."""
    return session.exec(select(MachineRow).where(MachineRow.lot_id == lot_id)).first()


def machines_by_lot(session: Session, lab_id: str) -> dict[str | None, str]:
    """The name of the lab's machine that each loaded lot is on, by the lot's id."""
    loaded = select(MachineRow.lot_id, MachineRow.name).where(
        MachineRow.lab_id == lab_id, col(MachineRow.lot_id).is_not(None)
    )
    return dict(session.exec(loaded).all())


def put_on(
    session: Session, machine_id: str, lot_id: str | None, *, lab_id: str, by: str, now: datetime
) -> MachineRow:
    """The lot is on the machine, or with None nothing is; what was on it is on the shelf.

    Conflict while the machine holds a job, which was prepared for the lot that is loaded, and
    when the lot is on another machine or archived. InvalidInput when the machine cannot use it.
    """
    machine = decisions.machine_in(session, machine_id, lab_id=lab_id)
    if machine.lot_id == lot_id:
        return machine  # said twice, it is there once
    _require_free(machine)
    lot = lots.kept(session, lot_id, lab_id=lab_id) if lot_id else None
    if lot is not None:
        _require_usable(lot, machine)
        _require_on_shelf(session, lot)
    if machine.lot_id is not None:
        before = lots.kept(session, machine.lot_id, lab_id=lab_id)
        note_move(session, before, Act.UNLOADED, machine.id, by=by, now=now)
    if machine.next_lot_id == lot_id or lot is None:
        machine.next_lot_id = None
    machine.lot_id = lot_id
    session.add(machine)
    session.flush()
    if lot is not None:
        note_move(session, lot, Act.LOADED, machine.id, by=by, now=now)
    return machine


def take_off(session: Session, lot_id: str, *, lab_id: str, by: str, now: datetime) -> None:
    """The lot is on the shelf; Conflict while the machine that has it holds a job."""
    if machine := machine_with(session, lots.of_id(session, lot_id, lab_id=lab_id).id):
        put_on(session, machine.id, None, lab_id=lab_id, by=by, now=now)


def follow(
    session: Session, machine_id: str, lot_id: str | None, *, lab_id: str, by: str, now: datetime
) -> None:
    """When what is on the machine runs short, this lot follows: orders are shared out so that the
    loaded one is used up first. With None nothing follows.

    No program changes its spool half-way: a person loads the next one between two.
    """
    machine = decisions.machine_in(session, machine_id, lab_id=lab_id)
    if lot_id is not None:
        lot = lots.kept(session, lot_id, lab_id=lab_id)
        _require_usable(lot, machine)
        _require_same(session, machine, lot)
        _require_on_shelf(session, lot)
        note(session, lot, Act.FOLLOWS, by=by, now=now, machine_id=machine.id)
    machine.next_lot_id = lot_id
    session.add(machine)
    session.flush()


def _require_free(machine: MachineRow) -> None:
    if machine.attempt_id is not None:
        raise Conflict(
            filled(
                "%(machine)s holds a job; change the lot once that has ended", machine=machine.name
            )
        )


def _require_usable(lot: MaterialLotRow, machine: MachineRow) -> None:
    if lot.archived_at is not None:
        raise Conflict(filled("%(lot)s is archived as used up; take it back first", lot=lot.name))
    takes = MachineProfile.model_validate(machine.profile).materials
    if lot.material not in takes:
        raise InvalidInput(
            filled(
                "%(machine)s takes %(takes)s, not %(material)s",
                machine=machine.name,
                takes=", ".join(takes),
                material=lot.material,
            )
        )


def _require_on_shelf(session: Session, lot: MaterialLotRow) -> None:
    if other := machine_with(session, lot.id):
        raise Conflict(
            filled(
                "%(lot)s is on %(machine)s; take it off there first",
                lot=lot.name,
                machine=other.name,
            )
        )


def _require_same(session: Session, machine: MachineRow, lot: MaterialLotRow) -> None:
    loaded = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    if loaded is None:
        raise Conflict(
            filled("nothing is on %(machine)s that a lot could follow", machine=machine.name)
        )
    if loaded.material != lot.material:
        raise InvalidInput(
            filled(
                "%(loaded)s is %(material)s; only a lot of the same can follow it",
                loaded=loaded.name,
                material=loaded.material,
            )
        )
    if loaded.thickness_mm != lot.thickness_mm:
        raise InvalidInput(later("the sheet that follows must be as thick as the one before"))
