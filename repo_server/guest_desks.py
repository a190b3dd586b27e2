"""Whether a lab takes requests of people without an account, and what it tells them before."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from sqlmodel import Session, col, select

from commons.errors import Conflict
from commons.texts import filled
from commons.wire import Asked
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import CityRow, GuestDeskRow, LabRow


class GuestDesk(Asked):
    """`open`: the lab takes requests of guests. `words` is what they read first, such as hours and
    prices; it is everybody's."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    open: bool = False
    words: Annotated[str, Field(max_length=500)] = ""


def desk_of(session: Session, lab_id: str) -> GuestDesk:
    """The lab's desk; a shut one while nobody has said anything."""
    row = session.get(GuestDeskRow, lab_id)
    return GuestDesk() if row is None else GuestDesk(open=row.open, words=row.words)


def set_desk(session: Session, wanted: GuestDesk, *, lab_id: str, by: str, now: datetime) -> None:
    """The lab's desk is open or shut from now on; what was asked before stays."""
    row = GuestDeskRow(lab_id=lab_id, open=wanted.open, words=wanted.words, set_by=by, set_at=now)
    session.merge(row)
    session.flush()


def require_open(session: Session, lab: LabRow) -> GuestDesk:
    """The desk of a lab that takes requests; Conflict for any other."""
    desk = desk_of(session, lab.id)
    if not desk.open:
        raise Conflict(
            filled(
                "%(lab)s takes no requests of people without an account; ask another lab, or "
                "become a member",
                lab=lab.name,
            )
        )
    return desk


def open_ones(session: Session, stretch: Stretch = BEGINNING) -> Page[tuple[LabRow, CityRow]]:
    """The labs that take requests of guests, each with its city, by city and name."""
    wanted = (
        select(LabRow, CityRow)
        .join(CityRow, col(CityRow.id) == col(LabRow.city_id))
        .join(GuestDeskRow, col(GuestDeskRow.lab_id) == col(LabRow.id))
        .where(col(GuestDeskRow.open))
    )
    return read_page(
        session, wanted, Keys(city=CityRow.name, name=LabRow.name, slug=LabRow.slug), stretch
    )


def any_open(session: Session) -> bool:
    """Whether some lab takes requests of guests."""
    found = select(GuestDeskRow.lab_id).where(col(GuestDeskRow.open)).limit(1)
    return session.exec(found).first() is not None
