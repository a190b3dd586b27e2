"""What was ordered, and the jobs that came of it, in lists, the latest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from repo_server import paging
from repo_server.cursors import Cursor
from repo_server.tables import BuildOrderRow, JobRow, LabRow

PAGE = 50  # orders or jobs at once


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as lists show it; `lab` is where it was placed."""

    order_id: str
    lab: str
    release_id: str
    part: str
    copies: int
    material: str
    purpose: str
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class Orders:
    """One page of orders; `after` is where the next one begins, None at the end."""

    orders: tuple[OrderLine, ...]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Jobs:
    """One page of jobs; `after` as for orders."""

    jobs: tuple[JobRow, ...]
    after: Cursor | None


def orders_by(session: Session, person_id: str, after: Cursor | None = None) -> Orders:
    """What the person has ordered, wherever."""
    return _orders(session, BuildOrderRow.ordered_by == person_id, after)


def orders_of_lab(session: Session, lab_id: str, after: Cursor | None = None) -> Orders:
    """What was ordered in the lab, by whomever."""
    return _orders(session, BuildOrderRow.lab_id == lab_id, after)


def jobs_of_lab(session: Session, lab_id: str, after: Cursor | None = None) -> Jobs:
    """All jobs of the lab, by when they were queued."""
    at, id_ = col(JobRow.queued_at), col(JobRow.id)
    wanted = select(JobRow).where(JobRow.lab_id == lab_id, paging.behind(after, at, id_))
    rows = session.exec(wanted.order_by(at.desc(), id_.desc()).limit(PAGE + 1)).all()
    shown, rest = paging.cut(rows, PAGE, lambda it: (it.queued_at, it.id))
    return Jobs(tuple(shown), rest)


def _orders(session: Session, which: bool, after: Cursor | None) -> Orders:
    at, id_ = col(BuildOrderRow.ordered_at), col(BuildOrderRow.id)
    rows = session.exec(
        select(BuildOrderRow, LabRow.slug)
        .join(LabRow, col(LabRow.id) == col(BuildOrderRow.lab_id))
        .where(which, paging.behind(after, at, id_))
        .order_by(at.desc(), id_.desc())
        .limit(PAGE + 1)
    ).all()
    shown, rest = paging.cut(rows, PAGE, lambda it: (it[0].ordered_at, it[0].id))
    return Orders(tuple(_line(row, lab) for row, lab in shown), rest)


def _line(row: BuildOrderRow, lab: str) -> OrderLine:
    return OrderLine(
        order_id=row.id,
        lab=lab,
        release_id=row.release_id,
        part=row.part,
        copies=row.copies,
        material=row.material,
        purpose=row.purpose,
        ordered_at=row.ordered_at,
    )
