"""Who may bring programs of their own to a lab: its managers say so, and every word is kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import NotAllowed, NotFound
from commons.texts import filled, later
from repo_server.ids import new_id
from repo_server.tables import LabRoleRow, PersonRow, ProgramRightRow


@dataclass(frozen=True, slots=True)
class RightLine:
    """Somebody's right in a list; `taken_at` is None while they have it."""

    handle: str
    name: str
    given_by: str
    given_at: datetime
    taken_by: str | None
    taken_at: datetime | None


def give(session: Session, *, lab_id: str, handle: str, by: str, now: datetime) -> None:
    """The lab's member may bring programs of their own. Said twice it counts once.

    Raises NotFound for somebody who is no member of the lab.
    """
    person = _member(session, lab_id, handle)
    if _standing(session, lab_id, person.id) is None:
        session.add(
            ProgramRightRow(
                id=new_id(), lab_id=lab_id, person_id=person.id, given_by=by, given_at=now
            )
        )
        session.flush()


def take(session: Session, *, lab_id: str, handle: str, by: str, now: datetime) -> None:
    """The person may not do so any more; what they have brought stays in the queue."""
    person = _person(session, handle)
    row = _standing(session, lab_id, person.id)
    if row is not None:
        row.taken_by, row.taken_at = by, now
        session.add(row)
        session.flush()


def holds(session: Session, *, lab_id: str, person_id: str) -> bool:
    """Whether the person may bring programs of their own: they were given it, and are a member."""
    member = session.get(LabRoleRow, (person_id, lab_id)) is not None
    return member and _standing(session, lab_id, person_id) is not None


def require(session: Session, *, lab_id: str, person_id: str) -> None:
    """Pass for somebody who has the right; NotAllowed says whom to ask."""
    if not holds(session, lab_id=lab_id, person_id=person_id):
        raise NotAllowed(
            later(
                "only those to whom a manager of this lab gave the right may bring programs of "
                "their own; ask one of them, or order a published design"
            )
        )


def of_lab(session: Session, lab_id: str) -> list[RightLine]:
    """Every right that was ever given in the lab, those that stand first, the latest first."""
    rows = session.exec(
        select(ProgramRightRow, PersonRow)
        .join(PersonRow, col(PersonRow.id) == col(ProgramRightRow.person_id))
        .where(ProgramRightRow.lab_id == lab_id)
        .order_by(col(ProgramRightRow.taken_at).is_not(None), col(ProgramRightRow.given_at).desc())
    ).all()
    ids = {id_ for row, _ in rows for id_ in (row.given_by, row.taken_by)}
    named = session.exec(select(PersonRow).where(col(PersonRow.id).in_(ids)))
    names = {person.id: person.name for person in named}
    return [
        RightLine(
            handle=person.handle,
            name=person.name,
            given_by=names[row.given_by],
            given_at=row.given_at,
            taken_by=names.get(row.taken_by or ""),
            taken_at=row.taken_at,
        )
        for row, person in rows
    ]


def _standing(session: Session, lab_id: str, person_id: str) -> ProgramRightRow | None:
    return session.exec(
        select(ProgramRightRow).where(
            ProgramRightRow.lab_id == lab_id,
            ProgramRightRow.person_id == person_id,
            col(ProgramRightRow.taken_at).is_(None),
        )
    ).first()


def _member(session: Session, lab_id: str, handle: str) -> PersonRow:
    person = _person(session, handle)
    if session.get(LabRoleRow, (person.id, lab_id)) is None:
        raise NotFound(
            filled("%(handle)s is no member of this lab; give them a role first", handle=handle)
        )
    return person


def _person(session: Session, handle: str) -> PersonRow:
    plain = handle.strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == plain)).first()
    if person is None:
        raise NotFound(filled("nobody here has the handle '%(handle)s'", handle=handle[:80]))
    return person
