"""Cities and labs, and the people in them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy.sql.functions import count
from sqlmodel import Session, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.texts import filled, later
from commons.wire import Asked
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import (
    CityRow,
    LabRoleRow,
    LabRow,
    MachineRow,
    PersonRow,
)
from repo_server.tables.people import LabRole

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){1,38}")
_NO_LAB = "new"  # /labs/new is no lab's address

Name = Annotated[str, Field(min_length=1, max_length=80)]
Slug = Annotated[str, Field(max_length=40)]


class NewCity(Asked):
    """`country` is its ISO 3166 code of two letters."""

    slug: Slug
    name: Name
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class NewLab(Asked):
    """`city` is the slug of a city that is known."""

    slug: Slug
    name: Name
    city: Slug


class Place(Asked):
    """Where a lab is on the globe, in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class LabLine:
    """A lab as a list of labs shows it."""

    slug: str
    name: str
    city_slug: str
    city: str
    machines: int


@dataclass(frozen=True, slots=True)
class MemberLine:
    """Somebody with a role in a lab."""

    handle: str
    name: str
    role: LabRole


def create_city(session: Session, wanted: NewCity) -> CityRow:
    """The city is known; Conflict when its slug is taken."""
    check_slug(wanted.slug)
    if session.exec(select(CityRow).where(CityRow.slug == wanted.slug)).first():
        raise Conflict(filled("there is a city '%(slug)s' already", slug=wanted.slug))
    city = CityRow(id=new_id(), **wanted.model_dump())
    session.add(city)
    session.flush()
    return city


def create_lab(session: Session, wanted: NewLab, *, by: str) -> LabRow:
    """The lab is known, and `by` is its first manager; Conflict when its slug is taken."""
    check_slug(wanted.slug)
    if wanted.slug == _NO_LAB:
        problem = FieldProblem(
            "slug", filled("'%(slug)s' is taken by the page where labs are founded", slug=_NO_LAB)
        )
        raise InvalidInput(str(problem), [problem])
    if session.exec(select(LabRow).where(LabRow.slug == wanted.slug)).first():
        raise Conflict(filled("there is a lab '%(slug)s' already", slug=wanted.slug))
    city = city_of(session, wanted.city)
    lab = LabRow(id=new_id(), slug=wanted.slug, name=wanted.name, city_id=city.id)
    session.add(lab)
    session.flush()
    session.add(LabRoleRow(person_id=by, lab_id=lab.id, role=LabRole.MANAGER))
    return lab


def check_slug(slug: str) -> None:
    """InvalidInput for what is no short name of a city, a lab or a coalition."""
    if not _SLUG.fullmatch(slug):
        problem = FieldProblem(
            "slug", later("must be 2 to 39 lower-case letters, digits or hyphens")
        )
        raise InvalidInput(str(problem), [problem])


def city_of(session: Session, slug: str) -> CityRow:
    """The city of this slug; NotFound when there is none."""
    city = session.exec(select(CityRow).where(CityRow.slug == slug)).first()
    if city is None:
        raise NotFound(filled("there is no city '%(slug)s'", slug=slug[:80]))
    return city


def list_cities(session: Session) -> list[CityRow]:
    """Every city by name."""
    return list(session.exec(select(CityRow).order_by(CityRow.name, CityRow.slug)))


def lab_of(session: Session, slug: str) -> LabRow:
    """The lab of this slug; NotFound when there is none."""
    lab = session.exec(select(LabRow).where(LabRow.slug == slug)).first()
    if lab is None:
        raise NotFound(filled("there is no lab '%(slug)s'", slug=slug[:80]))
    return lab


def machine_of(session: Session, lab_id: str, machine_id: str) -> MachineRow:
    """The lab's machine; NotFound when it has none of this id."""
    machine = session.get(MachineRow, machine_id)
    if machine is None or machine.lab_id != lab_id:
        raise NotFound(f"there is no machine {machine_id[:64]} in this lab")
    return machine


def slug_of(session: Session, lab_id: str) -> str:
    """The name of a lab in addresses."""
    return session.get_one(LabRow, lab_id).slug


def set_place(session: Session, slug: str, place: Place) -> None:
    """The lab is there; what it has built is found by those who look near it."""
    lab = lab_of(session, slug)
    lab.latitude, lab.longitude = place.latitude, place.longitude
    session.add(lab)


def list_labs(
    session: Session, city_id: str | None = None, *, most: int | None = None
) -> list[LabLine]:
    """Every lab, or every lab of one city, by city and name; `most` of them at most."""
    rows = select(LabRow.id, LabRow.slug, LabRow.name, LabRow.city_id)
    if city_id is not None:
        rows = rows.where(LabRow.city_id == city_id)
    rows = rows.join(CityRow, col(CityRow.id) == col(LabRow.city_id))
    found = session.exec(rows.order_by(CityRow.name, LabRow.name).limit(most)).all()
    used = select(MachineRow.lab_id, count()).where(col(MachineRow.retired_at).is_(None))
    counted = used.group_by(MachineRow.lab_id)
    machines = dict(session.exec(counted).all())
    cities = {city.id: city for city in list_cities(session)}
    return [
        LabLine(slug, name, cities[city].slug, cities[city].name, machines.get(id_, 0))
        for id_, slug, name, city in found
    ]


def names_of(session: Session, slugs: Collection[str]) -> dict[str, str]:
    """The names of these labs, by slug; those that are none are left out."""
    named = select(LabRow.slug, LabRow.name).where(col(LabRow.slug).in_(slugs))
    return dict(session.exec(named).all())


def list_members(session: Session, lab_id: str, stretch: Stretch = BEGINNING) -> Page[MemberLine]:
    """Everybody with a role in the lab, by handle."""
    held = (
        select(PersonRow, LabRoleRow)
        .join(LabRoleRow, col(LabRoleRow.person_id) == col(PersonRow.id))
        .where(LabRoleRow.lab_id == lab_id)
    )
    page = read_page(session, held, Keys(handle=PersonRow.handle), stretch)
    return page.shown(lambda it: MemberLine(it[0].handle, it[0].name, it[1].role))


def set_role(session: Session, *, lab_id: str, handle: str, role: LabRole) -> None:
    """The person has this role in the lab, and no other one there.

    Conflict when that would leave the lab without a manager.
    """
    plain = handle.strip().lower()  # a handle is the same in capitals, as when signing in
    person = session.exec(select(PersonRow).where(PersonRow.handle == plain)).first()
    if person is None:
        raise NotFound(filled("nobody here has the handle '%(handle)s'", handle=handle[:80]))
    held = session.get(LabRoleRow, (person.id, lab_id))
    if held is None:
        session.add(LabRoleRow(person_id=person.id, lab_id=lab_id, role=role))
        return
    if role is not LabRole.MANAGER and _managers(session, lab_id) == [person.id]:
        raise Conflict(
            filled("%(name)s is this lab's only manager; name another one first", name=person.name)
        )
    held.role = role
    session.add(held)


def _managers(session: Session, lab_id: str) -> list[str]:
    managers = select(LabRoleRow.person_id).where(
        LabRoleRow.lab_id == lab_id, LabRoleRow.role == LabRole.MANAGER
    )
    return list(session.exec(managers))
