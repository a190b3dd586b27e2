"""People, how they prove who they are, and what they may do where."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class LabRole(StrEnum):
    """Each role may do what the ones before it may."""

    MEMBER = "member"  # orders builds
    OPERATOR = "operator"  # stands at the machines: clear bed, verdict, hold, stop
    MANAGER = "manager"  # enrols agents, keeps machines, lots and members


class CityRole(StrEnum):
    EDITOR = "editor"  # keeps the city's context


class PersonRow(SQLModel, table=True):
    """One account. `password` is an argon2id hash. Names are shown, e-mail never is.

    `about` and `link` are what the person says of themselves. Whoever is not listed has no page and
    is in no list of people; their name stays beside what they did.
    """

    __tablename__ = "person"
    id: str = Field(primary_key=True)
    handle: str = Field(unique=True, index=True)
    name: str
    email: str = Field(unique=True)
    password: str
    is_admin: bool = False
    created_at: datetime
    about: str = ""
    link: str | None = None
    is_listed: bool = True


class SessionRow(SQLModel, table=True):
    """A signed-in browser. The cookie holds the secret, this row its SHA-256."""

    __tablename__ = "session"
    secret_sha256: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    csrf: str
    created_at: datetime
    seen_at: datetime


class ApiTokenRow(SQLModel, table=True):
    """A token shown once; this row keeps its SHA-256, its scopes and its end."""

    __tablename__ = "api_token"
    id: str = Field(primary_key=True)
    secret_sha256: str = Field(unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    name: str
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime
    ends_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class LabRoleRow(SQLModel, table=True):
    __tablename__ = "lab_role"
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", primary_key=True)
    role: LabRole


class CityRoleRow(SQLModel, table=True):
    __tablename__ = "city_role"
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    city_id: str = Field(foreign_key="city.id", primary_key=True)
    role: CityRole
