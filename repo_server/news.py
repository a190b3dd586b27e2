"""News for whoever ordered something: accepted, begun, made, failed, or waiting for their word.

They are kept with what they tell of, in its transaction. A person reads them on a page, in a feed
at an address that nobody guesses, and of the kinds that they choose, by e-mail.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, delete, func, select

from commons.errors import NotFound
from commons.job import JobState
from commons.wire import Asked
from repo_server import guest_letters, letters, published
from repo_server.db import keep_new, look
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    LabRow,
    NewsChoiceRow,
    NewsRow,
    ReleaseRow,
    WaitingOrderRow,
)
from repo_server.tables.people import LabRole

KEPT = timedelta(days=180)
_TOKEN_DIGITS = 40
_ANSWER = (LabRole.OPERATOR, LabRole.MANAGER)
_OVER = (JobState.DONE, JobState.REJECTED, JobState.CANCELLED)
# Made once: every order asks them.
_LAB = columns(col(LabRow.name), col(LabRow.slug)).where(col(LabRow.id) == bindparam("lab_id"))
_MAILED = columns(col(NewsChoiceRow.mailed)).where(
    col(NewsChoiceRow.person_id) == bindparam("person_id")
)


class Kind(StrEnum):
    ACCEPTED = "accepted"
    STARTED = "started"
    NEEDS_YOU = "needs_you"
    DONE = "done"
    FAILED = "failed"


class Choice(Asked):
    """The kinds of news that come by e-mail."""

    mailed: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody has chosen; `feed` numbers their feed, None where they have none."""

    mailed: tuple[Kind, ...]
    feed: int | None


def tell_of_order(session: Session, order: BuildOrderRow) -> None:
    """Whoever ordered hears that the order stands."""
    name, slug = look(session, _LAB, lab_id=order.lab_id).one()
    sentence = f"it is in the queue of {name}"
    _tell(session, order, Kind.ACCEPTED, sentence, f"/labs/{slug}", now=order.ordered_at)


def tell_of_job(session: Session, job: JobRow, state: JobState, *, now: datetime) -> None:
    """Whoever ordered hears when the first of the order begins, when one fails or is to be made
    again, and once, when all of it is over and something is good."""
    match state:
        case JobState.RUNNING:
            if not _was_told(session, job.order_id, Kind.STARTED):
                _tell_of(session, job, Kind.STARTED, "it is being made", now=now)
        case JobState.FAILED | JobState.REFUSED | JobState.REJECTED:
            _tell_of(session, job, Kind.FAILED, f"it was not made: {job.sentence}", now=now)
        case JobState.QUEUED if job.attempt_id is None and _was_told(
            session, job.order_id, Kind.FAILED
        ):
            _tell_of(session, job, Kind.FAILED, "it failed, and is made again", now=now)
        case _:
            pass


def tell_if_done(session: Session, job: JobRow, *, now: datetime) -> None:
    """Whoever ordered hears that everything they ordered was made, and where it lies; nothing while
    some of it is still to be made."""
    states = session.exec(select(JobRow.state).where(JobRow.order_id == job.order_id)).all()
    if any(state not in _OVER for state in states):
        return
    good = session.exec(
        select(func.sum(AttemptRow.good_copies))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .where(JobRow.order_id == job.order_id)
    ).one()
    if good:
        lab = session.get_one(LabRow, job.lab_id)
        copies = "it is" if good == 1 else f"{good} are"
        _tell_of(session, job, Kind.DONE, f"{copies} good: collect it at {lab.name}", now=now)
        order = session.get_one(BuildOrderRow, job.order_id)
        guest_letters.tell_ready(session, order, good, now=now)


def tell_of_quota(session: Session, job: JobRow, *, now: datetime) -> None:
    """Whoever ordered hears that the job waits for their quota; once an order."""
    if not _was_told(session, job.order_id, Kind.NEEDS_YOU):
        _tell_of(session, job, Kind.NEEDS_YOU, f"it {job.over_quota}", now=now)


def tell_of_waiting(session: Session, waiting: WaitingOrderRow, *, now: datetime) -> None:
    """Whoever ordered hears that the order waits for a word."""
    release = session.get_one(ReleaseRow, str(waiting.wanted["release_id"]))
    title = f"{waiting.wanted['copies']} × {waiting.wanted['part']}, {release.name}"
    row = NewsRow(
        id=new_id(),
        person_id=waiting.ordered_by,
        kind=Kind.NEEDS_YOU,
        title=title,
        sentence=f"it waits for a word: {waiting.answer['sentence']}",
        path=f"/waiting-orders/{waiting.id}",
        at=now,
    )
    _keep(session, row)


