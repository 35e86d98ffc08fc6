"""What tests of several folders share: an application on a store of its own, with access for everyone."""

import itertools
import shutil
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from model_store import seal
from model_store.stores.folder import FolderStore
from service import settings
from service.app import create_app
from service.audit.entry import Actor
from service.auth.access_control import AccessControl
from service.auth.configuration import Configuration
from service.auth.local import create_secrets
from service.auth.registry import CLIENT
from service.database.connection import Database
from service.database.migrate import migrate
from tests.postgresql_server import own_server
from tests.service.auth.fakes import OpenAccess
from tests.service.auth.provider import Provider


@pytest.fixture(scope="session")
def everyone():
    return OpenAccess()


@pytest.fixture
def sealing_key(tmp_path):
    """A sealing key whose public half lies in tmp_path/keys/trusted."""
    return seal.create_keys(tmp_path / "keys")


@pytest.fixture
def make_application(tmp_path, everyone):
    """Builds applications on the store tmp_path/models, loaded and following it; stops them at the end."""
    started = []

    def make(access=None, **variables):
        environment = {
            "MODEL_STORE_ROOT": str(tmp_path / "models"),
            "TRUSTED_KEYS": str(tmp_path / "keys" / "trusted"),
            "RUN_DIR": str(tmp_path / "run"),
            "REPLICA": "test-replica",
            "WATCH_SECONDS": "0.05",
            **variables,
        }
        FolderStore(Path(environment["MODEL_STORE_ROOT"])).identify()  # as set-up does
        application = create_app(settings.read(environment), access or everyone)
        application.start_worker()
        started.append(application)
        return application

    yield make
    for application in started:
        application.stop_worker()


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of the tests' own."""
    yield from own_server()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    """A SQLite file at the newest migration, to copy."""
    path = tmp_path_factory.mktemp("template") / "millrace.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def new_postgresql_url(postgresql):
    """Makes PostgreSQL databases at the newest migration; each call gives the address of another one."""
    template = Database(postgresql.url("postgres"))
    maker = sa.create_engine(postgresql.url("template1"), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    migrate(template)
    template.close()
    numbers = itertools.count()

    def new():
        name = f"test_{next(numbers)}"
        with maker.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE postgres"))
        return postgresql.url(name)

    return new


@pytest.fixture
def sqlite_url(tmp_path, migrated_sqlite):
    """The address of a fresh SQLite database at the newest migration."""
    path = tmp_path / "state" / "millrace.db"
    path.parent.mkdir()
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """The address of a fresh database at the newest migration: each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_url")
    return request.getfixturevalue("new_postgresql_url")()


@pytest.fixture(scope="session")
def made_secrets(tmp_path_factory):
    """A signing key and an audit key, made once, for copying: RSA keys take their time."""
    folder = tmp_path_factory.mktemp("secrets")
    create_secrets(folder / "jwt", folder / "audit.key")
    return folder


@pytest.fixture
def secrets_dir(tmp_path, made_secrets):
    """Secrets of the test's own."""
    return shutil.copytree(made_secrets, tmp_path / "secrets")


class Clock:
    """The time of day, and a test may move it."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead

    def advance(self, seconds):
        self.ahead += seconds


@pytest.fixture
def clock():
    """The clock of everything that ``make_access`` builds."""
    return Clock()


@pytest.fixture
def make_access(secrets_dir, tmp_path, clock):
    """Builds and starts access control on a database; several on one database are several workers. Stops them."""
    started = []

    def make(url, *, start=True, database=None, passwords=None, **changes):
        configuration = {
            "database_url": url,
            "database_password": None,
            "jwt_keys": secrets_dir / "jwt",
            "audit_key": secrets_dir / "audit.key",
            "issuer": "http://localhost:8080",
            "run_dir": tmp_path / "run",
            **changes,
        }
        access = AccessControl(Configuration(**configuration), clock=clock, database=database, passwords=passwords)
        if start:
            access.start()
            started.append(access)
        return access

    yield make
    for access in started:
        access.stop()


@pytest.fixture
def provider():
    """An identity provider of the test's own."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def tester():
    """Who makes changes in tests."""
    return Actor("tester", "192.0.2.1", "request-1")


@pytest.fixture
def make_client(tester):
    """Makes clients with a role: ``make_client(access, "name", "predictor", ["iris*"])`` gives id and secret."""

    def make(access, name, role=None, models=("*",), **quota):
        shown = access.registry.create_client(name, tester)
        if role is not None:
            access.registry.grant(CLIENT + shown.id, role, list(models), tester, **quota)
        access.view.refresh_or_keep()
        return shown

    return make
