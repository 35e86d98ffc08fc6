"""Brings the database to the schema that this version of the service uses."""

from pathlib import Path

import sqlalchemy as sa

from service.auth.state import SCHEMA_VERSION, State

_LOCK = 0x6D696C6C  # one number for all replicas that migrate at once


def migrate(state: State) -> bool:
    """Apply the missing migrations in one transaction, one process at a time; False where there was nothing to do."""
    if state.schema_version() == SCHEMA_VERSION:
        return False
    from alembic import command  # here, because it is slow to import and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with state.writing() as connection:
        if not state.sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def check_schema(state: State) -> None:
    """Raise SchemaMismatch where the database is at another migration; Unavailable if it is down."""
    found = state.schema_version()
    if found != SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the database is at migration {found or 'none'}, this version of the service needs {SCHEMA_VERSION}: "
            "run `python -m service.auth migrate`"
        )


class SchemaMismatch(Exception):
    """The database has to be migrated first."""
