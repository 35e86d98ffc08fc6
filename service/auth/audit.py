"""The record of who did what: append-only, each entry bound to the one before by a keyed digest.

The database refuses to change or delete entries (triggers). Someone who gets round that cannot make the chain whole
again without the key. Entries at the end could be cut off together with the head; a digest noted elsewhere shows it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import state
from service.auth.state import State
from service.metrics import Metrics

GENESIS = "0" * 64
OK = "ok"
_LONGEST = {"actor": 512, "action": 64, "target": 512, "outcome": 64, "address": 64, "request_id": 64}
_LONGEST_DETAIL = 4096
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which thing, from where, in which request, and what came of it."""

    actor: str
    action: str
    target: str = ""
    outcome: str = OK
    address: str = ""
    request_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit the chain, and why."""

    number: int
    reason: str


class Audit:
    """The chain in the database; ``key`` is the secret of its digests."""

    def __init__(self, database: State, key: bytes) -> None:
        self._state = database
        self._key = key

    def record(self, entry: Entry) -> None:
        """Append in a transaction of its own; raises Unavailable."""
        with self._state.writing() as connection:
            self.append(connection, entry)

    def append(self, connection: Connection, entry: Entry) -> None:
        """Append in the transaction of what is recorded, so that neither is there without the other."""
        head = connection.execute(sa.select(state.audit_head).with_for_update()).one()
        row = _row(entry, head.number + 1, head.digest)
        row["digest"] = self._digest(row)
        Metrics().audited(entry.action, entry.outcome)
        connection.execute(state.audit.insert().values(**row))
        connection.execute(state.audit_head.update().values(number=row["number"], digest=row["digest"]))

    def verify(self) -> tuple[int, Broken | None]:
        """How many entries are in order from the first on, and the first that is not."""
        with self._state.reading() as connection:
            head = connection.execute(sa.select(state.audit_head)).one_or_none()
            number, previous = 0, GENESIS
            for row in _entries(connection):
                broken = self._check(row, number + 1, previous)
                if broken:
                    return number, broken
                number, previous = row["number"], row["digest"]
        if head is None or (head.number, head.digest) != (number, previous):
            return number, Broken(number + 1, "entries are missing at the end: the head names another last entry")
        return number, None

    def _check(self, row: dict[str, Any], number: int, previous: str) -> Broken | None:
        if row["number"] != number:
            return Broken(number, f"entry {number} is missing: entry {row['number']} follows")
        if not hmac.compare_digest(row["previous"], previous):
            return Broken(number, "it does not name the digest of the entry before")
        if not hmac.compare_digest(row["digest"], self._digest(row)):
            return Broken(number, "its content does not fit its digest")
        return None

    def _digest(self, row: Mapping[str, Any]) -> str:
        content = json.dumps({k: v for k, v in row.items() if k != "digest"}, sort_keys=True, ensure_ascii=True)
        return hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries to show: the newest first, before ``before``, of the named actor and so on; times are ISO 8601."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    since: str | None = None
    until: str | None = None
    before: int | None = None
    limit: int = 100


def find(connection: Connection, search: Search) -> list[dict[str, Any]]:
    """The entries that fit the search, ``detail`` as an object."""
    table = state.audit
    query = sa.select(table).order_by(table.c.number.desc()).limit(search.limit)
    for name in ("actor", "action", "target", "outcome"):
        wanted = getattr(search, name)
        if wanted is not None:
            query = query.where(table.c[name] == wanted)
    if search.since is not None:
        query = query.where(table.c.at >= search.since)
    if search.until is not None:
        query = query.where(table.c.at < search.until)
    if search.before is not None:
        query = query.where(table.c.number < search.before)
    return [{**row, "detail": json.loads(row["detail"])} for row in connection.execute(query).mappings()]


def _entries(connection: Connection) -> Iterator[dict[str, Any]]:
    query = sa.select(state.audit).order_by(state.audit.c.number)
    for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
        yield dict(row)


def _row(entry: Entry, number: int, previous: str) -> dict[str, Any]:
    texts = {name: _plain(getattr(entry, name))[:longest] for name, longest in _LONGEST.items()}
    detail = json.dumps(dict(entry.detail), sort_keys=True, ensure_ascii=True)
    if len(detail) > _LONGEST_DETAIL:
        detail = json.dumps({"left_out": f"{len(detail)} characters"})
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"number": number, "at": at, **texts, "detail": detail, "previous": previous}


def _plain(text: str) -> str:
    """Text that every database stores and a terminal shows harmlessly."""
    return "".join(
        c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
