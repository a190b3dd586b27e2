"""How much people may have made in a lab in each term, and which of their jobs wait for more.

What was made counts as it was measured, what waits or is being made as it was expected. A job for
which too little is left stays in the queue, and no machine gets it: it says until when, and whom to
ask. It is looked at again whenever something of its person's ends or is ordered, whenever the quota
changes, and when the next term begins.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, func, or_, select

from commons.errors import InvalidInput, NotFound
from commons.job import JobState
from commons.quotas import (
    Amounts,
    Claim,
    Kind,
    Limits,
    Shortage,
    Term,
    allot,
    days,
    month_of,
    shortage,
)
from commons.texts import later
from commons.wire import Asked
from repo_server import currencies, news
from repo_server.db import look
from repo_server.ids import new_id
from repo_server.prices import prices_of
from repo_server.tables import (
    AccountEntryRow,
    AgreementRow,
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    LabRow,
    PersonRow,
    QuotaRow,
)
from repo_server.tables.people import LabRole

_PAST = (
    JobState.DONE,
    JobState.REJECTED,
    JobState.FAILED,
    JobState.REFUSED,
    JobState.CANCELLED,
)
_MOST_NAMED = 3
# Made once: every order asks it.
_ANY_QUOTA = columns(col(QuotaRow.id)).where(col(QuotaRow.lab_id) == bindparam("lab_id")).limit(1)


class NewQuota(Asked):
    """How much one person (`handle`), or each who has `role`, may have made: exactly one of them.

    The term is from `first_day` to `last_day` (UTC), without them each month. What is left out is
    without limit; all left out takes the limits away. `money` is in the currency's smallest units.
    """

    handle: Annotated[str, Field(max_length=40)] | None = None
    role: LabRole | None = None
    first_day: date | None = None
    last_day: date | None = None
    prints: Annotated[int, Field(ge=0, le=10**6)] | None = None
    grams: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    minutes: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    money: Annotated[int, Field(ge=0, le=10**12)] | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if bool(self.handle) == bool(self.role):
            raise ValueError("handle: name either a person by their handle, or a role")
        if (self.first_day is None) != (self.last_day is None):
            raise ValueError(
                "last_day: a term has a first and a last day; leave out both for months"
            )
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("last_day: lies before first_day")
        return self


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """A quota as people read it: `person` or `role` has it; `term` is the one that runs now, None
    while none does."""

    id: str
    person: str | None
    handle: str | None
    role: LabRole | None
    first_day: date | None
    last_day: date | None
    limits: Limits
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody may have made in a lab in this term, what of it they had, and what waits."""

    term: Term
    limits: Limits
    used: Amounts
    reserved: Amounts


def set_quota(
    session: Session, wanted: NewQuota, *, lab_id: str, by: str, now: datetime
) -> QuotaRow:
    """The quota holds from now on, and what waits was looked at again. NotFound for nobody;
    InvalidInput for money where the lab has no currency."""
    if wanted.money is not None and prices_of(session, lab_id) is None:
        raise InvalidInput("money: set the lab's prices first, so that it has a currency")
    row = QuotaRow(
        id=new_id(),
        lab_id=lab_id,
        set_by=by,
        set_at=now,
        person_id=_person_id(session, wanted.handle) if wanted.handle else None,
        **wanted.model_dump(exclude={"handle"}),
    )
    session.add(row)
    session.flush()
    for person_id in _waiting_people(session, lab_id):
        settle(session, lab_id, person_id, now=now)
    return row


def _person_id(session: Session, handle: str) -> str:
    named = select(PersonRow.id).where(PersonRow.handle == handle.strip().lower())
    if (found := session.exec(named).first()) is None:
        raise NotFound(f"nobody here has the handle '{handle[:40]}'")
    return found


def _waiting_people(session: Session, lab_id: str) -> list[str]:
    """Who has queued jobs in the lab: in one order, so that two who lock several people's quotas
    never wait for each other."""
    wanted = (
        select(BuildOrderRow.ordered_by)
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .where(JobRow.lab_id == lab_id, JobRow.state == JobState.QUEUED)
        .distinct()
        .order_by(BuildOrderRow.ordered_by)
    )
    return list(session.exec(wanted))


def begin_terms(session: Session, *, now: datetime) -> None:
    """What waited for a term that has begun was looked at again."""
    wanted = (
        select(JobRow.lab_id, BuildOrderRow.ordered_by)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(col(JobRow.over_quota).is_not(None), col(JobRow.over_quota_until) <= now)
        .distinct()
        .order_by(JobRow.lab_id, BuildOrderRow.ordered_by)
    )
    for lab_id, person_id in session.exec(wanted).all():
        settle(session, lab_id, person_id, now=now)


