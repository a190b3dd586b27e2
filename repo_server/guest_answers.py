"""What a lab's operators see of guests' requests, and what they answer: each is answered once.

An approved request is an order of whoever approved it: it is checked, counted and judged as every
other, and names the request and not the guest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from sqlmodel import Session, case, col, func, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.guests import Answer, Stage
from commons.licences.purposes import Purpose
from commons.machine import MATERIALS
from commons.texts import filled, later
from commons.variants import Value, told
from commons.wire import Asked, Sha256
from repo_server import guest_letters, waiting
from repo_server.guest_fates import Fate, fates_of, stage_of
from repo_server.order_requests import Copies, OrderRequest, PartName, When
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import GuestRequestRow, PersonRow, ReleaseRow
from repo_server.waiting import WaitingOrder


class Approval(Asked):
    """How the lab makes what a guest asks for: as asked, but for what is said here. `purpose` is
    whether it is a gift of the lab's, or the guest pays. `word` is told to the guest."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    purpose: Literal[Purpose.GIFT, Purpose.FOR_PAY]
    release_id: Sha256 | None = None
    part: PartName | None = None
    copies: Copies | None = None
    material: Annotated[str, Field(max_length=40)] | None = None
    word: Annotated[str, Field(max_length=500)] = ""


class Refusal(Asked):
    """Why the lab does not make it, as its guest reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, Field(min_length=3, max_length=500)]


@dataclass(frozen=True, slots=True)
class GuestRequest:
    """A request as the lab's operators see it. `confirmed`: its guest has the address. `word` is
    what was said to it; once `erased`, nothing says whose it was."""

    id: str
    stage: Stage
    name: str
    email: str | None
    confirmed: bool
    reach: str
    message: str
    title: str
    release_id: str | None
    part: str | None
    copies: int
    variant: str
    wish: str
    material: str
    until: date | None
    asked_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    word: str
    order_id: str | None
    waiting_id: str | None
    erased: bool


def of_lab(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[GuestRequest]:
    """The lab's requests: those that nobody has answered first, the latest before older ones."""
    unanswered = case((col(GuestRequestRow.answer) == Answer.OPEN, 1), else_=0)
    keys = Keys(falls=True, open=unanswered, at=GuestRequestRow.asked_at, id=GuestRequestRow.id)
    wanted = select(GuestRequestRow).where(GuestRequestRow.lab_id == lab_id)
    page = read_page(session, wanted, keys, stretch)
    return page.holding(_all_shown(session, list(page.entries)))


def number_open(session: Session, lab_id: str) -> int:
    """How many of the lab's requests nobody has answered."""
    unanswered = (GuestRequestRow.lab_id == lab_id, GuestRequestRow.answer == Answer.OPEN)
    return session.exec(select(func.count(col(GuestRequestRow.id))).where(*unanswered)).one()


def approve(
    session: Session, request_id: str, wanted: Approval, *, lab_id: str, by: str, now: datetime
) -> GuestRequest:
    """The lab makes it: it is an order of `by`, in the queue or waiting as any other would.

    Raises as ordering does, and nothing is answered then; Conflict when somebody answered before.
    """
    row = _open(session, request_id, lab_id)
    order = _order(row, wanted, now)
    _answer(session, row, Answer.APPROVED, wanted.word, by=by, now=now)
    placed = waiting.place_or_wait(session, order, lab_id=lab_id, by=by, now=now, guest_id=row.id)
    stands = None if isinstance(placed, WaitingOrder) else placed.order
    guest_letters.tell_approved(session, row, stands, now=now)
    return _all_shown(session, [row])[0]


def decline(
    session: Session, request_id: str, wanted: Refusal, *, lab_id: str, by: str, now: datetime
) -> GuestRequest:
    """The lab does not make it, and says why; Conflict when somebody answered before."""
    row = _open(session, request_id, lab_id)
    _answer(session, row, Answer.DECLINED, wanted.reason, by=by, now=now)
    guest_letters.tell_declined(session, row, now=now)
    return _all_shown(session, [row])[0]


