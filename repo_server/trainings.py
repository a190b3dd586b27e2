"""Trainings of a lab: which it asks for, who signed whom, and what is revoked. History stays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, func, select
from sqlmodel.sql.expression import SelectOfScalar

from commons.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from commons.machine import Process
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import decisions
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import (
    LabRoleRow,
    LabRow,
    PersonRow,
    TrainerRow,
    TrainingClassRow,
    TrainingRevocationRow,
    TrainingRow,
)
from repo_server.tables.people import LabRole

WARNED_BEFORE = timedelta(days=30)
Name = Annotated[str, Field(min_length=1, max_length=80)]


class NewClass(Asked):
    """Of which machines training is asked: all of a process, or one. `days`: how long a training
    counts where nobody says otherwise."""

    name: Name
    process: Process | None = None
    machine_id: Annotated[str, Field(max_length=64)] | None = None
    for_ordering: bool = False
    for_operating: bool = False
    days: Annotated[int, Field(ge=1, le=3660)] | None = None
    trainers: Annotated[tuple[Name, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _is_of_machines(self) -> Self:
        if (self.process is None) == (self.machine_id is None):
            raise ValueError("process: say a process or one machine, and not both")
        return self


class NewTraining(Asked):
    """Somebody is trained. Without `ends_at` it counts as long as is usual for its class."""

    handle: Name
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    note: Annotated[str, Field(max_length=400)] = ""


class Revocation(Asked):
    reason: Annotated[str, Field(min_length=3, max_length=400)]


@dataclass(frozen=True, slots=True)
class TrainingClass:
    """A class of machines as people read it."""

    id: str
    name: str
    process: Process | None
    machine_id: str | None
    for_ordering: bool
    for_operating: bool
    days: int | None
    trainers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """A training as it was signed, and what became of it."""

    id: str
    lab: str
    lab_name: str
    class_id: str
    name: str
    handle: str
    person: str
    begins_at: datetime
    ends_at: datetime | None
    note: str
    signed_by: str
    signed_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None
    reason: str


def set_class(session: Session, lab_id: str, wanted: NewClass) -> TrainingClass:
    """The lab asks for this from now on; a class of this name there is is changed.

    NotFound for a machine that is not the lab's, or for a trainer whom nobody knows.
    """
    if wanted.machine_id is not None:
        decisions.machine_in(session, wanted.machine_id, lab_id=lab_id)
    trainers = [person_of(session, handle).id for handle in wanted.trainers]
    named = select(TrainingClassRow).where(
        TrainingClassRow.lab_id == lab_id, TrainingClassRow.name == wanted.name
    )
    row = session.exec(named).first() or TrainingClassRow(
        id=new_id(), lab_id=lab_id, name=wanted.name
    )
    for name, value in wanted.model_dump(exclude={"trainers", "name"}).items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    session.exec(delete(TrainerRow).where(col(TrainerRow.class_id) == row.id))
    session.add_all(TrainerRow(class_id=row.id, person_id=it) for it in dict.fromkeys(trainers))
    session.flush()
    return next(it for it in list_classes(session, lab_id) if it.id == row.id)


def list_classes(session: Session, lab_id: str) -> list[TrainingClass]:
    """The lab's classes by name."""
    rows = session.exec(
        select(TrainingClassRow)
        .where(TrainingClassRow.lab_id == lab_id)
        .order_by(TrainingClassRow.name)
    ).all()
    trainers = session.exec(
        select(TrainerRow.class_id, PersonRow.handle)
        .join(PersonRow, col(PersonRow.id) == col(TrainerRow.person_id))
        .where(col(TrainerRow.class_id).in_([it.id for it in rows]))
        .order_by(PersonRow.handle)
    ).all()
    return [
        TrainingClass(
            **it.model_dump(exclude={"lab_id", "process"}),
            process=Process(it.process) if it.process else None,
            trainers=tuple(handle for id_, handle in trainers if id_ == it.id),
        )
        for it in rows
    ]


def sign(
    session: Session, class_id: str, wanted: NewTraining, *, lab_id: str, by: str, now: datetime
) -> Training:
    """The person is trained, and `by` stands for it.

    NotAllowed for all but the lab's managers and the trainers of the class; NotFound for somebody
    whom nobody knows; InvalidInput for a time that cannot be.
    """
    class_ = _class_in(session, class_id, lab_id)
    _require_trainer(session, class_, by)
    person = person_of(session, wanted.handle)
    begins_at = wanted.begins_at or now
    ends_at = wanted.ends_at
    if ends_at is None and class_.days is not None:
        ends_at = begins_at + timedelta(days=class_.days)
    if ends_at is not None and ends_at <= begins_at:
        problem = FieldProblem("ends_at", later("is not after the begin: choose a later day"))
        raise InvalidInput(str(problem), [problem])
    row = TrainingRow(
        id=new_id(),
        class_id=class_.id,
        person_id=person.id,
        begins_at=begins_at,
        ends_at=ends_at,
        note=wanted.note.strip(),
        signed_by=by,
        signed_at=now,
    )
    session.add(row)
    session.flush()
    return _one(session, row.id)