def settle_for(session: Session, job: JobRow, *, now: datetime) -> None:
    """As `settle`, for whoever ordered the job."""
    if _any(session, job.lab_id):
        order = session.get_one(BuildOrderRow, job.order_id)
        settle(session, job.lab_id, order.ordered_by, now=now)


def in_force(
    session: Session, lab_id: str, person_id: str, *, now: datetime
) -> tuple[QuotaRow, Term] | None:
    """The person's quota now, and its term; None where nothing limits them. A term of days that is
    over limits nobody any more."""
    held = session.get(LabRoleRow, (person_id, lab_id))
    of_role = col(QuotaRow.role) == (held.role.value if held else None)
    theirs = col(QuotaRow.person_id) == person_id
    newest = (
        select(QuotaRow)
        .where(QuotaRow.lab_id == lab_id, or_(theirs, of_role))
        .order_by(col(QuotaRow.person_id).is_(None), col(QuotaRow.set_at).desc(), QuotaRow.id)
        .limit(1)
    )
    row = session.exec(newest).first()
    if row is None or _limits(row).are_none:
        return None
    if row.first_day is None or row.last_day is None:
        return row, month_of(now)
    term = days(row.first_day, row.last_day)
    return (row, term) if term.begins_at <= now < term.ends_at else None


def _limits(row: QuotaRow) -> Limits:
    return Limits(row.prints, row.grams, row.minutes, row.money)


def settle(session: Session, lab_id: str, person_id: str, *, now: datetime) -> None:
    """Each queued job of the person in the lab waits for their quota, or does so no longer.

    Two at once take turns, and the second sees what the first has left.
    """
    if not _any(session, lab_id):
        return
    session.exec(
        select(PersonRow.id).where(PersonRow.id == person_id).with_for_update(key_share=True)
    )
    found = in_force(session, lab_id, person_id, now=now)
    jobs = _open_jobs(session, lab_id, person_id)
    if found is None:
        lacking: list[Shortage | None] = [None] * len(jobs)
    else:
        row, term = found
        claims = [Claim(amounts, job.state is not JobState.QUEUED) for job, amounts in jobs]
        lacking = list(allot(_limits(row), _used(session, lab_id, person_id, term), claims))
    changed = {
        job.id: lacks
        for (job, _), lacks in zip(jobs, lacking, strict=True)
        if job.state is JobState.QUEUED and (lacks or job.over_quota)
    }
    # Whoever holds one of them just now settles after us.
    ours = select(JobRow).where(col(JobRow.id).in_(list(changed))).with_for_update(skip_locked=True)
    for job in session.exec(ours).all() if changed else ():
        lacks, until = changed[job.id], found and found[1].ends_at
        is_new = job.over_quota is None
        job.over_quota = _sentence(session, lab_id, lacks, found[1]) if lacks and found else None
        job.over_quota_until = until if lacks else None
        if job.parked_by is None:
            job.sentence = f"it {job.over_quota}" if job.over_quota else later("in the queue")
        session.add(job)
        if lacks and is_new:
            news.tell_of_quota(session, job, now=now)
    session.flush()


def _any(session: Session, lab_id: str) -> bool:
    """Whether the lab ever set a quota: most never do, and pay nothing for it."""
    return look(session, _ANY_QUOTA, lab_id=lab_id).first() is not None


def _open_jobs(session: Session, lab_id: str, person_id: str) -> list[tuple[JobRow, Amounts]]:
    """What has begun before what waits, each in the order in which it came; and what it takes."""
    rows = session.exec(
        select(JobRow, AgreementRow, BuildOrderRow.copies)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .join(AgreementRow, col(AgreementRow.order_id) == col(JobRow.order_id), isouter=True)
        .where(
            JobRow.lab_id == lab_id,
            BuildOrderRow.ordered_by == person_id,
            col(JobRow.state).not_in(_PAST),
        )
        .order_by(
            (col(JobRow.state) == JobState.QUEUED).asc(),
            col(JobRow.queued_at),
            col(JobRow.order_id),
            col(JobRow.copy_number),
        )
        .execution_options(populate_existing=True)
    )
    return [(job, _expected(job, agreement, copies)) for job, agreement, copies in rows]


def _expected(job: JobRow, agreement: AgreementRow | None, copies: int) -> Amounts:
    """What the job is expected to take; nothing of what is not known."""
    if agreement is None:
        return Amounts(prints=job.copies)
    share = job.copies / copies
    known = (agreement.grams or 0.0, agreement.minutes or 0.0, agreement.high or 0)
    return Amounts(job.copies, *(it * share for it in known))


