"""Who gave what to a release; and economic events that happen in no lab, as such work does."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, text
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "contribution",
        Column("id", Text, primary_key=True),
        Column("release_id", Text, ForeignKey("release.id"), nullable=False, index=True),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
        Column("role", Text, nullable=False),
        Column("words", Text, nullable=False),
        Column("hours", Float),
        Column("claimed_at", UTCDateTime, nullable=False),
        Column("confirmed_by", Text, ForeignKey("person.id")),
        Column("confirmed_at", UTCDateTime),
    )
    _let_events_happen_in_no_lab()


def _let_events_happen_in_no_lab() -> None:
    """SQLite makes the table anew, and would not let go of an old one that corrections point to."""
    connection = op.get_bind()
    corrections = connection.execute(
        text("SELECT id, corrects FROM economic_event WHERE corrects IS NOT NULL")
    ).all()
    connection.execute(text("UPDATE economic_event SET corrects = NULL"))
    with op.batch_alter_table("economic_event") as table:
        table.alter_column("lab_id", existing_type=Text(), nullable=True)
    for id_, corrects in corrections:
        connection.execute(
            text("UPDATE economic_event SET corrects = :corrects WHERE id = :id"),
            {"id": id_, "corrects": corrects},
        )
