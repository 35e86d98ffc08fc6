"""Brings the database to the schema that this version of the service uses."""

from pathlib import Path

import sqlalchemy as sa

from service.database.connection import Database

SCHEMA_VERSION = "0001"
"""The newest migration; the service refuses to start on any other."""

_LOCK = 0x6D696C6C  # one number for all replicas that migrate at once


def migrate(database: Database) -> bool:
    """Apply the missing migrations in one transaction, one process at a time; return False if there were none.

    Raises Unavailable.
    """
    if schema_version(database) == SCHEMA_VERSION:
        return False
    from alembic import command  # here, because it is slow to import and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        if not database.sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def schema_version(database: Database) -> str | None:
    """Return the migration that the database is at, None for an empty one; raises Unavailable."""
    with database.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return found


def check_schema(database: Database) -> None:
    """Raise SchemaMismatch if the database is at another migration; raises Unavailable."""
    found = schema_version(database)
    if found != SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the database is at migration {found or 'none'}, this version of the service needs {SCHEMA_VERSION}: "
            "run `python -m service.auth migrate`"
        )


class SchemaMismatch(Exception):
    """The database has to be migrated first."""
