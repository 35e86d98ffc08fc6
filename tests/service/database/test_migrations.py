"""Migrations: forth and back without loss, and what a schema has to have for the service to start."""

import uuid

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service.audit import tables as _audit  # noqa: F401 - declares tables
from service.auth import tables as _auth  # noqa: F401 - declares tables
from service.database import leases as _leases  # noqa: F401 - declares a table
from service.database.connection import Database
from service.database.metadata import metadata
from service.database.migrate import (
    REVISIONS,
    SCHEMA_VERSION,
    SchemaMismatch,
    check_schema,
    migrate,
    migrations_folder,
    schema_version,
)
from service.operations import tables as _operations  # noqa: F401 - declares a table


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """A database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        server = request.getfixturevalue("postgresql")
        name = f"empty_{uuid.uuid4().hex}"
        maker = sa.create_engine(server.url("template1"), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with maker.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
        url = server.url(name)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def first_release(empty):
    """A database as the first release left it, with a client in it."""
    migrate(empty, "0001")
    with empty.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO clients (id, name, secret_number, secret_hash, created_at) VALUES ('c1', 'n', 1, 'h', 1)"
        )
    return empty


def clients(database):
    with database.reading() as connection:
        return connection.exec_driver_sql("SELECT id, name FROM clients").all()


def tables(database):
    with database.reading() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_revisions_are_the_files_of_the_migrations_in_order():
    names = sorted(path.name[:4] for path in migrations_folder().glob("versions/[0-9]*.py"))
    assert list(REVISIONS) == names
    assert names[-1] == SCHEMA_VERSION


def test_the_migrations_make_what_the_packages_declare(empty):
    assert migrate(empty) is True
    with empty.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert migrate(empty) is False


def test_a_database_of_the_first_release_is_migrated_and_loses_nothing(first_release):
    with pytest.raises(SchemaMismatch, match=r"at migration 0001 and lacks something of leases.*migrate"):
        check_schema(first_release)
    assert migrate(first_release) is True
    check_schema(first_release)
    assert schema_version(first_release) == SCHEMA_VERSION
    assert len(clients(first_release)) == 1


def test_going_back_to_the_first_release_loses_nothing_and_lets_this_one_go_on(first_release):
    migrate(first_release)
    assert migrate(first_release, "0001") is True
    assert schema_version(first_release) == "0001"
    assert len(clients(first_release)) == 1
    check_schema(first_release)
    assert migrate(first_release) is True
    assert schema_version(first_release) == SCHEMA_VERSION


def test_what_a_newer_release_added_is_no_hindrance(first_release):
    migrate(first_release)
    with first_release.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")
        connection.exec_driver_sql("ALTER TABLE clients ADD COLUMN later TEXT")
        connection.exec_driver_sql("CREATE TABLE later (id INTEGER)")
    check_schema(first_release)
    assert migrate(first_release) is False
    assert schema_version(first_release) == "0099"
    with pytest.raises(SchemaMismatch, match="0099"):
        migrate(first_release, "0001")


def test_a_missing_column_is_one_too_few(first_release):
    migrate(first_release)
    with first_release.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE quota_windows RENAME COLUMN booked TO used")
    with pytest.raises(SchemaMismatch, match="quota_windows"):
        check_schema(first_release)


def test_an_empty_database_has_to_be_migrated(empty):
    with pytest.raises(SchemaMismatch, match="at migration none"):
        check_schema(empty)
    assert tables(empty) == set()
