"""Times for which people keep machines: booked, cancelled, and whether they came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from commons import bookings
from commons.bookings import Booked, Rules
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import booking_rules, entitled, presence
from repo_server.ids import new_id
from repo_server.tables import BookingRow, LabRoleRow, LabRow, MachineRow, PersonRow
from repo_server.tables.people import LabRole

MOST_SHOWN = 1000


class NewBooking(Asked):
    """A machine is wanted for a time."""

    machine_id: Annotated[str, Field(max_length=64)]
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    title: Annotated[str, Field(max_length=80)] = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as people read it. `machine` is None where it keeps every machine of the lab,
    `person` where a calendar says so. `missed`: nobody came, and the machine is free again."""

    id: str
    lab: str
    lab_name: str
    machine_id: str | None
    machine: str | None
    person_id: str | None
    person: str | None
    title: str
    begins_at: datetime
    ends_at: datetime
    changed_at: datetime
    sequence: int
    here_at: datetime | None
    missed: bool
    cancelled_at: datetime | None
    cancelled_by: str | None
    reason: str


def book(session: Session, wanted: NewBooking, *, lab_id: str, by: str, now: datetime) -> Booking:
    """The machine is kept for the person. Of two who ask at the same time one gets it.

    InvalidInput when the lab's rules do not allow it; NotAllowed for whoever is not trained for the
    machine then; Conflict with the next free time when it is booked already; NotFound for a machine
    that is not the lab's.
    """
    session.exec(select(LabRow.id).where(LabRow.id == lab_id).with_for_update(key_share=True))
    machine = session.get(MachineRow, wanted.machine_id)
    if machine is None or machine.lab_id != lab_id:
        raise NotFound(filled("there is no machine %(id)s in this lab", id=wanted.machine_id))
    rules = booking_rules.rules_of(session, lab_id)
    coming = _coming(session, lab_id, by, now)
    why = bookings.problem(wanted.begins_at, wanted.ends_at, rules, now=now, coming=coming)
    if why is not None:
        raise InvalidInput(why)
    _require_trained(session, machine, wanted, by, now)
    _require_free(session, machine, wanted, rules, now)
    row = BookingRow(id=new_id(), lab_id=lab_id, person_id=by, changed_at=now, **dict(wanted))
    session.add(row)
    session.flush()
    return _one(session, row.id, now)


def _coming(session: Session, lab_id: str, person_id: str, now: datetime) -> int:
    return session.exec(
        select(func.count(col(BookingRow.id))).where(
            BookingRow.lab_id == lab_id,
            BookingRow.person_id == person_id,
            col(BookingRow.begins_at) > now,
            col(BookingRow.cancelled_at).is_(None),
        )
    ).one()


def _require_trained(
    session: Session, machine: MachineRow, wanted: NewBooking, by: str, now: datetime
) -> None:
    span = wanted.begins_at, wanted.ends_at
    if why := entitled.booker_missing(session, machine, by, *span, now=now):
        raise NotAllowed(
            filled("%(machine)s is for trained people, and %(why)s", machine=machine.name, why=why)
        )


def _require_free(
    session: Session, machine: MachineRow, wanted: NewBooking, rules: Rules, now: datetime
) -> None:
    booked = entitled.bookings_of(session, machine.lab_id, now=now)
    taken = [*booked.get(machine.id, ()), *booked.get(None, ())]
    between = _between(taken, wanted.begins_at, wanted.ends_at)
    if between is None:
        return
    span = wanted.ends_at - wanted.begins_at
    free = bookings.next_free(taken, wanted.begins_at, span).astimezone(
        booking_rules.zone_of(rules)
    )
    raise Conflict(
        filled(
            "%(machine)s is booked by %(who)s from %(begins)s until %(ends)s; for so long it is "
            "free from %(free)s on",
            machine=machine.name,
            who=between.who,
            begins=bookings.clock(between.begins_at, now),
            ends=bookings.clock(between.ends_at, now),
            free=bookings.clock(free, now),
        )
    )


def _between(taken: list[Booked], begins_at: datetime, ends_at: datetime) -> Booked | None:
    overlapping = [it for it in taken if it.begins_at < ends_at and it.ends_at > begins_at]
    return min(overlapping, key=lambda it: it.begins_at, default=None)


