"""People: accounts, how they prove who they are, and what they may do where."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, delete, or_, select

from commons.content import content_id
from commons.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from commons.texts import filled, later
from repo_server.db import look
from repo_server.tables import (
    ApiTokenRow,
    CityRoleRow,
    CityRow,
    LabRoleRow,
    LabRow,
    PersonRow,
    SessionRow,
)
from repo_server.tables.people import CityRole, LabRole

SESSION_IDLE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=7)
TOKEN_PREFIX = "cl_"  # noqa: S105  (what secret scanners look for)
TOKEN_LIFE_DAYS = 366
PASSWORD_LENGTHS = range(10, 201)
_SEEN_EVERY = timedelta(minutes=10)
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){1,38}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,}")
_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106, low-memory variant


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    DESIGN_WRITE = "design:write"
    ORDER_WRITE = "order:write"
    LAB_OPERATE = "lab:operate"
    LAB_MANAGE = "lab:manage"
    CITY_WRITE = "city:write"
    WEBHOOK_WRITE = "webhook:write"
    POST_WRITE = "post:write"
    PROFILE_WRITE = "profile:write"


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is, as far as others may know."""

    id: str
    handle: str
    name: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that proved who sits at it; `csrf` proves that a form was ours.

    `stale`: it is time to write down that it was seen.
    """

    person: Person
    csrf: str
    stale: bool


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Whoever holds this token acts for `person`, within `scopes`."""

    person: Person
    scopes: frozenset[Scope]


def hash_password(password: str) -> str:
    """The argon2id hash of a password. Slow on purpose: not inside a transaction."""
    return _HASHER.hash(password)


