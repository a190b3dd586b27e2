"""What guests want changed in a part."""

from alembic import op
from sqlalchemy import JSON, Column

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.add_column("guest_request", Column("variant", JSON(none_as_null=True)))
