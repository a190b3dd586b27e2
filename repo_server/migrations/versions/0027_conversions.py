"""Meshes made of solids, and attempts that tell of which file theirs was made."""

from alembic import op
from sqlalchemy import JSON, Column
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("attempt", Column("conversion", JSON))
    op.add_column("file_facts", Column("mesh_sha256", Text))
    op.create_index("ix_file_facts_mesh_sha256", "file_facts", ["mesh_sha256"])
