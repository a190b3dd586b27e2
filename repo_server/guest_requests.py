"""Requests of people without an account: sent, confirmed, followed and withdrawn by their guests.

A guest follows theirs at a private address (repo_server.private_links) and needs nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from commons.content import content_id
from commons.errors import Conflict, FieldProblem, InvalidInput
from commons.guests import CONFIRM_WITHIN, WINDOW, Answer, Stage, is_email, require_room
from commons.job import JobState
from commons.texts import filled, later
from commons.variants import Values, told
from commons.wire import Asked, Sha256
from repo_server import (
    decisions,
    designs,
    guest_desks,
    guest_letters,
    heads,
    idempotency,
    labs,
    matches,
    news,
    variants,
    waiting,
)
from repo_server.guest_fates import Fate, fates_of, stage_of
from repo_server.ids import new_id
from repo_server.order_requests import Copies, PartName
from repo_server.private_links import require_private
from repo_server.tables import AgreementRow, BuildOrderRow, GuestRequestRow, JobRow, LabRow


class NewGuestRequest(Asked):
    """What somebody without an account asks a lab to make: `copies` of a part of a release, with
    values of theirs for parameters of its source (`variant`), or what `wish` says in words.
    `email`, or `reach` in words, is how the lab answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=80)]
    email: Annotated[str, Field(max_length=250)] | None = None
    reach: Annotated[str, Field(max_length=200)] = ""
    message: Annotated[str, Field(max_length=2000)] = ""
    wish: Annotated[str, Field(max_length=1000)] = ""
    release_id: Sha256 | None = None
    part: PartName | None = None
    copies: Copies = 1
    variant: Annotated[Values, Field(max_length=100, default_factory=dict)]
    material: Annotated[str, Field(max_length=80)] = ""
    until: date | None = None

    def problems(self, now: datetime) -> Iterator[FieldProblem]:
        """Every field that cannot be as it is, given the others and the day."""
        if self.email is not None and not is_email(self.email):
            yield FieldProblem("email", later("is not an e-mail address"))
        if self.email is None and not self.reach:
            yield FieldProblem("email", later("give one, or say how else the lab reaches you"))
        if (self.release_id is None) != (self.part is None):
            yield FieldProblem("part", later("a release and its part are named together"))
        if self.release_id is None and self.variant:
            yield FieldProblem("variant", later("is of a part: name its release and the part"))
        if self.release_id is None and not self.wish:
            yield FieldProblem("wish", later("say what is to be made"))
        if self.until is not None and self.until < now.date():
            yield FieldProblem("until", later("has passed already; choose a later day, or none"))

    def kept(self) -> dict[str, Any]:
        """What is kept of it, by column."""
        said = self.model_dump(mode="json", exclude={"until"})
        email = self.email and self.email.lower()
        return {**said, "until": self.until, "email": email, "variant": self.variant or None}


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a request came from (a mark that names nobody), under which key of its sender, and
    whether this server can send e-mails."""

    sender: str
    key: str | None
    mails: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """A request as its guest sees it. What is expected to be paid is in the smallest units of
    `currency`, None where nothing was told. Once `erased`, its words are gone."""

    id: str
    lab: str
    lab_slug: str
    stage: Stage
    title: str
    part: str | None
    copies: int
    variant: str
    wish: str
    material: str
    until: date | None
    asked_at: datetime
    answered_at: datetime | None
    word: str
    currency: str | None
    low: int | None
    high: int | None
    email: str | None
    confirmed: bool
    may_withdraw: bool
    erased: bool


def ask(
    session: Session, wanted: NewGuestRequest, sent: Sent, *, lab: str, now: datetime
) -> GuestRequestRow:
    """The lab has the request; its operators hear of it, once its address is confirmed where this
    server can ask for that. The same request under the same key is the same one.

    Conflict where the lab takes none, the release was yanked, or the key came with another request;
    TooMany for too many; NotFound for a release or part that is none.
    """
    of = labs.lab_of(session, lab)
    # Of two at once the second finds the first: as the same request, or as one more that is open.
    session.exec(select(LabRow.id).where(LabRow.id == of.id).with_for_update(key_share=True))
    keyed = _keyed(of, wanted, sent)
    if (known := _under(session, keyed)) is not None:
        return known
    guest_desks.require_open(session, of)
    _require_makeable(session, wanted, now)
    require_room(
        open_=_count(session, GuestRequestRow.lab_id == of.id, GuestRequestRow.answer == "open"),
        of_sender=_count(session, GuestRequestRow.sender == sent.sender, _within(now)),
        at_lab=_count(session, GuestRequestRow.lab_id == of.id, _within(now)),
    )
    row = GuestRequestRow(
        id=new_id(),
        lab_id=of.id,
        **keyed,
        sender=sent.sender,
        asked_at=now,
        answer=Answer.OPEN,
        **wanted.kept(),
    )
    session.add(row)
    session.flush()
    if sent.mails and row.email is not None:
        guest_letters.ask_to_confirm(session, row, now=now)
    else:
        news.tell_of_request(session, of, now=now)
    return row


def _keyed(lab: LabRow, wanted: NewGuestRequest, sent: Sent) -> dict[str, Any]:
    """Under which hashes the request is known again, by column."""
    request = content_id(f"{lab.id}\n{wanted.model_dump_json()}".encode())
    if sent.key is None:
        return {"key_sha256": None, "request_sha256": request}
    idempotency.require_key(sent.key)
    key = content_id(f"{lab.id}\n{sent.key}".encode())
    return {"key_sha256": key, "request_sha256": request}


def _under(session: Session, keyed: dict[str, Any]) -> GuestRequestRow | None:
    """The request that came under that key before."""
    if keyed["key_sha256"] is None:
        return None
    same = GuestRequestRow.key_sha256 == keyed["key_sha256"]
    known = session.exec(select(GuestRequestRow).where(same)).first()
    if known is not None and known.request_sha256 != keyed["request_sha256"]:
        raise Conflict(later("this key came with another request; use a new one"))
    return known


def _require_makeable(session: Session, wanted: NewGuestRequest, now: datetime) -> None:
    if problems := list(wanted.problems(now)):
        raise InvalidInput("; ".join(map(str, problems)), problems)
    if wanted.release_id is not None and wanted.part is not None:
        asked = wanted.release_id, wanted.part
        _, drawn = variants.wanted(session, *asked, wanted.variant)
        if drawn is None:  # else it is drawn once somebody approved it
            matches.buildable(session, *asked)
        heads.require_standing(session, wanted.release_id)


def _within(now: datetime) -> ColumnElement[bool]:
    return col(GuestRequestRow.asked_at) > now - WINDOW


def _count(session: Session, *which: bool | ColumnElement[bool]) -> int:
    return session.exec(select(func.count(col(GuestRequestRow.id))).where(*which)).one()


def confirm(
    session: Session, request_id: str, token: str, *, secret: bytes, now: datetime
) -> GuestRequestRow:
    """The address of the request is its guest's, and the lab's operators hear of it; said again it
    stays so. Conflict once the link has ended, or the request has."""
    require_private(guest_letters.path_to_confirm(request_id), token, secret)
    row = session.get_one(GuestRequestRow, request_id, with_for_update=True)
    if row.confirmed_at is not None:
        return row
    if row.answer in (Answer.WITHDRAWN, Answer.DECLINED):
        raise Conflict(later("this request has ended; there is nothing to confirm any more"))
    if now > row.asked_at + CONFIRM_WITHIN:
        raise Conflict(
            filled(
                "this link was good for %(days)s days; send the request again, and confirm that",
                days=CONFIRM_WITHIN.days,
            )
        )
    row.confirmed_at = now
    session.add(row)
    session.flush()
    if row.answer == Answer.OPEN:
        news.tell_of_request(session, session.get_one(LabRow, row.lab_id), now=now)
    return row


def follow(session: Session, request_id: str, token: str, *, secret: bytes) -> Followed:
    """The request as its guest sees it; NotFound for every address but its own."""
    require_private(guest_letters.path_of(request_id), token, secret)
    return _followed(session, session.get_one(GuestRequestRow, request_id))


def _followed(session: Session, row: GuestRequestRow) -> Followed:
    fate = fates_of(session, [row.id])[row.id]
    lab = session.get_one(LabRow, row.lab_id)
    agreed = session.get(AgreementRow, fate.order_id) if fate.order_id else None
    same = {name: getattr(row, name) for name in _SAME}
    return Followed(
        **same,
        lab=lab.name,
        lab_slug=lab.slug,
        stage=stage_of(row, fate),
        title=title_of(session, row),
        variant=told(row.variant or {}),
        word=row.word or fate.said,
        currency=agreed.currency if agreed else None,
        low=agreed.low if agreed else None,
        high=agreed.high if agreed else None,
        confirmed=row.confirmed_at is not None,
        may_withdraw=_may_withdraw(row, fate),
        erased=row.erased_at is not None,
    )


_SAME = ("id", "part", "copies", "wish", "material", "until", "asked_at", "answered_at", "email")


def title_of(session: Session, row: GuestRequestRow) -> str:
    """The design that is asked for; empty where it is asked for in words."""
    if row.release_id is None:
        return ""
    release = designs.show_release(session, row.release_id)
    return f"{release.manifest.name} {release.version}"


def _may_withdraw(row: GuestRequestRow, fate: Fate) -> bool:
    """Until something of it is prepared or made."""
    if row.answer == Answer.APPROVED:
        jobs = set(fate.jobs) - {JobState.CANCELLED}
        return fate.held_back or jobs == {JobState.QUEUED}
    return row.answer == Answer.OPEN


def withdraw(
    session: Session, request_id: str, token: str, *, secret: bytes, now: datetime
) -> Followed:
    """The guest does not want it any more, and what waits of it is made no more.

    Conflict once something of it is prepared or made, and once the request has ended.
    """
    require_private(guest_letters.path_of(request_id), token, secret)
    row = session.get_one(GuestRequestRow, request_id, with_for_update=True)
    fate = fates_of(session, [row.id])[row.id]
    if row.answer in (Answer.WITHDRAWN, Answer.DECLINED):
        raise Conflict(later("this request has ended already; there is nothing to withdraw"))
    if not _may_withdraw(row, fate):
        raise Conflict(later("it is being made, or was; ask the lab itself"))
    if row.answer == Answer.APPROVED and row.answered_by is not None:
        _take_back(session, fate, by=row.answered_by, now=now)
    row.answer, row.answered_by, row.answered_at = Answer.WITHDRAWN, None, now
    session.add(row)
    session.flush()
    return _followed(session, row)


def _take_back(session: Session, fate: Fate, *, by: str, now: datetime) -> None:
    """Nothing of the order is made any more: it is cancelled as whoever approved it could."""
    if fate.held_back and fate.waiting_id is not None:
        waiting.withdraw(session, fate.waiting_id, by=by, now=now)
    jobs = (
        select(JobRow)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(BuildOrderRow.id == fate.order_id, JobRow.state == JobState.QUEUED)
    )
    for job in session.exec(jobs).all():
        decisions.cancel(session, job, by=by, now=now)