def cancel(
    session: Session, booking_id: str, reason: str, *, lab_id: str, by: str, now: datetime
) -> Booking:
    """The machine is free at that time. Of another person's booking a manager alone decides, and
    says why; NotAllowed or InvalidInput otherwise. Conflict when it is over, or cancelled."""
    row = _booking_in(session, booking_id, lab_id)
    if row.person_id != by:
        role = session.get(LabRoleRow, (by, lab_id))
        if role is None or role.role is not LabRole.MANAGER:
            raise NotAllowed(later("this is somebody else's booking; a manager can cancel it"))
        if len(reason.strip()) < 3:
            raise InvalidInput(later("reason: say why, so that who booked can read it"))
    if row.cancelled_at is not None or row.ends_at <= now:
        raise Conflict(later("this booking is over, or was cancelled already"))
    row.cancelled_at, row.cancelled_by, row.reason = now, by, reason.strip()
    _changed(session, row, now)
    return _one(session, row.id, now)


def come(session: Session, booking_id: str, *, lab_id: str, by: str, now: datetime) -> Booking:
    """Whoever booked is here: the machine stays theirs until the end of their time.

    Conflict before it begins, after it has ended, and once others may have it.
    """
    row = _booking_in(session, booking_id, lab_id)
    if row.person_id != by:
        raise NotAllowed(later("this is somebody else's booking"))
    rules = booking_rules.rules_of(session, lab_id)
    missed = bookings.is_missed(row.begins_at, row.here_at, rules, now=now)
    if row.cancelled_at or missed or not row.begins_at - presence.EARLY <= now < row.ends_at:
        raise Conflict(later("this booking does not count now: book the machine again"))
    presence.here(session, row, now)
    return _one(session, row.id, now)


def _changed(session: Session, row: BookingRow, now: datetime) -> None:
    row.sequence, row.changed_at = row.sequence + 1, now
    session.add(row)
    session.flush()


def of_lab(
    session: Session,
    lab_id: str,
    begins: datetime,
    ends: datetime,
    *,
    now: datetime,
    machine_id: str | None = None,
) -> list[Booking]:
    """What is or was booked between two moments, cancelled or not, by begin; of one machine, or
    of all."""
    which = [BookingRow.lab_id == lab_id, *_during(begins, ends)]
    if machine_id is not None:
        which.append(
            (col(BookingRow.machine_id) == machine_id) | col(BookingRow.machine_id).is_(None)
        )
    return _listed(session, now, *which)


def of_person(
    session: Session, person_id: str, begins: datetime, ends: datetime, *, now: datetime
) -> list[Booking]:
    """What the person has or had booked between two moments, wherever."""
    return _listed(session, now, BookingRow.person_id == person_id, *_during(begins, ends))


def _during(begins: datetime, ends: datetime) -> list[bool | ColumnElement[bool]]:
    return [col(BookingRow.begins_at) < ends, col(BookingRow.ends_at) > begins]


def _booking_in(session: Session, booking_id: str, lab_id: str) -> BookingRow:
    row = session.get(BookingRow, booking_id, with_for_update=True)
    if row is None or row.lab_id != lab_id:
        raise NotFound(filled("there is no booking %(id)s in this lab", id=booking_id[:64]))
    return row


def _one(session: Session, booking_id: str, now: datetime) -> Booking:
    return _listed(session, now, BookingRow.id == booking_id)[0]


def _listed(session: Session, now: datetime, *which: bool | ColumnElement[bool]) -> list[Booking]:
    rows = session.exec(
        select(BookingRow, LabRow, MachineRow.name, PersonRow.name)
        .join(LabRow, col(LabRow.id) == col(BookingRow.lab_id))
        .join(MachineRow, col(MachineRow.id) == col(BookingRow.machine_id), isouter=True)
        .join(PersonRow, col(PersonRow.id) == col(BookingRow.person_id), isouter=True)
        .where(*which)
        .order_by(col(BookingRow.begins_at), col(BookingRow.id))
        .limit(MOST_SHOWN)
    ).all()
    rules = {lab.id: booking_rules.rules_of(session, lab.id) for _, lab, _, _ in rows}
    return [_shown(session, it, rules[it[1].id], now) for it in rows]


def _shown(
    session: Session,
    found: tuple[BookingRow, LabRow, str | None, str | None],
    rules: Rules,
    now: datetime,
) -> Booking:
    row, lab, machine, person = found
    canceller = session.get(PersonRow, row.cancelled_by) if row.cancelled_by else None
    return Booking(
        **row.model_dump(exclude={"lab_id", "calendar_id", "cancelled_by"}),
        lab=lab.slug,
        lab_name=lab.name,
        machine=machine,
        person=person,
        missed=row.person_id is not None
        and row.cancelled_at is None
        and bookings.is_missed(row.begins_at, row.here_at, rules, now=now),
        cancelled_by=canceller.name if canceller else None,
    )
