"""Material lots of a lab: the spools and sheets that it has, and what is known of each."""

from collections.abc import Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated

from babel.numbers import list_currencies
from pydantic import Field
from sqlmodel import Session, col, select

from commons import lots as stock
from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.flows import Measure, Ring
from commons.machine import MATERIALS
from commons.texts import filled, later
from commons.wire import Asked, Axis
from repo_server.ids import new_id
from repo_server.lot_events import Act, note, note_stock
from repo_server.lot_mass import MOST_G, Weight, keep_left, left_of
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import MachineRow, MaterialLotRow

_KEYS = Keys(material=MaterialLotRow.material, name=MaterialLotRow.name, id=MaterialLotRow.id)

Name = Annotated[str, Field(min_length=1, max_length=80)]
_Edge = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
_Mass = Annotated[float, Field(gt=0, le=MOST_G, allow_inf_nan=False)]


class LotFacts(Asked):
    """What is known of a lot whatever is left of it. Its ring is unknown until somebody says where
    it was made, and how they know (`evidence`). The price is in the smallest unit of its currency.
    """

    ring: Ring = Ring.UNKNOWN
    evidence: Annotated[str, Field(max_length=400)] | None = None
    colour: Annotated[str, Field(max_length=40)] | None = None
    colour_hex: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    maker: Name | None = None
    maker_lot: Name | None = None
    price_minor: Annotated[int, Field(ge=0, le=10**9)] | None = None
    currency: Annotated[str, Field(max_length=10)] | None = None
    bought_on: date | None = None


class NewLot(LotFacts):
    """A spool or sheet. A sheet lies with its width along the machine's X.

    What is left is said (`mass_left_g`), or weighed (`gross_g` with its spool, `tare_g` the empty
    spool); `net_g` is what it held when new.
    """

    material: Annotated[str, Field(max_length=40)]
    name: Name
    mass_left_g: _Mass | None = None
    gross_g: Weight | None = None
    tare_g: Weight | None = None
    net_g: _Mass | None = None
    thickness_mm: _Edge | None = None
    width_mm: _Edge | None = None
    depth_mm: _Edge | None = None
    grain: Axis | None = None


def add(session: Session, wanted: NewLot, *, lab_id: str, by: str, now: datetime) -> MaterialLotRow:
    """The lot is on the lab's shelf."""
    _require_known(wanted.material)
    _require_both_edges(wanted)
    require_price(wanted.price_minor, wanted.currency)
    _require_one_mass(wanted)
    left = _left(wanted)
    told = wanted.model_dump(exclude={"gross_g", "mass_left_g"})
    lot = MaterialLotRow(id=new_id(), lab_id=lab_id, added_at=now, **told)
    keep_left(lot, left)
    session.add(lot)
    session.flush()
    if left is None:
        note(session, lot, Act.ADDED, by=by, now=now)
    else:
        scale = {"gross_g": wanted.gross_g, "tare_g": wanted.tare_g}
        note_stock(session, lot, Act.ADDED, None, left, by=by, now=now, **scale)
    return lot


def _left(wanted: NewLot) -> Measure | None:
    if wanted.gross_g is not None and wanted.tare_g is not None:
        stock.require_believable(wanted.gross_g, wanted.tare_g, new_g=wanted.net_g)
        return stock.as_weighed(wanted.gross_g, wanted.tare_g)
    left_g = wanted.mass_left_g
    if left_g is None:
        return None
    if wanted.net_g is not None:
        stock.require_believable(left_g, 0.0, new_g=wanted.net_g)
    return stock.as_said(left_g)


def _require_known(material: str) -> None:
    if material not in MATERIALS:
        known = ", ".join(MATERIALS)
        _refuse(
            "material",
            filled("'%(given)s' is not known; known are %(known)s", given=material, known=known),
        )


def _require_both_edges(wanted: NewLot) -> None:
    if (wanted.width_mm is None) != (wanted.depth_mm is None):
        missing = "width_mm" if wanted.width_mm is None else "depth_mm"
        _refuse(missing, later("is not known, the other edge is: give both or neither"))


def _require_one_mass(wanted: NewLot) -> None:
    if wanted.mass_left_g is not None and wanted.gross_g is not None:
        _refuse("mass_left_g", later("say what is left, or weigh it: not both"))
    if wanted.gross_g is not None and wanted.tare_g is None:
        _refuse(
            "tare_g", later("how heavy is the empty spool? Weigh one like it; of a sheet say 0")
        )


