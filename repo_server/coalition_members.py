"""Coalitions of cities and of coalitions: who belongs to which, and none to itself."""

from sqlmodel import Session, col, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.wire import Asked
from repo_server import labs
from repo_server.ids import new_id
from repo_server.tables import CityRow, CoalitionCityRow, CoalitionPartRow, CoalitionRow


class NewCoalition(Asked):
    slug: labs.Slug
    name: labs.Name


def create(session: Session, asked: NewCoalition) -> CoalitionRow:
    """A coalition without members; Conflict when the slug is taken."""
    labs.check_slug(asked.slug)
    if session.exec(select(CoalitionRow).where(CoalitionRow.slug == asked.slug)).first():
        raise Conflict(f"there is a coalition '{asked.slug}' already")
    row = CoalitionRow(id=new_id(), slug=asked.slug, name=asked.name)
    session.add(row)
    session.flush()
    return row


def of_slug(session: Session, slug: str) -> CoalitionRow:
    """The coalition; NotFound when there is none of that name."""
    row = session.exec(select(CoalitionRow).where(CoalitionRow.slug == slug)).first()
    if row is None:
        raise NotFound(f"there is no coalition '{slug[:40]}'")
    return row


def join_city(session: Session, coalition: CoalitionRow, city: CityRow) -> None:
    """The city is a member, as it may be already."""
    if session.get(CoalitionCityRow, (coalition.id, city.id)) is None:
        session.add(CoalitionCityRow(coalition_id=coalition.id, city_id=city.id))


def join_coalition(session: Session, coalition: CoalitionRow, part: CoalitionRow) -> None:
    """The other is a part of the coalition; InvalidInput where that would put it inside itself."""
    if coalition.id in _within(session, part.id):
        raise InvalidInput(f"'{part.slug}' cannot be a part of '{coalition.slug}', which is the "
                           "same or a part of it")  # fmt: skip
    if session.get(CoalitionPartRow, (coalition.id, part.id)) is None:
        session.add(CoalitionPartRow(coalition_id=coalition.id, part_id=part.id))


def cities_of(session: Session, coalition: CoalitionRow) -> list[CityRow]:
    """Every city in it or in one of its parts, once, by name."""
    member = CoalitionCityRow
    ids = select(member.city_id).where(col(member.coalition_id).in_(_within(session, coalition.id)))
    asked = select(CityRow).where(col(CityRow.id).in_(ids))
    return list(session.exec(asked.order_by(col(CityRow.name), col(CityRow.id))))


def parts_of(session: Session, coalition: CoalitionRow) -> list[CoalitionRow]:
    """The coalitions that are parts of it, by name."""
    ids = select(CoalitionPartRow.part_id).where(CoalitionPartRow.coalition_id == coalition.id)
    asked = select(CoalitionRow).where(col(CoalitionRow.id).in_(ids))
    return list(session.exec(asked.order_by(col(CoalitionRow.name), col(CoalitionRow.id))))


def _within(session: Session, coalition_id: str) -> set[str]:
    """The coalition, its parts, theirs, and so on."""
    found = {coalition_id}
    ahead = [coalition_id]
    while ahead:
        part = CoalitionPartRow
        rows = session.exec(select(part.part_id).where(col(part.coalition_id).in_(ahead)))
        ahead = [id_ for id_ in rows if id_ not in found]
        found.update(ahead)
    return found
