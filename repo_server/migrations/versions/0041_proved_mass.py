"""What a plate takes by its proved program, where a lot had too little for it."""

from alembic import op
from sqlalchemy import Column, Float

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("job", Column("proved_g", Float))
