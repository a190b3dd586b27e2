"""What people say of themselves: their name, a few words, a link, and whether they are listed."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field
from sqlmodel import Session

from commons.errors import FieldProblem, InvalidInput
from commons.texts import later
from commons.wire import Asked
from repo_server.people import Person, name_problems
from repo_server.tables import PersonRow


class Profile(Asked):
    """The person as they want to be shown; `link` is an address on the web.

    Whoever is not listed has no page and is in no list of people. Their name stays beside what they
    did: a licence may ask for it.
    """

    name: Annotated[str, Field(max_length=80)]
    about: Annotated[str, Field(max_length=1000)] = ""
    link: Annotated[str, Field(max_length=300)] | None = None
    is_listed: bool = True


def profile_of(session: Session, person: Person) -> Profile:
    """What the person says of themselves."""
    row = session.get_one(PersonRow, person.id)
    return Profile(name=row.name, about=row.about, link=row.link, is_listed=row.is_listed)


def change_profile(session: Session, person: Person, said: Profile) -> Profile:
    """The person is shown so from now on; InvalidInput with every wrong field."""
    link = (said.link or "").strip() or None
    problems = name_problems(said.name)
    if "\0" in said.about:
        problems.append(FieldProblem("about", later("holds the character U+0000; remove it")))
    if link is not None and not _is_on_the_web(link):
        problems.append(
            FieldProblem("link", later("must be an address, such as https://example.org"))
        )
    if problems:
        raise InvalidInput("; ".join(str(it) for it in problems), problems)
    row = session.get_one(PersonRow, person.id)
    row.name, row.about, row.link = said.name.strip(), said.about.strip(), link
    row.is_listed = said.is_listed
    session.add(row)
    session.flush()
    return profile_of(session, person)


def _is_on_the_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return False
    return address.isprintable() and " " not in address
