"""When orders are to be made, and jobs that somebody has set aside."""

from alembic import op
from sqlalchemy import Column, text
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("build_order", Column("deadline", UTCDateTime))
    op.add_column("build_order", Column("not_before", UTCDateTime))
    op.add_column("build_order", Column("urgent_because", Text))
    op.add_column("job", Column("parked_by", Text))
    taken = text("attempt_id IS NOT NULL")
    op.create_index(
        "ix_job_taken",
        "job",
        ["lab_id", "process", "queued_at"],
        sqlite_where=taken,
        postgresql_where=taken,
    )
