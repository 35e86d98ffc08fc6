"""The database's schema, migration by migration (Alembic)."""
