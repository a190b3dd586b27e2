"""Accounts: what people owe a lab for what it made them, and what they have paid in.

Every change is an entry that stays. What was wrong is taken back by a further entry. Nothing is
paid here: an operator writes down what came in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from commons import prices
from commons.errors import Conflict, InvalidInput, NotFound
from commons.prices import Rates, Span, Use
from commons.wire import Asked
from repo_server import attempts, currencies, quotas
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import (
    AccountEntryRow,
    AgreementRow,
    AttemptRow,
    BuildOrderRow,
    JobRow,
    LabRow,
    PersonRow,
)

_MOST = 10**12  # smallest units: more is a slip of the hand


class Kind(StrEnum):
    CHARGE = "charge"  # for what was made
    PAID = "paid"  # somebody wrote down what came in, or went out
    AGREED = "agreed"  # above the cap, as whoever ordered agreed to afterwards
    CORRECTION = "correction"  # takes another entry back


class Payment(Asked):
    """What a person has paid in, in smallest units; below 0 it was paid back to them."""

    handle: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Annotated[int, Field(ge=-_MOST, le=_MOST)]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    why: Annotated[str, Field(min_length=3, max_length=200)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as people read it. `taken_back`: a further one has undone it."""

    id: str
    kind: Kind
    at: datetime
    lab: str
    lab_slug: str
    person: str
    handle: str
    amount: int
    currency: str | None
    why: str
    prints: int
    grams: float
    minutes: float
    lines: dict[str, object] | None
    above_cap: int
    order_id: str | None
    attempt_id: str | None
    corrects: str | None
    taken_back: bool
    by: str | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What the person has paid in at the lab beyond what was charged; below 0 they owe it."""

    lab: str
    lab_slug: str
    person: str
    handle: str
    amount: int
    currency: str


def charge(session: Session, job: JobRow, attempt_id: str, *, good: int, now: datetime) -> None:
    """The person's account says what the plate's good copies took, and is charged for them: what
    was measured, at the prices that were agreed, and never above the cap.

    Copies that came out bad count where the lab's prices say so.
    """
    agreement = session.get(AgreementRow, job.order_id, with_for_update=True)
    if agreement is None:
        return
    counted = job.copies if agreement.charges_failed else good
    if counted == 0:
        return
    attempt = attempts.of_id(session, attempt_id)
    use = _measured(attempt, counted / job.copies)
    order = session.get_one(BuildOrderRow, job.order_id)
    row = AccountEntryRow(
        id=new_id(),
        lab_id=job.lab_id,
        person_id=order.ordered_by,
        kind=Kind.CHARGE,
        amount=0,
        currency=agreement.currency,
        why=f"{counted} × {order.part}",
        prints=counted,
        grams=use.grams.high if use.grams else 0.0,
        minutes=use.minutes.high if use.minutes else 0.0,
        order_id=order.id,
        attempt_id=attempt_id,
        at=now,
    )
    _put_price(session, row, agreement, use)
    _enter(session, row)


def _enter(session: Session, row: AccountEntryRow) -> None:
    """The entry stands, and what waits for the person's quota was looked at again."""
    session.add(row)
    session.flush()
    quotas.settle(session, row.lab_id, row.person_id, now=row.at)


def _measured(attempt: AttemptRow, share: float) -> Use:
    """What so much of the attempt took, by its program's grams and the time that it ran."""
    grams, ran_s = attempts.used_g(attempt), attempts.ran_s(attempt)
    return Use(
        None if grams is None else Span.exactly(grams * share),
        None if ran_s is None else Span.exactly(ran_s / 60 * share),
    )


def _put_price(session: Session, row: AccountEntryRow, agreement: AgreementRow, use: Use) -> None:
    if agreement.rates is None or agreement.currency is None:
        return
    digits = currencies.digits(agreement.currency)
    charged = _charged(session, agreement.order_id)
    rates = Rates.model_validate(agreement.rates)
    sum_ = prices.price(rates, use, digits=digits, with_order=charged is None)
    cap = None if agreement.opened_at else agreement.cap
    due = prices.within(sum_.known, cap=cap, charged=charged or 0)
    row.amount, row.above_cap = -due, sum_.known - due
    row.lines = {line.item.value: line.high for line in sum_.lines}


