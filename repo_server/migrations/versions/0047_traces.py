"""What became of a thing is found by its name, like the thing itself."""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.create_index("ix_economic_event_to_resource", "economic_event", ["to_resource"])
