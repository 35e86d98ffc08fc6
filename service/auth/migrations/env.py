"""Alembic's entry: runs the migrations on the connection that ``service.auth.migrate`` hands over."""

from alembic import context

from service.auth.state import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