def _used(session: Session, lab_id: str, person_id: str, term: Term) -> Amounts:
    """What the account says was made in the term."""
    entry = AccountEntryRow
    sums = session.exec(
        select(
            func.sum(entry.prints), func.sum(entry.grams), func.sum(entry.minutes),
            func.sum(-col(entry.amount)),
        ).where(
            entry.lab_id == lab_id,
            entry.person_id == person_id,
            entry.at >= term.begins_at,
            entry.at < term.ends_at,
            col(entry.order_id).is_not(None),
        )
    ).one()  # fmt: skip
    return Amounts(*(float(it or 0) for it in sums))


def standing(session: Session, lab_id: str, person_id: str, *, now: datetime) -> Standing | None:
    """What the person may have made in the lab in this term, and what they had of it; None where
    nothing limits them."""
    found = in_force(session, lab_id, person_id, now=now)
    if found is None:
        return None
    row, term = found
    reserved = Amounts()
    for job, amounts in _open_jobs(session, lab_id, person_id):
        if job.over_quota is None:
            reserved = reserved + amounts
    return Standing(term, _limits(row), _used(session, lab_id, person_id, term), reserved)


def standings_of(session: Session, person_id: str, *, now: datetime) -> list[tuple[str, Standing]]:
    """How the person stands in each lab that limits them, with the lab's name, by name."""
    theirs = (
        select(LabRow)
        .join(LabRoleRow, col(LabRoleRow.lab_id) == col(LabRow.id))
        .where(LabRoleRow.person_id == person_id)
        .order_by(LabRow.name, LabRow.id)
    )
    known = ((lab, standing(session, lab.id, person_id, now=now)) for lab in session.exec(theirs))
    return [(lab.name, it) for lab, it in known if it is not None]


def told_to(session: Session, need: Amounts, *, lab_id: str, by: str, now: datetime) -> str | None:
    """Why the person's quota is too small for that, in a sentence; None when it is not."""
    known = standing(session, lab_id, by, now=now)
    if known is None:
        return None
    lacks = shortage(known.limits, known.used + known.reserved, need)
    return None if lacks is None else _sentence(session, lab_id, lacks, known.term)


def _sentence(session: Session, lab_id: str, lacks: Shortage, term: Term) -> str:
    left, limit, need = (
        _told(session, lab_id, lacks.kind, it) for it in (lacks.left, lacks.limit, lacks.need)
    )
    whom = _who_sets(session, lab_id)
    return (
        f"waits for the quota: {left} of {limit} are left until {term.last_day:%-d %B}, "
        f"this needs {need}: ask {whom} or order fewer"
    )


def _told(session: Session, lab_id: str, kind: Kind, amount: float) -> str:
    if kind is Kind.MONEY:
        known = prices_of(session, lab_id)
        return currencies.told(round(amount), known.prices.currency) if known else f"{amount:g}"
    if kind is Kind.PRINTS:
        return f"{amount:g} print{'' if amount == 1 else 's'}"
    return f"{amount:.0f} {'g' if kind is Kind.GRAMS else 'min'}"


def _who_sets(session: Session, lab_id: str) -> str:
    names = (
        select(PersonRow.name)
        .join(LabRoleRow, col(LabRoleRow.person_id) == col(PersonRow.id))
        .where(LabRoleRow.lab_id == lab_id, LabRoleRow.role == LabRole.MANAGER)
        .order_by(PersonRow.name)
        .limit(_MOST_NAMED)
    )
    return ", ".join(session.exec(names)) or "the lab's managers"


def list_quotas(session: Session, lab_id: str) -> list[QuotaLine]:
    """The quotas that hold, those of people before those of roles; not such as limit nothing."""
    rows = session.exec(
        select(QuotaRow)
        .where(QuotaRow.lab_id == lab_id)
        .order_by(col(QuotaRow.set_at).desc(), QuotaRow.id)
    )
    newest: dict[tuple[str | None, str | None], QuotaRow] = {}
    for row in rows:
        newest.setdefault((row.person_id, row.role), row)
    lines = [_line(session, row) for row in newest.values() if not _limits(row).are_none]
    return sorted(lines, key=lambda it: (it.person is None, it.person or "", str(it.role)))


def _line(session: Session, row: QuotaRow) -> QuotaLine:
    person = session.get_one(PersonRow, row.person_id) if row.person_id else None
    return QuotaLine(
        id=row.id,
        person=person.name if person else None,
        handle=person.handle if person else None,
        role=LabRole(row.role) if row.role else None,
        first_day=row.first_day,
        last_day=row.last_day,
        limits=_limits(row),
        set_by=session.get_one(PersonRow, row.set_by).name,
        set_at=row.set_at,
    )