def sign_up(
    session: Session,
    *,
    id: str,
    handle: str,
    name: str,
    email: str,
    password_hash: str,
    now: datetime,
) -> Person:
    """A new account exists, of values that `check_account` let pass.

    Raises Conflict when handle or e-mail is taken.
    """
    handle, email = _plain(handle), _plain(email)
    taken = session.exec(
        select(PersonRow.handle).where(or_(PersonRow.handle == handle, PersonRow.email == email))
    ).first()
    if taken is not None:
        if taken != handle:
            raise Conflict(later("this e-mail address is taken; sign in, or choose another"))
        raise Conflict(
            filled("the handle '%(handle)s' is taken; sign in, or choose another", handle=handle)
        )
    row = PersonRow(
        id=id,
        handle=handle,
        name=name.strip(),
        email=email,
        password=password_hash,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _person(row)


def check_account(*, handle: str, name: str, email: str, password: str) -> None:
    """Pass for an account that can be made; InvalidInput with every wrong field otherwise."""
    problems = []
    if not _HANDLE.fullmatch(_plain(handle)):
        problems.append(
            FieldProblem("handle", later("must be 2 to 39 letters, digits or single hyphens"))
        )
    problems += name_problems(name)
    if not _EMAIL.fullmatch(_plain(email)):
        problems.append(FieldProblem("email", later("is not an e-mail address")))
    if len(password) not in PASSWORD_LENGTHS:
        problems.append(FieldProblem("password", later("must have 10 to 200 characters")))
    _raise_if_any(problems)


def name_problems(name: str) -> list[FieldProblem]:
    """What is wrong with somebody's name, as others are to see it."""
    if 1 <= len(name.strip()) <= 80 and name.isprintable():
        return []
    return [FieldProblem("name", later("must be 1 to 80 printable characters"))]


def _plain(text: str) -> str:
    """Handles and addresses are the same in capitals and with blanks around them."""
    return text.strip().lower()


def password_hash_of(session: Session, handle_or_email: str) -> tuple[Person | None, str]:
    """The account of that handle or e-mail and its hash; a hash that fits nothing for nobody."""
    wanted = _plain(handle_or_email)
    row = session.exec(
        select(PersonRow).where(or_(PersonRow.handle == wanted, PersonRow.email == wanted))
    ).first()
    return (_person(row), row.password) if row else (None, _nobodys_hash())


@cache
def _nobodys_hash() -> str:
    """Verified when nobody has the handle, so that the time taken does not tell."""
    return _HASHER.hash(secrets.token_hex(16))


def password_fits(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed. Slow on purpose, like the hashing."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def open_session(
    session: Session, *, person_id: str, secret: str, csrf: str, now: datetime
) -> None:
    """Whoever holds `secret` is signed in; sessions that ended are forgotten."""
    over = or_(
        col(SessionRow.seen_at) < now - SESSION_IDLE,
        col(SessionRow.created_at) < now - SESSION_LIFE,
    )
    session.exec(delete(SessionRow).where(over))
    session.add(
        SessionRow(
            secret_sha256=_digest(secret),
            person_id=person_id,
            csrf=csrf,
            created_at=now,
            seen_at=now,
        )
    )


def close_session(session: Session, secret: str) -> None:
    """Nobody is signed in with `secret` any more."""
    session.exec(delete(SessionRow).where(col(SessionRow.secret_sha256) == _digest(secret)))


def of_session(session: Session, secret: str, now: datetime) -> SignedIn | None:
    """Who is signed in with `secret`; None when nobody is, or not any longer."""
    row = session.get(SessionRow, _digest(secret))
    if row is None or now - row.seen_at > SESSION_IDLE or now - row.created_at > SESSION_LIFE:
        return None
    stale = now - row.seen_at > _SEEN_EVERY
    return SignedIn(_person(_row_of(session, row.person_id)), row.csrf, stale)


def keep_session(session: Session, secret: str, now: datetime) -> None:
    """The session counts as seen now, unless it was closed meanwhile."""
    row = session.get(SessionRow, _digest(secret))
    if row is not None:
        row.seen_at = now
        session.add(row)


def issue_token(
    session: Session,
    *,
    id: str,
    secret: str,
    person_id: str,
    name: str,
    scopes: Iterable[str],
    days: int,
    now: datetime,
) -> None:
    """Whoever holds `secret` acts for the person, within `scopes`, for `days` from now."""
    problems = []
    if not 1 <= len(name.strip()) <= 80:
        problems.append(FieldProblem("name", "must be 1 to 80 characters: what is it for?"))
    wanted = sorted(set(scopes))
    known = ", ".join(Scope)
    problems += [
        FieldProblem("scopes", f"'{scope}' is not one of {known}")
        for scope in wanted
        if scope not in list(Scope)
    ]
    if not wanted:
        problems.append(FieldProblem("scopes", f"must name at least one of {known}"))
    if not 1 <= days <= TOKEN_LIFE_DAYS:
        problems.append(FieldProblem("days", f"must be 1 to {TOKEN_LIFE_DAYS}"))
    _raise_if_any(problems)
    session.add(
        ApiTokenRow(
            id=id,
            secret_sha256=_digest(secret),
            person_id=person_id,
            name=name.strip(),
            scopes=wanted,
            created_at=now,
            ends_at=now + timedelta(days=days),
        )
    )


# Made once: every request of a program asks it.
_HOLDER = (
    columns(
        col(ApiTokenRow.scopes), col(ApiTokenRow.revoked_at), col(ApiTokenRow.ends_at),
        col(PersonRow.id), col(PersonRow.handle), col(PersonRow.name), col(PersonRow.is_admin),
    )
    .join(PersonRow, col(PersonRow.id) == col(ApiTokenRow.person_id))
    .where(col(ApiTokenRow.secret_sha256) == bindparam("digest"))
)  # fmt: skip


def of_token(session: Session, secret: str, now: datetime) -> TokenHolder | None:
    """For whom a token speaks; None when it is unknown, revoked or over."""
    if (found := look(session, _HOLDER, digest=_digest(secret)).first()) is None:
        return None
    scopes, revoked_at, ends_at, id_, handle, name, is_admin = found
    if revoked_at is not None or ends_at <= now:
        return None
    person = Person(id_, handle, name, is_admin)
    return TokenHolder(person, frozenset(Scope(scope) for scope in scopes))


def appoint_admin(session: Session, handle: str) -> Person:
    """The account may keep the repository: cities and what belongs to all. Not anyone's lab."""
    row = session.exec(select(PersonRow).where(PersonRow.handle == _plain(handle))).first()
    if row is None:
        raise NotFound(f"nobody here has the handle '{handle}'; sign up first")
    row.is_admin = True
    session.add(row)
    return _person(row)


def of_handle(session: Session, handle: str) -> Person:
    """The person with this handle; NotFound when nobody here has it."""
    row = session.exec(select(PersonRow).where(PersonRow.handle == _plain(handle))).first()
    if row is None:
        raise NotFound(filled("nobody here has the handle '%(handle)s'", handle=handle[:80]))
    return _person(row)


# Made once: whatever somebody does in a lab asks it. The role is None for one who has none.
_HELD = (
    columns(col(LabRow.id), col(LabRow.name), col(LabRoleRow.role))
    .join(
        LabRoleRow,
        (col(LabRoleRow.lab_id) == col(LabRow.id))
        & (col(LabRoleRow.person_id) == bindparam("person_id")),
        isouter=True,
    )
    .where(col(LabRow.slug) == bindparam("slug"))
)


def require_lab_role(session: Session, *, person_id: str, lab_slug: str, role: LabRole) -> str:
    """The lab's id, for one who has at least this role there.

    Raises NotFound when there is no such lab, NotAllowed when the role is missing.
    """
    found = look(session, _HELD, slug=lab_slug, person_id=person_id).first()
    if found is None:
        raise NotFound(filled("there is no lab '%(slug)s'", slug=lab_slug))
    lab_id, name, held = found
    ranks = list(LabRole)
    if held is None or ranks.index(held) < ranks.index(role):
        raise NotAllowed(
            filled(
                "this needs the role %(role)s at %(lab)s; ask one of its managers",
                role=role,
                lab=name,
            )
        )
    return lab_id


def require_city_role(session: Session, *, person_id: str, city_slug: str, role: CityRole) -> str:
    """The city's id, for one who has this role there. NotFound and NotAllowed as for labs."""
    city = session.exec(select(CityRow).where(CityRow.slug == city_slug)).first()
    if city is None:
        raise NotFound(filled("there is no city '%(slug)s'", slug=city_slug))
    held = session.get(CityRoleRow, (person_id, city.id))
    if held is None or held.role != role:
        raise NotAllowed(
            filled(
                "this needs the role %(role)s of %(city)s; ask the repository's admin",
                role=role,
                city=city.name,
            )
        )
    return city.id


def lab_roles(session: Session, person_id: str) -> dict[str, LabRole]:
    """The person's role in each lab where they have one, by the lab's slug."""
    rows = session.exec(
        select(LabRow, LabRoleRow)
        .join(LabRoleRow, col(LabRoleRow.lab_id) == col(LabRow.id))
        .where(LabRoleRow.person_id == person_id)
        .order_by(LabRow.slug)
    )
    return {lab.slug: held.role for lab, held in rows}


def _row_of(session: Session, person_id: str) -> PersonRow:
    return session.get_one(PersonRow, person_id)


def _person(row: PersonRow) -> Person:
    return Person(row.id, row.handle, row.name, row.is_admin)


def _digest(secret: str) -> str:
    return content_id(secret.encode())


def _raise_if_any(problems: list[FieldProblem]) -> None:
    if problems:
        raise InvalidInput("; ".join(str(problem) for problem in problems), problems)
