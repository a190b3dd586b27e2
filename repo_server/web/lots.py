"""A lab's spools and sheets: what it has, each with its history, and what people do with them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import FabError, FieldProblem, InvalidInput, NotFound
from commons.machine import MATERIALS
from commons.texts import capitalise, filled, later
from repo_server import (
    labs,
    lot_corrections,
    lot_history,
    lot_loading,
    lot_mass,
    lots,
    offcuts,
    people,
)
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.lot_corrections import LotCorrection
from repo_server.lot_events import Act
from repo_server.lot_history import LotTold
from repo_server.settings import Settings
from repo_server.tables.people import LabRole
from repo_server.web import sentences, words
from repo_server.web.codes import qr
from repo_server.web.forms import REFUSED, filled_in
from repo_server.web.languages import Texts, current
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("web_lots", __name__)

GRAINS = Texts({"": later("Not said"), "x": later("Along X"), "y": later("Along Y")})
ACT_WORDS = Texts(
    {
        Act.ADDED: later("Put on the shelf"),
        Act.LOADED: later("Loaded"),
        Act.UNLOADED: later("Taken off"),
        Act.FOLLOWS: later("To follow when the loaded one runs short"),
        Act.WEIGHED: later("Weighed"),
        Act.CUT: later("Kept of a sheet"),
        Act.CORRECTED: later("Put right"),
        Act.ARCHIVED: later("Used up"),
        Act.RESTORED: later("Taken back"),
    }
)
_FIRST = {"ring": "unknown", "material": "pla", "currency": "EUR"}


@bp.get("/labs/<lab>/lots")
@auth.lab_role(LabRole.MEMBER)
def list_lots(lab: str) -> ResponseReturnValue:
    """The lab's lots, of one ?material= or all, those in use or the ?archived= ones."""
    return _list(lab, {})


@bp.post("/labs/<lab>/lots")
@auth.lab_role(LabRole.MANAGER)
def add_lot(lab: str) -> ResponseReturnValue:
    """On the new lot's page, or the list again with what is wrong."""
    values, now, by = filled_in(), datetime.now(UTC), auth.current_person().id
    try:
        wanted = check(lots.NewLot, _with_price(values))
        with transaction(current_app.extensions["engine"]) as session:
            lab_id = labs.lab_of(session, lab).id
            made = lots.add(session, wanted, lab_id=lab_id, by=by, now=now)
    except REFUSED as error:
        return _list(lab, values, error), status_of(error)
    return redirect(url_for("web_lots.show_lot", lab=lab, id=made.id), 303)


def _with_price(values: Mapping[str, str]) -> dict[str, object]:
    """The form's values with the price in its currency's smallest unit."""
    told: dict[str, object] = {key: it for key, it in values.items() if key != "price"}
    if "price" not in values:
        told.pop("currency", None)  # the form proposes one
        return told
    try:
        price = Decimal(values["price"].replace(",", "."))
        minor = price.scaleb(get_currency_precision(values.get("currency", "")))
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise InvalidOperation
    except InvalidOperation as error:
        problem = FieldProblem(
            "price", filled("'%(given)s' is no price, such as 24.90", given=values["price"][:20])
        )
        raise InvalidInput(str(problem), [problem]) from error
    return told | {"price_minor": int(minor)}


def _list(lab: str, values: Mapping[str, str], error: FabError | None = None) -> str:
    material = request.args.get("material", "")[:40] or None
    archived = "archived" in request.args
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        found = lots.page(session, row.id, asked_stretch(), material=material, archived=archived)
        shown = [lot_history.line(it) for it in found.entries]
        on = lot_loading.machines_by_lot(session, row.id)
        there = lots.materials_of(session, row.id)
        role = people.lab_roles(session, auth.current_person().id).get(lab)
    return render_template(
        "lots.html",
        lab=row,
        lots=shown,
        rest=rest_of(found, url_for("web_lots.list_lots", lab=lab)),
        on=on,
        there=there,
        chosen=material,
        archived=archived,
        manages=role is LabRole.MANAGER,
        materials=[(key, sentences.material(key)) for key in MATERIALS],
        rings=[(ring, capitalise(text)) for ring, text in words.RING_WORDS.items()],
        grains=GRAINS.items(),
        values={**_FIRST, **values},
        error=error,
    )


@bp.get("/labs/<lab>/lots/<id>")
@auth.lab_role(LabRole.MEMBER)
def show_lot(lab: str, id: str) -> ResponseReturnValue:
    """The lot, where it is, what is left, what was done with it; its label's code leads here."""
    return _page(lab, id)


