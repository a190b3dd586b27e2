"""Events are found by lab and time, by process, resource or person: never by their action alone.

Of an index by action SQLite thinks well where nobody has told it how few actions there are.
"""

from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.drop_index("ix_economic_event_action", "economic_event")
