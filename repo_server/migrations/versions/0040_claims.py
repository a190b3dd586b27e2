"""What a job's turn goes by stands in its own row, and what members had of machines is counted."""

from datetime import timedelta
from typing import Any

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


_JOB = sa.table(
    "job",
    *map(sa.column, ("id", "order_id", "beside_id", "material", "claimant")),
    sa.column("urgent", Boolean),
    sa.column("begin_by", UTCDateTime),
    sa.column("queued_at", UTCDateTime),
)
_ORDER = sa.table(
    "build_order",
    *map(sa.column, ("id", "material", "ordered_by", "urgent_because")),
    sa.column("deadline", UTCDateTime),
)


def _claim() -> None:
    """As its order says, or the one that it was put beside."""
    own, like = _ORDER.alias("own"), _ORDER.alias("like_it")
    asked = (
        sa.select(_JOB.c.id, _JOB.c.queued_at, own.c.material)
        .add_columns(like.c.ordered_by, like.c.urgent_because, like.c.deadline)
        .join(own, own.c.id == _JOB.c.order_id)
        .join(like, like.c.id == sa.func.coalesce(_JOB.c.beside_id, _JOB.c.order_id))
    )
    connection = op.get_bind()
    if claims := [_claim_of(row) for row in connection.execute(asked)]:
        given = {"material": "of", "urgent": "is_urgent", "begin_by": "by", "claimant": "member"}
        change: dict[str, Any] = {to: sa.bindparam(it) for to, it in given.items()}
        of_job = sa.update(_JOB).where(_JOB.c.id == sa.bindparam("job_id"))
        connection.execute(of_job.values(**change), claims)


def _claim_of(row: sa.Row[Any]) -> dict[str, object]:
    patient = row.queued_at + _PATIENCE
    return {
        "job_id": row.id,
        "of": row.material,
        "is_urgent": row.urgent_because is not None,
        "by": min(patient, row.deadline or patient),
        "member": row.ordered_by,
    }
