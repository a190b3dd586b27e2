"""What people say at an agent's own page: that a bed is clear, and what came of an attempt."""

from alembic import op
from sqlalchemy import Column, Float
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    with op.batch_alter_table("bed_clear") as table:
        table.alter_column("person_id", existing_type=Text(), nullable=True)
    op.add_column("bed_clear", Column("said_by", Text))
    op.add_column("attempt", Column("said_by", Text))
    op.add_column("attempt", Column("weighed_g", Float))
    op.add_column("attempt", Column("photo_sha256", Text))
