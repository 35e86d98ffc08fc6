"""Reading and writing on SQLite and PostgreSQL, each in a transaction."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from model_store.request_errors import InvalidInput
from service.errors import Conflict, DiskFull, Unavailable
from service.settings import BadSetting

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 5000
_WRITES = "millrace_writes"
_BACKENDS = ("sqlite", "postgresql")
_EXPECTED = "expected `sqlite:///path` or `postgresql+psycopg://user@host:port/name`."


class Database:
    """A SQLite file or a PostgreSQL database.

    Its connections belong to one process: after a fork, make another one or call ``reset``. ``clock`` gives the seconds
    since 1970 that rows are stamped with. Raises BadSetting for an address that is not one of those.
    """

    def __init__(self, url: str | sa.URL, clock: Callable[[], float] = time.time) -> None:
        self.url = parsed(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._clock = clock
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine, made at its first use."""
        if self._engine is None:
            self._engine = _sqlite_engine(self.url) if self.sqlite else _server_engine(self.url)
        return self._engine

    def now(self) -> int:
        """Return this second, in seconds since 1970."""
        return int(self._clock())

    def time(self, connection: Connection) -> float:
        """Return seconds since 1970 by one clock for all that use the database: PostgreSQL's, or this machine's."""
        if self.sqlite:
            return self._clock()
        return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def reset(self) -> None:
        """Drop a parent process's connections without closing them; call it in a child after a fork."""
        if self._engine is not None:
            self._engine.dispose(close=False)
            self._engine = None

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state. Raises Unavailable if the database does not answer."""
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with _answering(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed whole or not at all.

        Raises Unavailable if the database does not answer, Conflict if another transaction inserted the same row, and
        InvalidInput for a value that it refuses.
        """
        with _answering(), self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection


def parsed(url: str | sa.URL) -> sa.URL:
    """Return a database's address in parts. Raises BadSetting, which repeats none of it: it may hold a password."""
    try:
        address = make_url(url)
        address.get_dialect().import_dbapi()
    except (sa.exc.ArgumentError, ValueError, ImportError) as error:
        raise BadSetting(f"DATABASE_URL cannot be used ({type(error).__name__}): {_EXPECTED}") from None
    if address.get_backend_name() not in _BACKENDS:
        raise BadSetting(f"DATABASE_URL names {address.get_backend_name()}: {_EXPECTED}")
    return address


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
    except sa.exc.DataError as error:
        raise InvalidInput(
            "a value cannot be stored: it is too long or has a character that no text may have"
        ) from error
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, sa.exc.TimeoutError) as error:
        if getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise DiskFull("the database has no room on its disk: make room, then try again") from error
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
    """Take the lock at once for a writer: one that reads first and then writes could be refused half-way."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
