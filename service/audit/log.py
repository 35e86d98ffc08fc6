"""The audit log: append-only, each entry bound to the one before by a keyed digest.

The database refuses to change or delete entries (triggers). Someone who gets round that cannot make the chain whole
again without the key. Entries at the end could be cut off together with the head; a digest noted elsewhere shows it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from service.audit import search
from service.audit.entry import Entry
from service.audit.search import Search
from service.audit.tables import audit, audit_head
from service.database.connection import Database
from service.metrics.access import AccessMetrics

GENESIS = "0" * 64
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How entries say when: UTC to the microsecond, so that texts sort as times do."""
_LONGEST = {"actor": 512, "action": 64, "target": 512, "outcome": 64, "address": 64, "request_id": 64}
_LONGEST_DETAIL = 4096
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit the chain, and why."""

    number: int
    reason: str


class AuditLog:
    """The chain in the database; ``key`` is the secret of its digests."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    def record(self, entry: Entry) -> None:
        """Append in a separate transaction. Raises Unavailable."""
        with self._database.writing() as connection:
            self.append(connection, entry)

    def append(self, connection: Connection, entry: Entry) -> None:
        """Append in the transaction of what is recorded, so that neither is there without the other."""
        head = connection.execute(sa.select(audit_head).with_for_update()).one()
        row = _row(entry, head.number + 1, head.digest)
        row["digest"] = self._digest(row)
        AccessMetrics().audited(entry.action, entry.outcome)
        connection.execute(audit.insert().values(**row))
        connection.execute(audit_head.update().values(number=row["number"], digest=row["digest"]))

    def find(self, wanted: Search) -> list[dict[str, Any]]:
        """Return the entries that fit the search, the newest first, ``detail`` as an object. Raises Unavailable."""
        return search.find(self._database, wanted)

    def verify(self) -> tuple[int, Broken | None]:
        """Return how many entries are in order from the first on, and the first that is not. Raises Unavailable."""
        with self._database.reading() as connection:
            head = connection.execute(sa.select(audit_head)).one_or_none()
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


def _entries(connection: Connection) -> Iterator[dict[str, Any]]:
    query = sa.select(audit).order_by(audit.c.number)
    for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
        yield dict(row)


def _row(entry: Entry, number: int, previous: str) -> dict[str, Any]:
    texts = {name: _plain(getattr(entry, name))[:longest] for name, longest in _LONGEST.items()}
    detail = json.dumps(dict(entry.detail), sort_keys=True, ensure_ascii=True)
    if len(detail) > _LONGEST_DETAIL:
        detail = json.dumps({"left_out": f"{len(detail)} characters"})
    at = datetime.now(UTC).strftime(TIME_FORMAT)
    return {"number": number, "at": at, **texts, "detail": detail, "previous": previous}


def _plain(text: str) -> str:
    """Return text that every database stores and a terminal shows harmlessly."""
    return "".join(
        c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