def require_price(price_minor: int | None, currency: str | None) -> None:
    """Pass for an amount in a currency that there is, and for none; InvalidInput else."""
    if (price_minor is None) != (currency is None):
        missing = "price_minor" if price_minor is None else "currency"
        _refuse(missing, later("is missing: a price has an amount and a currency"))
    if currency is not None and currency not in list_currencies():
        near = get_close_matches(currency.upper(), sorted(list_currencies()), n=3)
        _refuse(
            "currency",
            filled(
                "'%(given)s' is no currency of ISO 4217; did you mean %(near)s?",
                given=currency,
                near=", ".join(near) or "EUR",
            ),
        )


def _refuse(field: str, sentence: str) -> None:
    problem = FieldProblem(field, sentence)
    raise InvalidInput(str(problem), [problem])


def of_id(session: Session, lot_id: str, *, lab_id: str) -> MaterialLotRow:
    """The lab's lot of this id; NotFound when it has none."""
    lot = session.get(MaterialLotRow, lot_id)
    if lot is None or lot.lab_id != lab_id:
        raise NotFound(f"there is no lot {lot_id[:64]} in this lab")
    return lot


def kept(session: Session, lot_id: str, *, lab_id: str) -> MaterialLotRow:
    """The same, kept for this transaction: who wants it at the same moment waits, and sees it as
    this one leaves it."""
    wanted = select(MaterialLotRow).where(MaterialLotRow.id == lot_id).with_for_update()
    lot = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if lot is None or lot.lab_id != lab_id:
        raise NotFound(f"there is no lot {lot_id[:64]} in this lab")
    return lot


def page(
    session: Session,
    lab_id: str,
    stretch: Stretch = BEGINNING,
    *,
    material: str | None = None,
    archived: bool = False,
) -> Page[MaterialLotRow]:
    """The lab's lots by material and name: those of one material, those that are used up."""
    wanted = select(MaterialLotRow).where(
        MaterialLotRow.lab_id == lab_id,
        col(MaterialLotRow.archived_at).is_not(None)
        if archived
        else col(MaterialLotRow.archived_at).is_(None),
    )
    if material is not None:
        wanted = wanted.where(MaterialLotRow.material == material)
    return read_page(session, wanted, _KEYS, stretch)


def all_of(session: Session, lab_id: str) -> Sequence[MaterialLotRow]:
    """Every lot of the lab that is not used up, to choose one from."""
    wanted = select(MaterialLotRow).where(
        MaterialLotRow.lab_id == lab_id, col(MaterialLotRow.archived_at).is_(None)
    )
    return session.exec(wanted.order_by(*_KEYS.in_order())).all()


def materials_of(session: Session, lab_id: str) -> Sequence[str]:
    """The materials that the lab has, or had, lots of."""
    wanted = select(MaterialLotRow.material).where(MaterialLotRow.lab_id == lab_id).distinct()
    return session.exec(wanted.order_by(col(MaterialLotRow.material))).all()


def archive(session: Session, lot: MaterialLotRow, *, by: str, now: datetime) -> None:
    """Somebody has looked, and the lot is used up, or thrown away: it is listed no more, and kept.

    Conflict while it is on a machine. What was reckoned to be left is taken off in the ledger.
    """
    if lot.archived_at is not None:
        return
    on = session.exec(select(MachineRow.name).where(MachineRow.lot_id == lot.id)).first()
    if on is not None:
        raise Conflict(
            filled("%(lot)s is on %(machine)s; take it off there first", lot=lot.name, machine=on)
        )
    _let_nothing_wait_for(session, lot)
    before, after = left_of(lot), stock.none_left()
    lot.archived_at = now
    keep_left(lot, after)
    session.add(lot)
    if before is None:
        note(session, lot, Act.ARCHIVED, by=by, now=now)
    else:
        note_stock(session, lot, Act.ARCHIVED, before, after, by=by, now=now)


def _let_nothing_wait_for(session: Session, lot: MaterialLotRow) -> None:
    waiting = select(MachineRow).where(MachineRow.next_lot_id == lot.id)
    for machine in session.exec(waiting):
        machine.next_lot_id = None
        session.add(machine)


def restore(session: Session, lot: MaterialLotRow, *, by: str, now: datetime) -> None:
    """The lot is on the shelf again; what is left of it nobody knows until it is weighed."""
    if lot.archived_at is None:
        return
    lot.archived_at = None
    keep_left(lot, None)
    session.add(lot)
    note(session, lot, Act.RESTORED, by=by, now=now)
