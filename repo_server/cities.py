"""A city's own part: who speaks for it, and its pledge in its own words."""

from typing import Annotated

from pydantic import Field
from sqlmodel import Session, select

from commons.errors import NotFound
from commons.wire import Asked
from repo_server.tables import CityRoleRow, CityRow, PersonRow
from repo_server.tables.people import CityRole


class Pledge(Asked):
    """What the city promised, word for word, and where that can be read."""

    pledge: Annotated[str, Field(min_length=1, max_length=2000)]
    source: Annotated[str, Field(min_length=1, max_length=500)]


def appoint_editor(session: Session, city: CityRow, *, handle: str) -> None:
    """The person speaks for the city; NotFound when nobody has the handle."""
    plain = handle.strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == plain)).first()
    if person is None:
        raise NotFound(f"nobody here has the handle '{handle[:80]}'")
    if session.get(CityRoleRow, (person.id, city.id)) is None:
        session.add(CityRoleRow(person_id=person.id, city_id=city.id, role=CityRole.EDITOR))


def quote_pledge(city: CityRow, quoted: Pledge) -> None:
    """The city's page quotes this pledge with its source, and nothing is computed from it."""
    city.pledge, city.pledge_source = quoted.pledge.strip(), quoted.source.strip()
