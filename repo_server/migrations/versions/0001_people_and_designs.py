"""People, cities, designs and their files."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Enum,
    ForeignKey,
    Integer,
    UniqueConstraint,
)
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0001"
down_revision = None

CITYROLE = Enum("EDITOR", name="cityrole")


def _blob() -> None:
    op.create_table(
        "blob",
        Column("sha256", Text, primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("stored_at", UTCDateTime, nullable=False),
    )


def _city() -> None:
    op.create_table(
        "city",
        Column("id", Text, primary_key=True),
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("country", Text, nullable=False),
        Column("pledge", Text),
        Column("pledge_source", Text),
    )
    op.create_index("ix_city_slug", "city", ["slug"], unique=True)


def _person() -> None:
    op.create_table(
        "person",
        Column("id", Text, primary_key=True),
        Column("handle", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("email", Text, nullable=False),
        Column("password", Text, nullable=False),
        Column("is_admin", Boolean, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        UniqueConstraint("email"),
    )
    op.create_index("ix_person_handle", "person", ["handle"], unique=True)


def _api_token() -> None:
    op.create_table(
        "api_token",
        Column("id", Text, primary_key=True),
        Column("secret_sha256", Text, nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("scopes", JSON, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime, nullable=False),
        Column("used_at", UTCDateTime),
        Column("revoked_at", UTCDateTime),
        UniqueConstraint("secret_sha256"),
    )
    op.create_index("ix_api_token_person_id", "api_token", ["person_id"])


def _city_role() -> None:
    op.create_table(
        "city_role",
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("city_id", Text, ForeignKey("city.id"), primary_key=True),
        Column("role", CITYROLE, nullable=False),
    )


def _design() -> None:
    op.create_table(
        "design",
        Column("id", Text, primary_key=True),
        Column("slug", Text, nullable=False),
        Column("steward_id", Text, ForeignKey("person.id"), nullable=False),
        Column("head_id", Text),
        Column("created_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_design_head_id", "design", ["head_id"])
    op.create_index("ix_design_slug", "design", ["slug"], unique=True)
    op.create_index("ix_design_steward_id", "design", ["steward_id"])


def _file_facts() -> None:
    op.create_table(
        "file_facts",
        Column("sha256", Text, ForeignKey("blob.sha256"), primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("parser_version", Integer, nullable=False),
        Column("facts", JSON),
        Column("problem", Text),
        Column("preview_sha256", Text, ForeignKey("blob.sha256")),
        Column("thumbnail_sha256", Text, ForeignKey("blob.sha256")),
        Column("measured_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_file_facts_preview_sha256", "file_facts", ["preview_sha256"])
    op.create_index("ix_file_facts_thumbnail_sha256", "file_facts", ["thumbnail_sha256"])


def _session() -> None:
    op.create_table(
        "session",
        Column("secret_sha256", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("csrf", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("seen_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])


def _release() -> None:
    op.create_table(
        "release",
        Column("id", Text, primary_key=True),
        Column("design_id", Text, ForeignKey("design.id"), nullable=False),
        Column("version", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("function", Text, nullable=False),
        Column("license", Text, nullable=False),
        Column("licensors", JSON, nullable=False),
        Column("manifest", JSON, nullable=False),
        Column("manifest_sha256", Text, ForeignKey("blob.sha256"), nullable=False),
        Column("published_by", Text, ForeignKey("person.id"), nullable=False),
        Column("published_at", UTCDateTime, nullable=False),
        UniqueConstraint("design_id", "version"),
    )
    op.create_index("ix_release_design_id", "release", ["design_id"])


def _release_file() -> None:
    op.create_table(
        "release_file",
        Column("release_id", Text, ForeignKey("release.id"), primary_key=True),
        Column("path", Text, primary_key=True),
        Column("sha256", Text, ForeignKey("blob.sha256"), nullable=False),
    )
    op.create_index("ix_release_file_sha256", "release_file", ["sha256"])


def upgrade() -> None:
    _blob()
    _city()
    _person()
    _api_token()
    _city_role()
    _design()
    _file_facts()
    _session()
    _release()
    _release_file()
