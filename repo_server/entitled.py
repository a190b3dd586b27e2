"""Who may use which machine when: the trainings that it asks for, and for whom it is kept.

It is what matching asks of machines beside what they can do. A lab that asks for no training and
where nobody books is not read any further.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, exists
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from commons import bookings, trainings
from commons.bookings import Booked, is_missed
from commons.matching import MachineOffer
from commons.trainings import Required, Span
from repo_server import booking_rules
from repo_server.db import look
from repo_server.tables import (
    BookingRow,
    MachineRow,
    PersonRow,
    TrainerRow,
    TrainingClassRow,
    TrainingRevocationRow,
    TrainingRow,
)

# Made once: every order asks it. Whether the lab has classes, and bookings; most have neither.
_ANY = columns(
    exists().where(col(TrainingClassRow.lab_id) == bindparam("lab_id")),
    exists().where(
        col(BookingRow.lab_id) == bindparam("lab_id"),
        col(BookingRow.ends_at) > bindparam("now"),
        col(BookingRow.cancelled_at).is_(None),
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A class of a lab with who has had its training."""

    of: TrainingClassRow
    required: Required

    def is_for(self, machine_id: str, process: str) -> bool:
        """Whether the machine is of this class."""
        return self.of.machine_id == machine_id or self.of.process == process


def with_people(
    session: Session, lab_id: str, offers: Sequence[MachineOffer], *, now: datetime
) -> list[MachineOffer]:
    """The offers with the trainings that they ask of those who order, and with their bookings."""
    kept = kept_for_people(session, lab_id, offers, now=now)
    return list(offers) if kept is None else kept


def kept_for_people(
    session: Session, lab_id: str, offers: Sequence[MachineOffer], *, now: datetime
) -> list[MachineOffer] | None:
    """As `with_people`; None where the lab asks for no training and nobody booked."""
    any_class, any_booking = look(session, _ANY, lab_id=lab_id, now=now).one()
    asked = classes_asked(session, lab_id) if any_class else []
    asked = [it for it in asked if it.of.for_ordering]
    booked = bookings_of(session, lab_id, now=now) if any_booking else {}
    if not asked and not booked:
        return None
    return [
        replace(
            offer,
            trainings=_required(asked, offer.machine_id, offer.profile.process),
            booked=(*booked.get(offer.machine_id, ()), *booked.get(None, ())),
        )
        for offer in offers
    ]


def operator_missing(
    session: Session, machine: MachineRow, person_id: str, *, now: datetime
) -> str | None:
    """Which training the person lacks to stand at this machine now; None for one who may."""
    asked = [it for it in classes_asked(session, machine.lab_id) if it.of.for_operating]
    return _missing(asked, machine, person_id, now)


def orderer_missing(
    session: Session, machine: MachineRow, person_id: str, *, now: datetime
) -> str | None:
    """Which training the person lacks to have something made there now; None for one who may."""
    asked = [it for it in classes_asked(session, machine.lab_id) if it.of.for_ordering]
    return _missing(asked, machine, person_id, now)


def booker_missing(
    session: Session,
    machine: MachineRow,
    person_id: str,
    begins_at: datetime,
    ends_at: datetime,
    *,
    now: datetime,
) -> str | None:
    """Which training the person lacks, or will lack, to have the machine for that time; None for
    one who may. Whoever books a machine stands at it, or has something made there."""
    asked = [
        it
        for it in classes_asked(session, machine.lab_id)
        if it.of.for_ordering or it.of.for_operating
    ]
    for required in _required(asked, machine.id, str(machine.profile["process"])):
        if why := trainings.missing_within(required, person_id, begins_at, ends_at, now=now):
            return why
    return None


def _missing(
    asked: Iterable[Asked], machine: MachineRow, person_id: str, now: datetime
) -> str | None:
    for required in _required(asked, machine.id, str(machine.profile["process"])):
        if why := trainings.missing(required, person_id, at=now):
            return why
    return None


def _required(asked: Iterable[Asked], machine_id: str, process: str) -> tuple[Required, ...]:
    return tuple(it.required for it in asked if it.is_for(machine_id, process))


def classes_asked(session: Session, lab_id: str) -> list[Asked]:
    """The lab's classes by name, each with its trainers and everybody's trainings."""
    classes = session.exec(
        select(TrainingClassRow)
        .where(TrainingClassRow.lab_id == lab_id)
        .order_by(TrainingClassRow.name)
    ).all()
    if not classes:
        return []
    ids = [it.id for it in classes]
    trainers = defaultdict(list)
    for class_id, name in session.exec(
        select(TrainerRow.class_id, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(TrainerRow.person_id))
        .where(col(TrainerRow.class_id).in_(ids))
        .order_by(PersonRow.name)
    ):
        trainers[class_id].append(name)
    spans = _spans(session, ids)
    return [
        Asked(it, Required(it.name, tuple(trainers[it.id]), spans.get(it.id, {}))) for it in classes
    ]


def _spans(session: Session, class_ids: Sequence[str]) -> Mapping[str, dict[str, list[Span]]]:
    found: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    rows = session.exec(
        select(TrainingRow, TrainingRevocationRow)
        .join(
            TrainingRevocationRow,
            col(TrainingRevocationRow.training_id) == col(TrainingRow.id),
            isouter=True,
        )
        .where(col(TrainingRow.class_id).in_(class_ids))
    )
    for row, revoked in rows:
        span = Span(row.begins_at, row.ends_at, revoked.revoked_at if revoked else None)
        found[row.class_id][row.person_id].append(span)
    return found


def crossed(
    session: Session, machine: MachineRow, by: str, minutes: float, *, now: datetime
) -> str | None:
    """Which booking a job of `by` would cross that began now, in words; None for none."""
    booked = bookings_of(session, machine.lab_id, now=now)
    taken = [*booked.get(machine.id, ()), *booked.get(None, ())]
    found = bookings.crossed(taken, by=by, at=now, minutes=minutes)
    return bookings.told(found, at=now, minutes=minutes) if found else None


def bookings_of(session: Session, lab_id: str, *, now: datetime) -> dict[str | None, list[Booked]]:
    """What is booked from now on and counts, by machine; under None what keeps all of them."""
    rows = session.exec(
        select(BookingRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(BookingRow.person_id), isouter=True)
        .where(
            BookingRow.lab_id == lab_id,
            col(BookingRow.ends_at) > now,
            col(BookingRow.cancelled_at).is_(None),
        )
    ).all()
    if not rows:
        return {}
    rules = booking_rules.rules_of(session, lab_id)
    zone = booking_rules.zone_of(rules)
    found: dict[str | None, list[Booked]] = defaultdict(list)
    for row, name in rows:
        if row.person_id and is_missed(row.begins_at, row.here_at, rules, now=now):
            continue
        who = name or f"the calendar ({row.title or 'no title'})"
        begins_at, ends_at = row.begins_at.astimezone(zone), row.ends_at.astimezone(zone)
        found[row.machine_id].append(Booked(begins_at, ends_at, row.person_id, who))
    return dict(found)
