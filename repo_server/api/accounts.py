"""Prices, estimates, quotas and accounts of labs."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.prices import Line, PriceList, Span
from commons.quotas import Amounts, Limits
from commons.wire import Asked, Told
from repo_server import accounts, estimates, labs, prices, quotas
from repo_server.accounts import Balance, Entry, Payment
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.estimates import Told as Estimated
from repo_server.order_requests import OrderRequest
from repo_server.paging import Page
from repo_server.people import Scope
from repo_server.quotas import NewQuota, QuotaLine
from repo_server.tables.people import LabRole

bp = Blueprint("api_accounts", __name__, url_prefix="/api/v1")

# Programs that open a table would take such a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = ("at", "lab", "handle", "person", "kind", "amount", "currency", "why", "prints", "grams",
           "minutes", "above_cap", "order_id", "attempt_id", "corrects", "by", "id")  # fmt: skip


class Why(Asked):
    why: Annotated[str, Field(min_length=3, max_length=200)]


class PricesShown(Told):
    """All of it is null where the lab never set prices."""

    prices: PriceList | None
    set_by: str | None
    set_at: AwareDatetime | None


class EstimateShown(Told):
    """What an order would take, for all copies, and cost, in smallest units of the currency. What
    is null is not known; without a currency the lab asks for nothing."""

    grams: Span | None
    minutes: Span | None
    currency: str | None
    lines: tuple[Line, ...]
    low: int | None
    high: int | None
    cap: int | None
    over_quota: str | None


class QuotasListed(Told):
    quotas: tuple[QuotaLine, ...]


class StandingShown(Told):
    """What somebody may have made at a lab until `until`, and what of it they had; null: no limit.
    `reserved` is what waits or is being made."""

    lab: str
    until: AwareDatetime
    limits: Limits
    used: Amounts
    reserved: Amounts


class AccountShown(Told):
    balances: tuple[Balance, ...]
    standings: tuple[StandingShown, ...]


class BalancesListed(Told):
    balances: tuple[Balance, ...]


class EntriesListed(Told):
    entries: tuple[Entry, ...]


@bp.get("/labs/<lab>/prices")
@auth.public
@answers({200: PricesShown})
def show_prices(lab: str) -> ResponseReturnValue:
    """200 with what the lab asks for making things."""
    with reading(current_app.extensions["engine"]) as session:
        found = prices.prices_of(session, labs.lab_of(session, lab).id)
    if found is None:
        return write(PricesShown(prices=None, set_by=None, set_at=None))
    return write(PricesShown(prices=found.prices, set_by=found.set_by, set_at=found.set_at))


@bp.put("/labs/<lab>/prices")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_prices(lab: str, asked: PriceList) -> ResponseReturnValue:
    """204; these are the prices of what is ordered from now on."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        prices.set_prices(session, asked, lab_id=lab_id, by=by, now=now)
    return "", 204


@bp.post("/labs/<lab>/estimates")
@auth.lab_role(LabRole.MEMBER)
@answers({200: EstimateShown}, refuses=(409,))
def estimate(lab: str, asked: OrderRequest) -> ResponseReturnValue:
    """200 with what that order would take and cost; nothing is ordered."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        told = estimates.told(session, asked, lab_id=lab_id, by=by, now=now)
    return write(_estimate(told))


def _estimate(told: Estimated) -> EstimateShown:
    it, sum_ = told.estimate, told.estimate.sum
    return EstimateShown(
        grams=it.use.grams,
        minutes=it.use.minutes,
        currency=it.currency,
        lines=sum_.lines if sum_ else (),
        low=sum_.low if sum_ else None,
        high=sum_.high if sum_ else None,
        cap=it.cap,
        over_quota=told.over_quota,
    )


@bp.post("/orders/<order_id>/open-price")
@auth.signed_in(Scope.ORDER_WRITE)
@answers({204: None})
def open_price(order_id: str) -> ResponseReturnValue:
    """204; who ordered pays what was measured, above what was agreed."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        accounts.open_cap(session, order_id, by=by, now=now)
    return "", 204


