"""Prices, quotas and accounts on pages: a lab's, and one's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, InvalidInput, NotFound
from commons.machine import MATERIALS
from commons.prices import Group, Item, PriceList
from commons.texts import later
from repo_server import accounts, currencies, labs, people, prices, quotas
from repo_server.accounts import Kind, Payment
from repo_server.api import auth
from repo_server.api.accounts import Why
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.quotas import NewQuota
from repo_server.tables.people import LabRole
from repo_server.web import languages, sentences
from repo_server.web.forms import NONE_REFUSED, RefusedForm
from repo_server.web.languages import Texts
from repo_server.web.stretches import asked_stretch, rest_of
from repo_server.web.words import PROCESS_WORDS

bp = Blueprint("accounts", __name__)

REFUSED = (InvalidInput, NotFound, Conflict)
RATE_FIELDS = ("group", "process", "material", "per_g", "per_hour", "per_order")
_MOST_ROWS, _EMPTY_ROWS = 50, 2
GROUPS = Texts(
    {
        "": later("Everybody"),
        Group.GUEST: later("Guests"),
        Group.MEMBER: later("Members"),
        Group.OPERATOR: later("Operators"),
        Group.MANAGER: later("Managers"),
    }
)
ITEMS = Texts(
    {
        Item.MATERIAL: later("Material"),
        Item.MACHINE: later("Machine time"),
        Item.ORDER: later("Each order"),
    }
)
KINDS = Texts(
    {
        Kind.CHARGE: later("Made"),
        Kind.PAID: later("Paid"),
        Kind.AGREED: later("Agreed afterwards"),
        Kind.CORRECTION: later("Taken back"),
    }
)


@bp.app_template_filter("money")
def money(amount: int, currency: str) -> str:
    """An amount in smallest units, as the page's language writes it."""
    return currencies.told(amount, currency, languages.current().locale)


@bp.get("/labs/<lab>/money")
@auth.lab_role(LabRole.OPERATOR)
def show(lab: str) -> ResponseReturnValue:
    """The lab's prices, quotas and accounts."""
    return _page(lab)


@bp.post("/labs/<lab>/money/prices")
@auth.lab_role(LabRole.MANAGER)
def set_prices(lab: str) -> ResponseReturnValue:
    """Back on the page; these are the prices from now on."""

    def set_(session: Session, lab_id: str, by: str, now: datetime) -> None:
        wanted = check(PriceList, _filled_prices())
        prices.set_prices(session, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, "prices", set_)


@bp.post("/labs/<lab>/money/quotas")
@auth.lab_role(LabRole.MANAGER)
def set_quota(lab: str) -> ResponseReturnValue:
    """Back on the page; the quota holds from now on."""

    def set_(session: Session, lab_id: str, by: str, now: datetime) -> None:
        entered: dict[str, object] = dict(_filled())
        if "money" in entered:
            entered["money"] = _minor(session, lab_id, str(entered["money"]))
        wanted = check(NewQuota, entered)
        quotas.set_quota(session, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, "quotas", set_)


@bp.post("/labs/<lab>/money/payments")
@auth.lab_role(LabRole.OPERATOR)
def pay(lab: str) -> ResponseReturnValue:
    """Back on the page; what somebody has paid in is written down."""

    def pay_(session: Session, lab_id: str, by: str, now: datetime) -> None:
        entered = _filled()
        amount = _minor(session, lab_id, entered.pop("amount", ""))
        known = prices.prices_of(session, lab_id)
        wanted = {**entered, "amount": amount, "currency": known and known.prices.currency}
        accounts.pay(session, check(Payment, wanted), lab_id=lab_id, by=by, now=now)

    return _change(lab, "payments", pay_)


