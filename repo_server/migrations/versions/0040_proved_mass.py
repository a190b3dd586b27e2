"""What a plate takes by its proved program, where a lot had too little for it."""

from alembic import op
from sqlalchemy import Column, Float

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("job", Column("proved_g", Float))