def tell_of_request(session: Session, lab: LabRow, *, now: datetime) -> None:
    """Those who stand at the lab's machines hear that a guest asks for something; not who."""
    of_lab = (LabRoleRow.lab_id == lab.id, col(LabRoleRow.role).in_(_ANSWER))
    for person_id in session.exec(select(LabRoleRow.person_id).where(*of_lab)).all():
        row = NewsRow(
            id=new_id(),
            person_id=person_id,
            kind=Kind.NEEDS_YOU,
            title=f"A guest's request to {lab.name}",
            sentence="somebody without an account asks for something: approve it, or decline it",
            path=f"/labs/{lab.slug}/requests",
            at=now,
        )
        _keep(session, row)


def _was_told(session: Session, order_id: str, kind: Kind) -> bool:
    told = select(NewsRow.id).where(NewsRow.order_id == order_id, NewsRow.kind == kind).limit(1)
    return session.exec(told).first() is not None


def _tell_of(session: Session, job: JobRow, kind: Kind, sentence: str, *, now: datetime) -> None:
    order = session.get_one(BuildOrderRow, job.order_id)
    lab = session.get_one(LabRow, job.lab_id)
    _tell(session, order, kind, sentence, f"/labs/{lab.slug}/jobs/{job.id}", now=now)


def _tell(
    session: Session, order: BuildOrderRow, kind: Kind, sentence: str, path: str, *, now: datetime
) -> None:
    release = published.show(session, order.release_id) if order.release_id else None
    row = NewsRow(
        id=new_id(),
        person_id=order.ordered_by,
        order_id=order.id,
        kind=kind,
        title=f"{order.copies} × {order.part}" + (f", {release.name}" if release else ""),
        sentence=sentence,
        path=path,
        at=now,
    )
    _keep(session, row)


def _keep(session: Session, row: NewsRow) -> None:
    keep_new(session, row)
    mailed = look(session, _MAILED, person_id=row.person_id).scalar()
    if mailed is not None and row.kind in mailed:
        letters.write(session, row.person_id, row.title, row.sentence, row.path, now=row.at)
        session.flush()


def of_person(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[NewsRow]:
    """The person's news, the latest first."""
    wanted = select(NewsRow).where(NewsRow.person_id == person_id)
    return read_page(session, wanted, latest_first(NewsRow.at, NewsRow.id), stretch)


def chosen_by(session: Session, person_id: str) -> Chosen:
    """What the person has chosen; without a word no e-mails and no feed."""
    row = session.get(NewsChoiceRow, person_id)
    return Chosen((), None) if row is None else Chosen(tuple(map(Kind, row.mailed)), row.feed)


def choose(session: Session, person_id: str, wanted: Choice) -> None:
    """These kinds of news come by e-mail from now on."""
    row = _choice(session, person_id)
    row.mailed = sorted(set(wanted.mailed))
    session.add(row)
    session.flush()


def turn_feed(session: Session, person_id: str, *, on: bool) -> None:
    """The person's feed has a new address, or none; the old one leads nowhere."""
    row = _choice(session, person_id)
    row.feed = None
    if on:
        row.feeds_made += 1
        row.feed = row.feeds_made
    session.add(row)
    session.flush()


def _choice(session: Session, person_id: str) -> NewsChoiceRow:
    row = session.get(NewsChoiceRow, person_id, with_for_update=True)
    return row or NewsChoiceRow(person_id=person_id, mailed=[])


def feed_token(person_id: str, feed: int, secret: bytes) -> str:
    """What makes the address of a feed one that nobody guesses."""
    return hmac.new(secret, f"news {person_id} {feed}".encode(), sha256).hexdigest()[:_TOKEN_DIGITS]


def require_feed(session: Session, person_id: str, token: str, secret: bytes) -> None:
    """Pass for the address of the person's feed as it is now; NotFound for any other."""
    feed = chosen_by(session, person_id[:64]).feed
    right = feed_token(person_id, feed, secret) if feed is not None else ""
    if not right or not hmac.compare_digest(right.encode(), token.encode()):
        raise NotFound("there is no such feed; its address may have been changed")


def forget_old(session: Session, now: datetime) -> None:
    """What is half a year old is no news."""
    session.exec(delete(NewsRow).where(col(NewsRow.at) < now - KEPT))