@bp.post("/labs/<lab>/money/entries/<id>/take-back")
@auth.lab_role(LabRole.MANAGER)
def take_back(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; a further entry undoes this one."""

    def undo(session: Session, lab_id: str, by: str, now: datetime) -> None:
        said = check(Why, _filled())
        accounts.take_back(session, id, said.why, lab_id=lab_id, by=by, now=now)

    return _change(lab, "entries", undo)


@bp.get("/me/account")
@auth.signed_in(Scope.READ)
def show_own() -> ResponseReturnValue:
    """Your balance at each lab, what you may still have made, and what changed it."""
    me, now = auth.current_person().id, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        found = accounts.entries_of(session, me, asked_stretch())
        return render_template(
            "account.html",
            balances=accounts.balances_of(session, me),
            standings=quotas.standings_of(session, me, now=now),
            entries=found.entries,
            rest=rest_of(found, url_for("accounts.show_own")),
            kinds=KINDS,
            items=ITEMS,
        )


@bp.post("/me/orders/<order_id>/open-price")
@auth.signed_in(Scope.ORDER_WRITE)
def open_price(order_id: str) -> ResponseReturnValue:
    """Back on your account; you pay what was measured for this order."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        accounts.open_cap(session, order_id, by=by, now=now)
    return redirect(url_for("accounts.show_own"), 303)


def _change(
    lab: str, form: str, change: Callable[[Session, str, str, datetime], None]
) -> ResponseReturnValue:
    """Back on the page's part of that name once it is done, or the page with why it is not."""
    by, now = auth.current_person().id, datetime.now(UTC)
    try:
        with transaction(current_app.extensions["engine"]) as session:
            change(session, labs.lab_of(session, lab).id, by, now)
    except REFUSED as error:
        return make_response(_page(lab, RefusedForm(form, error, request.form)), status_of(error))
    return redirect(url_for("accounts.show", lab=lab, _anchor=form), 303)


def _filled() -> dict[str, str]:
    given = {name: value.strip() for name, value in request.form.items()}
    return {name: value for name, value in given.items() if value and name != auth.CSRF_FIELD}


def _filled_prices() -> dict[str, object]:
    """The form as a price list; a row without any price is none."""
    entered = _filled()
    rows = []
    for number in range(_MOST_ROWS):
        row = {it: entered[f"{it}-{number}"] for it in RATE_FIELDS if f"{it}-{number}" in entered}
        if any(name.startswith("per_") for name in row):
            rows.append({name: value.replace(",", ".") for name, value in row.items()})
    wanted: dict[str, object] = {"rates": rows, "charges_failed": "charges_failed" in entered}
    return wanted | {name: entered[name] for name in ("currency", "most") if name in entered}


def _minor(session: Session, lab_id: str, text: str) -> int:
    """An amount that was entered, in smallest units of the lab's currency."""
    known = prices.prices_of(session, lab_id)
    if known is None:
        raise InvalidInput(later("set the lab's prices first, so that it has a currency"))
    currency = known.prices.currency
    try:
        amount = Decimal(text.replace(",", ".")) * 10 ** currencies.digits(currency)
        if amount != amount.to_integral_value():
            raise InvalidInput(f"'{text[:20]}' has more digits than {currency} has")
    except InvalidOperation as error:
        raise InvalidInput(f"'{text[:20]}' is no amount; write it like 12.50") from error
    return int(amount)


def _page(lab: str, refused: RefusedForm = NONE_REFUSED) -> str:
    person, engine = auth.current_person(), current_app.extensions["engine"]
    with reading(engine) as session:
        row = labs.lab_of(session, lab)
        role = people.lab_roles(session, person.id).get(lab)
        known = prices.prices_of(session, row.id)
        found = accounts.entries_at(session, row.id, asked_stretch())
        return render_template(
            "money.html",
            lab=row,
            manages=role is LabRole.MANAGER,
            prices=known,
            rates=_rows(known.prices if known else None, refused),
            quotas=quotas.list_quotas(session, row.id),
            balances=accounts.balances_at(session, row.id),
            entries=found.entries,
            rest=rest_of(found, url_for("accounts.show", lab=lab)),
            groups=GROUPS.items(),
            group_words=GROUPS,
            processes=[("", languages.gettext("Any")), *PROCESS_WORDS.items()],
            materials=[
                ("", languages.gettext("Any")),
                *((key, sentences.material(key)) for key in MATERIALS),
            ],
            roles=[(role, GROUPS[Group(role)]) for role in LabRole],
            kinds=KINDS,
            items=ITEMS,
            refused=refused,
            values=refused.values,
        )


def _rows(known: PriceList | None, refused: RefusedForm) -> list[dict[str, str]]:
    """The rates as the form shows them, and empty rows for more."""
    if refused.form == "prices":
        given = refused.values
        numbers = [it for it in range(_MOST_ROWS) if f"per_g-{it}" in given]
        return [{name: given.get(f"{name}-{it}", "") for name in RATE_FIELDS} for it in numbers]
    rows = [
        {name: _shown(value) for name, value in it.model_dump(mode="json").items()}
        for it in (known.rates if known else ())
    ]
    return [*rows, *([dict.fromkeys(RATE_FIELDS, "")] * _EMPTY_ROWS)][:_MOST_ROWS]


def _shown(value: object) -> str:
    return "" if value is None or value == "0" else str(value)