def _charged(session: Session, order_id: str) -> int | None:
    """What the order was charged, corrections included; None while it never was."""
    of_order = select(func.count(), func.sum(AccountEntryRow.amount)).where(
        AccountEntryRow.order_id == order_id
    )
    count, amount = session.exec(of_order).one()
    return -int(amount) if count else None


def open_cap(session: Session, order_id: str, *, by: str, now: datetime) -> None:
    """Whoever ordered agrees to pay what was measured, above what was agreed: what was left out so
    far is charged. NotFound for an order that is not theirs; said twice it counts once."""
    order = session.get(BuildOrderRow, order_id)
    agreement = session.get(AgreementRow, order_id, with_for_update=True)
    if order is None or agreement is None or order.ordered_by != by:
        raise NotFound(f"there is no order {order_id[:64]} of yours")
    if agreement.opened_at is not None:
        return
    agreement.opened_at = now
    session.add(agreement)
    of_order = session.exec(
        select(AccountEntryRow).where(
            AccountEntryRow.order_id == order_id, AccountEntryRow.kind == Kind.CHARGE
        )
    ).all()
    gone = _corrected(session, [it.id for it in of_order])
    left_out = sum(it.above_cap for it in of_order if it.id not in gone)
    if left_out:
        row = AccountEntryRow(
            id=new_id(), lab_id=order.lab_id, person_id=by, kind=Kind.AGREED, amount=-left_out,
            currency=agreement.currency, why="what was above the price that was agreed",
            order_id=order_id, by=by, at=now,
        )  # fmt: skip
        _enter(session, row)
    session.flush()


def pay(session: Session, wanted: Payment, *, lab_id: str, by: str, now: datetime) -> Entry:
    """It is written down that the person has paid this in. NotFound for nobody; InvalidInput for an
    amount of nothing, or a currency that is none."""
    currencies.digits(wanted.currency)
    if wanted.amount == 0:
        raise InvalidInput("amount: is 0; say what was paid in, below 0 what was paid back")
    person = session.exec(
        select(PersonRow).where(PersonRow.handle == wanted.handle.strip().lower())
    ).first()
    if person is None:
        raise NotFound(f"nobody here has the handle '{wanted.handle[:40]}'")
    row = AccountEntryRow(
        id=new_id(), lab_id=lab_id, person_id=person.id, kind=Kind.PAID, amount=wanted.amount,
        currency=wanted.currency, why=wanted.why.strip(), by=by, at=now,
    )  # fmt: skip
    _enter(session, row)
    return _shown(session, row)


def take_back(
    session: Session, entry_id: str, why: str, *, lab_id: str, by: str, now: datetime
) -> Entry:
    """A further entry undoes this one, with what it counted. NotFound for an entry that the lab
    does not have; Conflict when it was taken back, or takes another back."""
    wrong = session.get(AccountEntryRow, entry_id, with_for_update=True)
    if wrong is None or wrong.lab_id != lab_id:
        raise NotFound(f"there is no entry {entry_id[:64]} in this lab's accounts")
    if wrong.corrects is not None or _corrected(session, [entry_id]):
        raise Conflict("this entry was taken back already; write down what is right as a new one")
    row = AccountEntryRow(
        id=new_id(), lab_id=lab_id, person_id=wrong.person_id, kind=Kind.CORRECTION,
        amount=-wrong.amount, currency=wrong.currency, why=why, prints=-wrong.prints,
        grams=-wrong.grams, minutes=-wrong.minutes, order_id=wrong.order_id,
        attempt_id=wrong.attempt_id, corrects=wrong.id, by=by, at=now,
    )  # fmt: skip
    _enter(session, row)
    return _shown(session, row)


