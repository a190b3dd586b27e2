"""How large a sheet is and how its grain runs. Nobody has said so of those on the shelf."""

from alembic import op
from sqlalchemy import Column, Float, String

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("material_lot", Column("width_mm", Float))
    op.add_column("material_lot", Column("depth_mm", Float))
    op.add_column("material_lot", Column("grain", String))
