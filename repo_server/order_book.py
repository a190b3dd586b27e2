"""What was ordered, and the jobs that came of it, in lists, the latest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import BuildOrderRow, JobRow, LabRow


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as lists show it; `lab` is where it was placed. `release_id` is None where it is of
    a program that somebody brought, whose name `part` is then."""

    order_id: str
    lab: str
    release_id: str | None
    part: str
    copies: int
    material: str
    purpose: str
    ordered_at: datetime


def orders_by(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[OrderLine]:
    """What the person has ordered, wherever."""
    return _orders(session, BuildOrderRow.ordered_by == person_id, stretch)


def orders_of_lab(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[OrderLine]:
    """What was ordered in the lab, by whomever."""
    return _orders(session, BuildOrderRow.lab_id == lab_id, stretch)


def jobs_of_lab(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[JobRow]:
    """All jobs of the lab, by when they were queued."""
    wanted = select(JobRow).where(JobRow.lab_id == lab_id)
    return read_page(session, wanted, latest_first(JobRow.queued_at, JobRow.id), stretch)


def _orders(session: Session, which: bool, stretch: Stretch) -> Page[OrderLine]:
    wanted = (
        select(BuildOrderRow, LabRow.slug)
        .join(LabRow, col(LabRow.id) == col(BuildOrderRow.lab_id))
        .where(which)
    )
    keys = latest_first(BuildOrderRow.ordered_at, BuildOrderRow.id)
    return read_page(session, wanted, keys, stretch).shown(lambda it: _line(*it))


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