@bp.get("/labs/<lab>/quotas")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: QuotasListed})
def list_quotas(lab: str) -> ResponseReturnValue:
    """200 with the quotas that hold."""
    with reading(current_app.extensions["engine"]) as session:
        lines = quotas.list_quotas(session, labs.lab_of(session, lab).id)
    return write(QuotasListed(quotas=tuple(lines)))


@bp.put("/labs/<lab>/quotas")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_quota(lab: str, asked: NewQuota) -> ResponseReturnValue:
    """204; the quota holds from now on, and what waits was looked at again."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        quotas.set_quota(session, asked, lab_id=lab_id, by=by, now=now)
    return "", 204


@bp.post("/labs/<lab>/payments")
@auth.lab_role(LabRole.OPERATOR)
@answers({201: EntriesListed}, keyed=True)
def create_payment(lab: str, asked: Payment) -> ResponseReturnValue:
    """201 with the entry that says what somebody has paid in."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, EntriesListed]:
        lab_id = labs.lab_of(session, lab).id
        entry = accounts.pay(session, asked, lab_id=lab_id, by=by, now=now)
        return 201, EntriesListed(entries=(entry,))

    return made_once(make)


@bp.post("/labs/<lab>/account-entries/<entry_id>/take-back")
@auth.lab_role(LabRole.MANAGER)
@answers({200: EntriesListed}, refuses=(409,))
def take_entry_back(lab: str, entry_id: str, asked: Why) -> ResponseReturnValue:
    """200 with the further entry that undoes this one; 409 when it was undone before."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        entry = accounts.take_back(session, entry_id, asked.why, lab_id=lab_id, by=by, now=now)
    return write(EntriesListed(entries=(entry,)))


@bp.get("/labs/<lab>/balances")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: BalancesListed})
def list_balances(lab: str) -> ResponseReturnValue:
    """200 with everybody's balance at the lab, by name."""
    with reading(current_app.extensions["engine"]) as session:
        found = accounts.balances_at(session, labs.lab_of(session, lab).id)
    return write(BalancesListed(balances=tuple(found)))


@bp.get("/labs/<lab>/account-entries")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: EntriesListed})
def list_entries_of_lab(lab: str, query: From) -> ResponseReturnValue:
    """200 with what changed balances at the lab, the latest first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        return _listed(accounts.entries_at(session, lab_id, query.stretch))


@bp.get("/labs/<lab>/account-entries.csv")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: Raw("text/csv")})
def export_entries_of_lab(lab: str) -> ResponseReturnValue:
    """200 with all entries of the lab, the oldest first, one a line."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        return _exported(accounts.every_entry(session, lab_id=lab_id), lab)


@bp.get("/me/account")
@auth.signed_in(Scope.READ)
@answers({200: AccountShown})
def show_account() -> ResponseReturnValue:
    """200 with your balance at each lab, and what you may still have made there in this term."""
    me, now = auth.current_person().id, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        shown = tuple(
            StandingShown(lab=lab, until=it.term.ends_at, limits=it.limits, used=it.used,
                          reserved=it.reserved)
            for lab, it in quotas.standings_of(session, me, now=now)
        )  # fmt: skip
        return write(
            AccountShown(balances=tuple(accounts.balances_of(session, me)), standings=shown)
        )


@bp.get("/me/account-entries")
@auth.signed_in(Scope.READ)
@answers({200: EntriesListed})
def list_own_entries(query: From) -> ResponseReturnValue:
    """200 with what changed your balances, the latest first; `Link` leads to older ones."""
    me = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        return _listed(accounts.entries_of(session, me, query.stretch))


@bp.get("/me/account-entries.csv")
@auth.signed_in(Scope.READ)
@answers({200: Raw("text/csv")})
def export_own_entries() -> ResponseReturnValue:
    """200 with all of them, the oldest first, one a line."""
    me = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        return _exported(accounts.every_entry(session, person_id=me.id), me.handle)


def _listed(found: Page[Entry]) -> Response:
    return with_next(write(EntriesListed(entries=tuple(found.entries))), found.after)


def _exported(entries: Iterable[Entry], name: str) -> Response:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for entry in entries:
        table.writerow([_cell(getattr(entry, name)) for name in COLUMNS])
    answer = Response(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="account-{name}.csv"'
    return answer


def _cell(value: object) -> object:
    """The value as a cell of a table; what people wrote is no formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
