"""Alembic's entry: runs the steps on the connection that `db.upgrade` opened."""

from alembic import context
from sqlmodel import SQLModel

import repo_server.tables  # noqa: F401  (the metadata knows every table)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