def _corrected(session: Session, ids: Iterable[str]) -> set[str]:
    """Those of the entries that were taken back."""
    undone = col(AccountEntryRow.corrects)
    found = session.exec(select(undone).where(undone.in_(list(ids))))
    return {it for it in found if it is not None}


def entries_of(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[Entry]:
    """What changed the person's balances, at every lab, the latest first."""
    return _listed(session, AccountEntryRow.person_id == person_id, stretch)


def entries_at(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[Entry]:
    """What changed balances at the lab, the latest first."""
    return _listed(session, AccountEntryRow.lab_id == lab_id, stretch)


def every_entry(
    session: Session, *, lab_id: str | None = None, person_id: str | None = None
) -> Iterator[Entry]:
    """All entries of a lab, or of a person, the oldest first."""
    which = (
        col(AccountEntryRow.lab_id) == lab_id
        if lab_id
        else (col(AccountEntryRow.person_id) == person_id)
    )
    rows = session.exec(
        select(AccountEntryRow)
        .where(which)
        .order_by(col(AccountEntryRow.at), col(AccountEntryRow.id))
    ).all()
    yield from _all_shown(session, rows)


def _listed(session: Session, which: bool, stretch: Stretch) -> Page[Entry]:
    wanted = select(AccountEntryRow).where(which)
    keys = latest_first(AccountEntryRow.at, AccountEntryRow.id)
    page = read_page(session, wanted, keys, stretch)
    return page.holding(_all_shown(session, page.entries))


def _shown(session: Session, row: AccountEntryRow) -> Entry:
    return _all_shown(session, [row])[0]


def _all_shown(session: Session, rows: Sequence[AccountEntryRow]) -> list[Entry]:
    people_ids = {it for row in rows for it in (row.person_id, row.by) if it}
    people = session.exec(select(PersonRow).where(col(PersonRow.id).in_(people_ids)))
    names = {it.id: (it.name, it.handle) for it in people}
    lab_ids = {row.lab_id for row in rows}
    labs = {it.id: it for it in session.exec(select(LabRow).where(col(LabRow.id).in_(lab_ids)))}
    gone = _corrected(session, [row.id for row in rows])
    return [
        Entry(
            id=row.id,
            kind=Kind(row.kind),
            at=row.at,
            lab=labs[row.lab_id].name,
            lab_slug=labs[row.lab_id].slug,
            person=names[row.person_id][0],
            handle=names[row.person_id][1],
            amount=row.amount,
            currency=row.currency,
            why=row.why,
            prints=row.prints,
            grams=row.grams,
            minutes=row.minutes,
            lines=row.lines,
            above_cap=row.above_cap,
            order_id=row.order_id,
            attempt_id=row.attempt_id,
            corrects=row.corrects,
            taken_back=row.id in gone,
            by=names[row.by][0] if row.by else None,
        )
        for row in rows
    ]


def balances_of(session: Session, person_id: str) -> list[Balance]:
    """The person's balance at each lab, by its name, for each currency."""
    return _balances(session, col(AccountEntryRow.person_id) == person_id)


def balances_at(session: Session, lab_id: str) -> list[Balance]:
    """Everybody's balance at the lab, by their names, for each currency."""
    return _balances(session, col(AccountEntryRow.lab_id) == lab_id)


def _balances(session: Session, which: ColumnElement[bool]) -> list[Balance]:
    keys = (
        col(LabRow.name), col(LabRow.slug), col(PersonRow.name), col(PersonRow.handle),
        col(AccountEntryRow.currency),
    )  # fmt: skip
    rows = session.execute(
        sa.select(*keys, func.sum(AccountEntryRow.amount))
        .select_from(AccountEntryRow)
        .join(LabRow, col(LabRow.id) == col(AccountEntryRow.lab_id))
        .join(PersonRow, col(PersonRow.id) == col(AccountEntryRow.person_id))
        .where(which, col(AccountEntryRow.currency).is_not(None))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Balance(lab, slug, person, handle, int(amount), currency)
        for lab, slug, person, handle, currency, amount in rows
    ]
