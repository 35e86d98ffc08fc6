"""Brings the database to the schema that this version of the service uses, or back to one of an earlier release.

Migrations are additive for one release: they add what the next release needs and take nothing away. So replicas of both
releases run on one database, and going back loses nothing.
"""

from pathlib import Path

import sqlalchemy as sa

from service.database.connection import Database
from service.database.metadata import metadata

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every migration, in order. The first release starts on 0001 alone."""
SCHEMA_VERSION = REVISIONS[-1]
"""The newest migration."""

_LOCK = 0x6D696C6C  # one number for all replicas that migrate at once


class SchemaMismatch(Exception):
    """The database has to be migrated first."""


def migrate(database: Database, to: str = SCHEMA_VERSION) -> bool:
    """Move the database to a revision in one transaction, one process at a time; return False if it is there already.

    A database that a newer release has migrated stays as it is. Raises SchemaMismatch for a way back from there, and
    Unavailable.
    """
    found = schema_version(database) or ""
    if found == to or found > to == SCHEMA_VERSION:
        return False
    if found > SCHEMA_VERSION:
        raise SchemaMismatch(f"the database is at migration {found}: only the release that made it can go back")
    with database.writing() as connection:
        if not database.sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        _move(connection, to, back=found > to)
    return True


def schema_version(database: Database) -> str | None:
    """Return the migration that the database is at, None for an empty one. Raises Unavailable."""
    with database.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return found


def check_schema(database: Database) -> None:
    """Raise SchemaMismatch if a table or column is missing of those that the packages in use declare.

    What is there besides is of no concern: a newer release may have added it. Raises Unavailable.
    """
    with database.reading() as connection:
        found = sa.inspect(connection).get_multi_columns()
    there = {table: {column["name"] for column in columns} for (_, table), columns in found.items()}
    missing = [
        table.name for table in metadata.sorted_tables if not there.get(table.name, set()) >= set(table.c.keys())
    ]
    if missing:
        raise SchemaMismatch(
            f"the database is at migration {schema_version(database) or 'none'} and lacks something of "
            f"{', '.join(sorted(missing))}: run `python -m service.auth migrate`"
        )


def migrations_folder() -> Path:
    """Return the folder of the migrations."""
    return Path(__file__).parent / "migrations"


def _move(connection: sa.Connection, to: str, *, back: bool) -> None:
    from alembic import command  # here, because it is slow to import and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    (command.downgrade if back else command.upgrade)(config, to)
