"""Which labs made which designs, counted from the ledger that is there."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0045"
down_revision = "0044"

_YEAR = {"postgresql": "CAST(EXTRACT(YEAR FROM {at} AT TIME ZONE 'UTC') AS INTEGER)",
         "sqlite": "CAST(strftime('%Y', {at}) AS INTEGER)"}  # fmt: skip
# A release's id is 64 hex digits behind "part:".
_COUNT = """
    INSERT INTO made (design_id, lab_id, year, things, first_at)
    SELECT release.design_id, event.lab_id, {year}, sum(event.quantity), min(event.happened_at)
    FROM economic_event AS event
    JOIN release ON release.id = substr(event.resource, 6, 64)
    WHERE event.action = 'PRODUCE' AND event.unit = 'EACH' AND event.simulated = {false}
      AND event.lab_id IS NOT NULL AND substr(event.resource, 1, 5) = 'part:'
    GROUP BY release.design_id, event.lab_id, {year}"""
_ORIGIN = """
    INSERT INTO design_origin (design_id, lab_id)
    SELECT design_id, lab_id FROM (
        SELECT design_id, lab_id,
               row_number() OVER (PARTITION BY design_id ORDER BY min(first_at), lab_id) AS place
        FROM made GROUP BY design_id, lab_id HAVING sum(things) > 0
    ) AS ranked WHERE place = 1"""


def upgrade() -> None:
    op.create_table(
        "made",
        Column("design_id", Text, ForeignKey("design.id"), primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), primary_key=True, index=True),
        Column("year", Integer, primary_key=True),
        Column("things", Float, nullable=False),
        Column("first_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "design_origin",
        Column("design_id", Text, ForeignKey("design.id"), primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False, index=True),
    )
    for statement in counting(op.get_bind().dialect.name):
        op.execute(statement)


def counting(dialect: str) -> tuple[str, str]:
    """The statements that count what the ledger holds, into tables that are empty."""
    year = _YEAR[dialect].format(at="event.happened_at")
    false = "false" if dialect == "postgresql" else "0"
    return _COUNT.format(year=year, false=false), _ORIGIN
