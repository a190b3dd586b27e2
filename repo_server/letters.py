"""E-mails of this server on their way: written with what they tell of, sent by the worker, tried
again, and given up in the end."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlmodel import Session, col, delete, func, select

from commons.errors import Unavailable
from commons.texts import capitalise
from repo_server.db import ring_after
from repo_server.ids import new_id
from repo_server.private_links import private
from repo_server.settings import Post
from repo_server.tables import GuestRequestRow, LetterRow, PersonRow

PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4), timedelta(hours=20))
KEPT = timedelta(days=7)
_AT_ONCE = 50
_WAIT_S = 20.0
_MAX_SUBJECT = 120
_BODY = """\
{row.body}

{at}{row.path}

You chose to get such e-mails: {at}/me/news
"""
_BODY_TO_GUEST = """\
{row.body}

{at}{path}

This address is yours alone: keep it to yourself.
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent now, and to whom."""

    id: str
    address: str
    subject: str
    body: str
    at: datetime

    def message(self, sender: str) -> EmailMessage:
        """The e-mail as it is handed in."""
        message = EmailMessage()
        message["From"] = sender
        message["To"] = Address(addr_spec=self.address)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.at)
        message["Message-ID"] = f"<{self.id}@{sender.partition('@')[2] or 'cosmolocal'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.body)
        return message


def write(
    session: Session, person_id: str, subject: str, sentence: str, path: str, *, now: datetime
) -> None:
    """The person will get an e-mail that says this; `path` is the page that tells the rest."""
    _write(session, LetterRow(person_id=person_id, **_said(subject, sentence, path, now)))


def write_to_guest(
    session: Session, guest_id: str, subject: str, sentence: str, path: str, *, now: datetime
) -> None:
    """The guest who sent that request will get an e-mail that says this; the rest is told at the
    private address below `path`."""
    _write(session, LetterRow(guest_id=guest_id, **_said(subject, sentence, path, now)))


def _said(subject: str, sentence: str, path: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "subject": " ".join(subject.split())[:_MAX_SUBJECT],
        "body": f"{capitalise(sentence)}.",
        "path": path,
        "at": now,
        "next_at": now,
    }


def _write(session: Session, row: LetterRow) -> None:
    session.add(row)
    session.flush()
    ring_after(session, "mail_waiting")


def due(session: Session, base_url: str, secret: bytes, now: datetime) -> list[Letter]:
    """What is to be sent now, the longest due first; what is too old is forgotten.

    Private addresses in it are made with the server's secret now, and are stored nowhere."""
    session.exec(delete(LetterRow).where(col(LetterRow.at) < now - KEPT))
    wanted = (
        select(LetterRow, func.coalesce(PersonRow.email, GuestRequestRow.email))
        .join(PersonRow, col(PersonRow.id) == col(LetterRow.person_id), isouter=True)
        .join(GuestRequestRow, col(GuestRequestRow.id) == col(LetterRow.guest_id), isouter=True)
        .where(col(LetterRow.next_at) <= now)
        .order_by(col(LetterRow.next_at), col(LetterRow.id))
        .limit(_AT_ONCE)
    )
    return [
        Letter(row.id, email, row.subject, _body(row, base_url, secret), row.at)
        for row, email in session.exec(wanted)
    ]


def _body(row: LetterRow, base_url: str, secret: bytes) -> str:
    if row.guest_id is None:
        return _BODY.format(row=row, at=base_url)
    return _BODY_TO_GUEST.format(row=row, at=base_url, path=private(row.path, secret))


def note(session: Session, letter_id: str, problem: str, *, now: datetime) -> None:
    """The letter is done with (no problem), or waits for its next try, or is given up."""
    row = session.get(LetterRow, letter_id, with_for_update=True)
    if row is None or row.next_at is None:
        return
    row.tries += 1
    row.sentence, row.next_at = problem, None
    if problem and row.tries <= len(PAUSES):
        row.next_at = now + PAUSES[row.tries - 1]
    session.add(row)
    session.flush()


@contextmanager
def handing_in(post: Post) -> Iterator[smtplib.SMTP]:
    """A connection to where letters are handed in; Unavailable when there is none."""
    parts = urlsplit(post.url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(parts.hostname or "", parts.port or 0, timeout=_WAIT_S) as smtp:
            smtp.ehlo()
            if parts.scheme == "smtp" and smtp.has_extn("starttls"):
                smtp.starttls()
            if parts.username and post.password_file:
                smtp.login(unquote(parts.username), post.password_file.read_text().strip())
            yield smtp
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"no e-mail could be handed in at {parts.hostname}: {error}") from error


def send(smtp: smtplib.SMTP, letter: Letter, sender: str) -> str:
    """What went wrong with this letter, empty when it was taken."""
    try:
        smtp.send_message(letter.message(sender))
    except (
        ValueError,
        MessageError,
        smtplib.SMTPRecipientsRefused,
        smtplib.SMTPDataError,
    ) as error:
        return str(error)[:300]
    return ""
