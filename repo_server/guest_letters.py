"""E-mails to guests: one to confirm their address, and those that tell what came of a request.

What came of it is told to a confirmed address alone. Whether an address is known is told to nobody.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from commons.guests import MOST_LETTERS
from commons.licences.purposes import Purpose
from repo_server import currencies, letters
from repo_server.tables import AgreementRow, BuildOrderRow, GuestRequestRow, LabRow

_A_DAY = timedelta(days=1)


def path_of(request_id: str) -> str:
    """Below which path the request has its private address."""
    return f"/requests/{request_id}"


def path_to_confirm(request_id: str) -> str:
    """Below which path the address is that only a letter tells."""
    return f"{path_of(request_id)}/confirm"


def ask_to_confirm(session: Session, row: GuestRequestRow, *, now: datetime) -> None:
    """A letter with a link to confirm the address is on its way, unless the address got several of
    them within a day: nobody fills a stranger's box from here."""
    lately = select(func.count(col(GuestRequestRow.id))).where(
        GuestRequestRow.email == row.email, col(GuestRequestRow.letter_at) > now - _A_DAY
    )
    if session.exec(lately).one() >= MOST_LETTERS:
        return
    row.letter_at = now
    lab = session.get_one(LabRow, row.lab_id).name
    sentence = (
        f"somebody asked {lab} to make something and gave this address. If it was you, open the "
        "address below within 7 days and confirm it. If it was not, do nothing, and no more "
        "letters come"
    )
    path = path_to_confirm(row.id)
    letters.write_to_guest(session, row.id, f"Your request to {lab}", sentence, path, now=now)


def tell_approved(
    session: Session, row: GuestRequestRow, order: BuildOrderRow | None, *, now: datetime
) -> None:
    """The guest hears that the lab makes it, and about what it costs; or that it does once a word
    was said that the licence asks for."""
    if order is None:
        sentence = "it is approved, and is made once what it still waits for is there"
    else:
        sentence = f"it is approved and in the queue{_price(session, order)}"
    _tell(session, row, sentence + _word(row), now=now)


def tell_declined(session: Session, row: GuestRequestRow, *, now: datetime) -> None:
    """The guest hears that the lab does not make it, and why."""
    _tell(session, row, f"it is declined{_word(row)}", now=now)


def tell_ready(session: Session, order: BuildOrderRow, good: int, *, now: datetime) -> None:
    """The guest, if the order is for one, hears that it is made and can be collected."""
    row = session.get(GuestRequestRow, order.guest_id) if order.guest_id else None
    if row is not None:
        copies = "it is" if good == 1 else f"{good} are"
        _tell(session, row, f"{copies} made and ready: collect it at the lab", now=now)


def _tell(session: Session, row: GuestRequestRow, sentence: str, *, now: datetime) -> None:
    if row.email is None or row.confirmed_at is None:
        return
    lab = session.get_one(LabRow, row.lab_id).name
    subject, path = f"Your request to {lab}", path_of(row.id)
    letters.write_to_guest(session, row.id, subject, sentence, path, now=now)


def _word(row: GuestRequestRow) -> str:
    return f". The lab says: {row.word.rstrip('.')}" if row.word else ""


def _price(session: Session, order: BuildOrderRow) -> str:
    agreed = session.get(AgreementRow, order.id)
    if order.purpose == Purpose.GIFT:
        return ". It costs nothing"
    if agreed is None or agreed.currency is None or agreed.low is None or agreed.high is None:
        return ""
    low, high = (currencies.told(it, agreed.currency) for it in (agreed.low, agreed.high))
    return f". It will cost about {low if low == high else f'{low} to {high}'}"
