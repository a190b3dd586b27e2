"""A lab's facility as somebody brought it, in the words of Open Know-Where. Nobody has yet."""

from alembic import op
from sqlalchemy import JSON, Column

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("lab", Column("okw", JSON))
