"""Programs that people bring, orders of them, and who has the right to bring one."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer, text
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "own_program",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("sha256", Text, nullable=False),
        Column("size", Integer, nullable=False),
        Column("name", Text, nullable=False),
        Column("traits", JSON, nullable=False),
        Column("brought_by", Text, ForeignKey("person.id"), nullable=False),
        Column("brought_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_own_program_lab_id", "own_program", ["lab_id"])
    op.create_index("ix_own_program_sha256", "own_program", ["sha256"])
    op.create_table(
        "program_right",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("given_by", Text, ForeignKey("person.id"), nullable=False),
        Column("given_at", UTCDateTime, nullable=False),
        Column("taken_by", Text, ForeignKey("person.id")),
        Column("taken_at", UTCDateTime),
    )
    op.create_index("ix_program_right_lab_id", "program_right", ["lab_id"])
    op.create_index("ix_program_right_person_id", "program_right", ["person_id"])
    own = Column("program_id", Text, ForeignKey("own_program.id"))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("build_order", own)
        op.alter_column("build_order", "release_id", nullable=True)
    else:
        _release_may_be_missing()
        op.execute(
            "ALTER TABLE build_order ADD COLUMN program_id VARCHAR REFERENCES own_program (id)"
        )
    op.create_index("ix_build_order_program_id", "build_order", ["program_id"])


def _release_may_be_missing() -> None:
    """As sqlite.org/lang_altertable.html has it for a constraint that falls: jobs refer to orders,
    so that the table cannot be made anew, and no row of it changes."""
    bind = op.get_bind()
    version = bind.execute(text("PRAGMA schema_version")).scalar_one()
    bind.execute(text("PRAGMA writable_schema = ON"))
    bind.execute(
        text(
            "UPDATE sqlite_schema SET sql = "
            "replace(sql, 'release_id VARCHAR NOT NULL', 'release_id VARCHAR') "
            "WHERE type = 'table' AND name = 'build_order'"
        )
    )
    bind.execute(text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(text("PRAGMA writable_schema = OFF"))