def revoke(
    session: Session, training_id: str, reason: str, *, lab_id: str, by: str, now: datetime
) -> Training:
    """The training counts no more; that it was signed stays. Conflict when it was revoked."""
    row = session.get(TrainingRow, training_id, with_for_update=True)
    if row is None:
        raise NotFound(filled("there is no training %(id)s in this lab", id=training_id[:64]))
    _require_trainer(session, _class_in(session, row.class_id, lab_id), by)
    if session.get(TrainingRevocationRow, training_id) is not None:
        raise Conflict(later("this training was revoked already"))
    session.add(
        TrainingRevocationRow(
            training_id=training_id, reason=reason.strip(), revoked_by=by, revoked_at=now
        )
    )
    session.flush()
    return _one(session, training_id)


def of_lab(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[Training]:
    """Every training that was ever signed in the lab, the latest first."""
    return _listed(session, stretch, TrainingClassRow.lab_id == lab_id)


def of_person(session: Session, person_id: str, stretch: Stretch = BEGINNING) -> Page[Training]:
    """Every training of the person, the latest first."""
    return _listed(session, stretch, TrainingRow.person_id == person_id)


def ending(session: Session, person_id: str, *, now: datetime) -> list[Training]:
    """Trainings of the person that end within the next 30 days, with none of the same class that
    lasts longer."""
    found = _listed(session, Stretch(most=100), col(TrainingRow.id).in_(_ending(person_id, now)))
    return list(found.entries)


def number_ending(person_id: str, now: datetime) -> SelectOfScalar[int]:
    """Asks how many `ending` lists."""
    chosen = _ending(person_id, now)
    return select(func.count(col(TrainingRow.id))).where(col(TrainingRow.id).in_(chosen))


def _ending(person_id: str, now: datetime) -> SelectOfScalar[str]:
    longer = aliased(TrainingRow)
    lasts = (
        select(longer.id)
        .where(
            longer.person_id == person_id,
            longer.class_id == TrainingRow.class_id,
            (col(longer.ends_at).is_(None)) | (col(longer.ends_at) > col(TrainingRow.ends_at)),
            col(longer.id).not_in(select(TrainingRevocationRow.training_id)),
        )
        .exists()
    )
    return select(TrainingRow.id).where(
        TrainingRow.person_id == person_id,
        col(TrainingRow.ends_at) > now,
        col(TrainingRow.ends_at) <= now + WARNED_BEFORE,
        col(TrainingRow.id).not_in(select(TrainingRevocationRow.training_id)),
        ~lasts,
    )


def person_of(session: Session, handle: str) -> PersonRow:
    """The person of this handle; NotFound says that there is none."""
    plain = handle.strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == plain)).first()
    if person is None:
        raise NotFound(filled("nobody here has the handle '%(handle)s'", handle=handle[:80]))
    return person


def _class_in(session: Session, class_id: str, lab_id: str) -> TrainingClassRow:
    row = session.get(TrainingClassRow, class_id)
    if row is None or row.lab_id != lab_id:
        raise NotFound(filled("this lab asks for no training %(id)s", id=class_id[:64]))
    return row


def _require_trainer(session: Session, class_: TrainingClassRow, person_id: str) -> None:
    role = session.get(LabRoleRow, (person_id, class_.lab_id))
    if role is not None and role.role is LabRole.MANAGER:
        return
    if session.get(TrainerRow, (class_.id, person_id)) is None:
        raise NotAllowed(
            filled(
                "only the trainers for %(name)s and the lab's managers sign that", name=class_.name
            )
        )


def _one(session: Session, training_id: str) -> Training:
    return _listed(session, BEGINNING, TrainingRow.id == training_id).entries[0]


def _listed(
    session: Session, stretch: Stretch, *which: bool | ColumnElement[bool]
) -> Page[Training]:
    wanted = (
        select(TrainingRow, TrainingClassRow, LabRow, PersonRow)
        .join(TrainingClassRow, col(TrainingClassRow.id) == col(TrainingRow.class_id))
        .join(LabRow, col(LabRow.id) == col(TrainingClassRow.lab_id))
        .join(PersonRow, col(PersonRow.id) == col(TrainingRow.person_id))
        .where(*which)
    )
    keys = latest_first(TrainingRow.signed_at, TrainingRow.id)
    return read_page(session, wanted, keys, stretch).shown(lambda it: _shown(session, *it))


def _shown(
    session: Session, row: TrainingRow, class_: TrainingClassRow, lab: LabRow, person: PersonRow
) -> Training:
    revoked = session.get(TrainingRevocationRow, row.id)
    return Training(
        id=row.id,
        lab=lab.slug,
        lab_name=lab.name,
        class_id=class_.id,
        name=class_.name,
        handle=person.handle,
        person=person.name,
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        note=row.note,
        signed_by=session.get_one(PersonRow, row.signed_by).name,
        signed_at=row.signed_at,
        revoked_by=session.get_one(PersonRow, revoked.revoked_by).name if revoked else None,
        revoked_at=revoked.revoked_at if revoked else None,
        reason=revoked.reason if revoked else "",
    )
