"""What a job's turn goes by stands in its own row, and what members had of machines is counted."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Boolean, Column, Float, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0040"
down_revision = "0039"
_PATIENCE = timedelta(days=7)


def upgrade() -> None:
    for name, kind, default in (
        ("material", Text, ""),
        ("urgent", Boolean, sa.false()),
        ("begin_by", UTCDateTime, "1970-01-01 00:00:00.000000"),
        ("claimant", Text, ""),
        ("set_up", Text, ""),
    ):
        op.add_column("job", Column(name, kind, nullable=False, server_default=default))
    _claim()
    line = ["lab_id", "process", "state", "material"]
    op.create_index("ix_job_turn", "job", [*line, "urgent", "claimant", "begin_by", "place"])
    op.create_index("ix_job_turn_by_place", "job", [*line, "place"])
    op.create_table(
        "machine_use",
        Column("lab_id", Text, ForeignKey("lab.id"), primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("minutes", Float, nullable=False),
        Column("at", UTCDateTime, nullable=False),
    )


def _claim() -> None:
    """As its order says, or the one that it was put beside."""
    job = sa.table(
        "job", *map(sa.column, ("id", "order_id", "beside_id", "material", "claimant")),
        sa.column("urgent", Boolean), sa.column("begin_by", UTCDateTime),
        sa.column("queued_at", UTCDateTime),
    )  # fmt: skip
    own, like = (
        sa.table(
            "build_order", *map(sa.column, ("id", "material", "ordered_by", "urgent_because")),
            sa.column("deadline", UTCDateTime),
        ).alias(name)
        for name in ("own", "like_it")
    )  # fmt: skip
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(
            job.c.id, job.c.queued_at, own.c.material, like.c.ordered_by, like.c.urgent_because,
            like.c.deadline,
        )
        .join(own, own.c.id == job.c.order_id)
        .join(like, like.c.id == sa.func.coalesce(job.c.beside_id, job.c.order_id))
    )  # fmt: skip
    claims = [
        {
            "job_id": row.id,
            "of": row.material,
            "is_urgent": row.urgent_because is not None,
            "by": min(row.queued_at + _PATIENCE, row.deadline or row.queued_at + _PATIENCE),
            "member": row.ordered_by,
        }
        for row in rows
    ]
    if claims:
        of_job = sa.update(job).where(job.c.id == sa.bindparam("job_id"))
        connection.execute(
            of_job.values(
                material=sa.bindparam("of"),
                urgent=sa.bindparam("is_urgent"),
                begin_by=sa.bindparam("by"),
                claimant=sa.bindparam("member"),
            ),
            claims,
        )
