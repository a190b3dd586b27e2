"""A lab has one time zone: it stood in its hours and in its rules of booking."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0042"
down_revision = "0041"

_LAB = sa.table(
    "lab",
    sa.column("id", Text),
    sa.column("rules", sa.JSON(none_as_null=True)),
    sa.column("time_zone", Text),
)
_BOOKING_RULES = sa.table("booking_rules", sa.column("lab_id", Text), sa.column("time_zone", Text))


def upgrade() -> None:
    op.add_column("lab", sa.Column("time_zone", Text, nullable=False, server_default="UTC"))
    session = op.get_bind()
    booked = dict(
        session.execute(sa.select(_BOOKING_RULES.c.lab_id, _BOOKING_RULES.c.time_zone)).all()
    )
    for id_, rules in session.execute(sa.select(_LAB.c.id, _LAB.c.rules)).all():
        kept = dict(rules or {})
        hours = kept.pop("timezone", "UTC")
        zone = hours if hours != "UTC" else booked.get(id_, "UTC")
        change = sa.update(_LAB).where(_LAB.c.id == id_)
        session.execute(change.values(time_zone=zone, rules=kept or None))
    op.drop_column("booking_rules", "time_zone")