def _open(session: Session, request_id: str, lab_id: str) -> GuestRequestRow:
    """The request, locked; whoever answers at the same time comes after, and finds it answered."""
    row = session.get(GuestRequestRow, request_id, with_for_update=True)
    if row is None or row.lab_id != lab_id:
        raise NotFound(f"there is no request {request_id[:64]} at this lab")
    if row.answer == Answer.OPEN:
        return row
    if row.answer == Answer.WITHDRAWN:
        raise Conflict(later("its guest has withdrawn it; there is nothing to answer any more"))
    if row.answered_by is None:
        raise Conflict(later("nobody answered it for so long that it has ended"))
    name = session.get_one(PersonRow, row.answered_by).name
    if row.answer == Answer.APPROVED:
        raise Conflict(filled("%(name)s has approved this request already", name=name))
    raise Conflict(filled("%(name)s has declined this request already", name=name))


def _answer(
    session: Session, row: GuestRequestRow, answer: Answer, word: str, *, by: str, now: datetime
) -> None:
    row.answer, row.word, row.answered_by, row.answered_at = answer, word, by, now
    session.add(row)
    session.flush()


def _order(row: GuestRequestRow, wanted: Approval, now: datetime) -> OrderRequest:
    """What is ordered: as the guest asks, but for what the operator says."""
    release_id, part = wanted.release_id or row.release_id, wanted.part or row.part
    if release_id is None or part is None:
        problem = FieldProblem(
            "release_id",
            later("is asked for in words: name the release and the part that you make for it"),
        )
        raise InvalidInput(str(problem), [problem])
    wish = row.material.lower()
    return OrderRequest(
        release_id=release_id,
        part=part,
        copies=wanted.copies or row.copies,
        material=wanted.material or (wish if wish in MATERIALS else None),
        purpose=wanted.purpose,
        variant=_variant(row, release_id, part),
        when=When(deadline=_end_of(row.until, now)),
    )


def _variant(row: GuestRequestRow, release_id: str, part: str) -> dict[str, Value]:
    """The values that the guest asks for, where it is that part of that release that is made."""
    return (row.variant or {}) if (release_id, part) == (row.release_id, row.part) else {}


def _end_of(day: date | None, now: datetime) -> datetime | None:
    """The end of that day (UTC); None without one, and once it has passed."""
    if day is None or day < now.date():
        return None
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _all_shown(session: Session, rows: list[GuestRequestRow]) -> list[GuestRequest]:
    fates = fates_of(session, [row.id for row in rows])
    names = _names(session, {row.answered_by for row in rows if row.answered_by})
    ids = {row.release_id for row in rows if row.release_id}
    releases = select(ReleaseRow).where(col(ReleaseRow.id).in_(ids))
    titles = {it.id: f"{it.name} {it.version}" for it in session.exec(releases)}
    return [_shown(row, fates[row.id], titles, names) for row in rows]


def _names(session: Session, ids: set[str]) -> dict[str, str]:
    found = select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(ids))
    return dict(session.exec(found).all())


_SAME = ("id", "name", "email", "reach", "message", "release_id", "part", "copies", "wish",
         "material", "until", "asked_at", "answered_at")  # fmt: skip


def _shown(
    row: GuestRequestRow, fate: Fate, titles: Mapping[str, str], names: Mapping[str, str]
) -> GuestRequest:
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    return GuestRequest(
        **same,
        stage=stage_of(row, fate),
        confirmed=row.confirmed_at is not None,
        title=titles.get(row.release_id or "", ""),
        variant=told(row.variant or {}),
        answered_by=names.get(row.answered_by or ""),
        word=row.word or fate.said,
        order_id=fate.order_id,
        waiting_id=fate.waiting_id if fate.held_back else None,
        erased=row.erased_at is not None,
    )