@bp.post("/labs/<lab>/lots/<id>/<act>")
@auth.lab_role(LabRole.OPERATOR)
def act_on_lot(lab: str, id: str, act: str) -> ResponseReturnValue:
    """Back on the lot's page once it is done, or the page with why it is not."""
    if act not in _ACTS:
        raise NotFound(f"nobody can '{act[:40]}' a lot")
    now, by = datetime.now(UTC), auth.current_person().id
    try:
        with transaction(current_app.extensions["engine"]) as session:
            said = _ACTS[act](session, id, labs.lab_of(session, lab).id, by, now)
    except REFUSED as error:
        return _page(lab, id, refused=act, error=error), status_of(error)
    if act == "weigh":
        return _page(lab, id, said=said)
    return redirect(url_for("web_lots.show_lot", lab=lab, id=said or id), 303)


def _page(
    lab: str, id: str, *, refused: str = "", error: FabError | None = None, said: str = ""
) -> str:
    settings: Settings = current_app.extensions["settings"]
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        told = lot_history.show(session, lots.of_id(session, id, lab_id=row.id))
        role = people.lab_roles(session, auth.current_person().id).get(lab)
    address = f"{settings.base_url}/labs/{lab}/lots/{id}"
    return render_template(
        "lot.html",
        lab=row,
        lot=told,
        is_sheet=MATERIALS[told.material].process.value == "cnc",
        price=_price(told),
        operates=role in (LabRole.OPERATOR, LabRole.MANAGER),
        manages=role is LabRole.MANAGER,
        rings=[(ring, capitalise(text)) for ring, text in words.RING_WORDS.items()],
        act_words=ACT_WORDS,
        values=filled_in() if error else {},
        refused=refused,
        error=error,
        said=said,
        address=address,
        qr=qr(address),
    )


def _price(lot: LotTold) -> str:
    if lot.price_minor is None or lot.currency is None:
        return ""
    amount = Decimal(lot.price_minor).scaleb(-get_currency_precision(lot.currency))
    return str(format_currency(amount, lot.currency, locale=current().locale))


# What is done with a lot: session, lot, lab, person, now -> what is said of it, or where it leads.
Do = Callable[[Session, str, str, str, datetime], str]


def _load(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lot_loading.put_on(session, _machine(), id, lab_id=lab_id, by=by, now=now)
    return ""


def _unload(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lot_loading.take_off(session, id, lab_id=lab_id, by=by, now=now)
    return ""


def _follow(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lot_loading.follow(session, _machine(), id, lab_id=lab_id, by=by, now=now)
    return ""


def _unfollow(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lot_loading.follow(session, _machine(), None, lab_id=lab_id, by=by, now=now)
    return ""


def _weigh(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    weighing = check(lot_mass.Weighing, filled_in())
    lot = lots.kept(session, id, lab_id=lab_id)
    return lot_mass.weigh(session, lot, weighing, by=by, now=now).sentence


def _offcut(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    wanted = check(offcuts.NewOffcut, filled_in())
    return offcuts.keep(session, id, wanted, lab_id=lab_id, by=by, now=now).id


def _archive(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lots.archive(session, lots.kept(session, id, lab_id=lab_id), by=by, now=now)
    return ""


def _restore(session: Session, id: str, lab_id: str, by: str, now: datetime) -> str:
    lots.restore(session, lots.kept(session, id, lab_id=lab_id), by=by, now=now)
    return ""


_FACTS = ("name", "ring", "evidence", "maker", "maker_lot", "bought_on")


@bp.post("/labs/<lab>/lots/<id>/facts")
@auth.lab_role(LabRole.MANAGER)
def correct_lot(lab: str, id: str) -> ResponseReturnValue:
    """Back on the lot's page with its facts put right, or the page with why they are not."""
    now, by, values = datetime.now(UTC), auth.current_person().id, filled_in()
    said = {name: values.get(name) or None for name in _FACTS} | {"reason": values.get("reason")}
    try:
        wanted = check(LotCorrection, said)
        with transaction(current_app.extensions["engine"]) as session:
            lot = lots.kept(session, id, lab_id=labs.lab_of(session, lab).id)
            lot_corrections.correct(session, lot, wanted, by=by, now=now)
    except REFUSED as error:
        return _page(lab, id, refused="facts", error=error), status_of(error)
    return redirect(url_for("web_lots.show_lot", lab=lab, id=id, _anchor="known"), 303)


def _machine() -> str:
    return request.form.get("machine", "")[:64]


_ACTS: dict[str, Do] = {
    "load": _load,
    "unload": _unload,
    "follow": _follow,
    "unfollow": _unfollow,
    "weigh": _weigh,
    "offcut": _offcut,
    "archive": _archive,
    "restore": _restore,
}
