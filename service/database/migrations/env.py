"""Alembic's entry: runs the migrations on the connection that ``service.database.migrate`` hands over."""

from alembic import context

from service.database.metadata import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
