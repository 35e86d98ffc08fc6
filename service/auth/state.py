"""The tables of access control, and how they are read and written on SQLite and PostgreSQL.

Every change that a worker has to see raises the counter in ``changes`` in the same transaction; workers poll it.
Times are whole seconds since 1970, UTC.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from service.errors import Conflict, Unavailable

SCHEMA_VERSION = "0001"
"""The newest migration; the service refuses to start on any other."""

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 5000
_WRITES = "millrace_writes"

metadata = MetaData()

changes = Table(
    "changes", metadata, Column("id", Integer, primary_key=True), Column("counter", BigInteger, nullable=False)
)

clients = Table(
    "clients",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("secret_number", Integer, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("previous_hash", Text),
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(64), ForeignKey("clients.id"), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("permissions", Text),
    Column("models", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("replaced_by", String(32)),
    Column("revoked_at", BigInteger),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(512), nullable=False, index=True),
    Column("role", String(32), nullable=False),
    Column("models", Text, nullable=False),
    Column("requests_per_minute", BigInteger),
    Column("rows_per_minute", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("revoked_at", BigInteger),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("family", String(64), nullable=False, index=True),
    Column("client_id", String(64), ForeignKey("clients.id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

revocations = Table(
    "revocations",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

quota_windows = Table(
    "quota_windows",
    metadata,
    Column("subject", String(512), primary_key=True),
    Column("resource", String(16), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("booked", BigInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("refused_until", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False, index=True),
    Column("actor", String(512), nullable=False, index=True),
    Column("action", String(64), nullable=False, index=True),
    Column("target", String(512), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("model", String(128), nullable=False),
    Column("subject", String(512), nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("result", Text),
    Column("replica", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("seen_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)


def now() -> int:
    """This second."""
    return int(time.time())


class State:
    """The database. Its connections belong to one process: make it anew, or call ``forget``, after a fork."""

    def __init__(self, url: str | sa.URL) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine, made at its first use."""
        if self._engine is None:
            self._engine = _sqlite_engine(self.url) if self.sqlite else _server_engine(self.url)
        return self._engine

    def forget(self) -> None:
        """Drop a parent process's connections without closing them; called in a child after a fork."""
        if self._engine is not None:
            self._engine.dispose(close=False)
            self._engine = None

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state; raises Unavailable where the database does not answer."""
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with _answering(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed whole or not at all; raises Unavailable where the database is down."""
        with _answering(), self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def schema_version(self) -> str | None:
        """The migration that the database is at, None for an empty one; raises Unavailable."""
        with self.reading() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return found


def announce(connection: Connection) -> None:
    """Let every worker read access state anew; part of the change's own transaction."""
    connection.execute(changes.update().values(counter=changes.c.counter + 1))


def counter(connection: Connection) -> int:
    """How many changes there have been."""
    return int(connection.execute(sa.select(changes.c.counter)).scalar_one())


def insert_missing(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row unless there is one of its key, which another worker may be inserting at this moment."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise Conflict("the same was changed by someone else at this moment: look again") from error
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, sa.exc.TimeoutError) as error:
        raise Unavailable("the database of access control does not answer now", retry_after=2) from error


def _server_engine(url: sa.URL) -> sa.Engine:
    connect_args = {
        "connect_timeout": _CONNECT_SECONDS,
        "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS}",
        "client_encoding": "utf8",  # else psycopg gives bytes for text where the server's own encoding is SQL_ASCII
    }
    return sa.create_engine(
        url, pool_size=2, max_overflow=4, pool_timeout=_CONNECT_SECONDS, pool_pre_ping=True, connect_args=connect_args
    )


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _STATEMENT_MILLISECONDS / 1000})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = (
        None  # this module begins transactions itself: the driver's own begin is never IMMEDIATE
    )
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first and then writes could be refused half-way."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
