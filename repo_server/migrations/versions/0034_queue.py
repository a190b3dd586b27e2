"""Places in the line, what people change about them, orders that belong together, and machines
that are not used any more."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import sqlalchemy as sa
from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0034"
down_revision = "0033"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_FINE = 1024  # places in a microsecond


def upgrade() -> None:
    _sets()
    op.add_column("build_order", Column("machines", JSON))
    op.add_column(
        "build_order", Column("attended_only", Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("build_order", Column("waived_by", Text))
    for table, column, other in (
        ("build_order", "after_id", "build_order"),
        ("build_order", "set_id", "order_set"),
        ("waiting_order", "set_id", "order_set"),
        ("job", "beside_id", "build_order"),
        ("job", "pinned_to", "machine"),
    ):
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR REFERENCES {other} (id)")
    for table, column in (("build_order", "after_id"), ("build_order", "set_id"),
                          ("waiting_order", "set_id")):  # fmt: skip
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.add_column("job", Column("place", BigInteger, nullable=False, server_default="0"))
    _give_places()
    op.create_index("ix_job_place", "job", ["lab_id", "place"])
    op.add_column("machine", Column("retired_at", UTCDateTime))
    op.add_column("machine", Column("retired_by", Text))
    _changes()


def _sets() -> None:
    op.create_table(
        "order_set",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, sa.ForeignKey("lab.id"), nullable=False, index=True),
        Column("release_id", Text, sa.ForeignKey("release.id"), nullable=False),
        Column("objects", sa.Integer, nullable=False),
        Column("ordered_by", Text, sa.ForeignKey("person.id"), nullable=False, index=True),
        Column("ordered_at", UTCDateTime, nullable=False),
        Column("bought", JSON, nullable=False),
    )


def _changes() -> None:
    op.create_table(
        "job_change",
        Column("id", Text, primary_key=True),
        Column("job_id", Text, sa.ForeignKey("job.id"), nullable=False, index=True),
        Column("kind", Text, nullable=False),
        Column("named", Text, nullable=False),
        Column("past_bound", Boolean, nullable=False),
        Column("person_id", Text, sa.ForeignKey("person.id"), nullable=False),
        Column("at", UTCDateTime, nullable=False),
    )


def _give_places() -> None:
    """Each job stands where it stood: by when it was queued, then by order and copy."""
    job = sa.table(
        "job", *map(sa.column, ("id", "lab_id", "order_id", "copy_number")),
        sa.column("place", BigInteger), sa.column("queued_at", UTCDateTime),
    )  # fmt: skip
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(job.c.id, job.c.lab_id, job.c.queued_at).order_by(
            job.c.lab_id, job.c.queued_at, job.c.order_id, job.c.copy_number
        )
    ).all()
    places = []
    for _, of_lab in groupby(rows, lambda it: it.lab_id):
        last = 0
        for row in of_lab:
            at = (row.queued_at - _BEGINNING) // timedelta(microseconds=1) * _FINE
            last = max(at, last + _FINE)
            places.append({"job_id": row.id, "here": last})
    if places:
        mine = sa.update(job).where(job.c.id == sa.bindparam("job_id"))
        connection.execute(mine.values(place=sa.bindparam("here")), places)
