"""Finds entries of the audit log."""

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.audit.tables import audit
from service.database.connection import Database

_CONDITIONS: Mapping[str, tuple[sa.Column[Any], Callable[[Any, Any], Any]]] = {
    "actor": (audit.c.actor, operator.eq),
    "action": (audit.c.action, operator.eq),
    "target": (audit.c.target, operator.eq),
    "outcome": (audit.c.outcome, operator.eq),
    "since": (audit.c.at, operator.ge),
    "until": (audit.c.at, operator.lt),
    "before": (audit.c.number, operator.lt),
}


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


def find(database: Database, search: Search) -> list[dict[str, Any]]:
    """Return the entries that fit the search, ``detail`` as an object. Raises Unavailable."""
    query = sa.select(audit).where(*_conditions(search)).order_by(audit.c.number.desc()).limit(search.limit)
    with database.reading() as connection:
        return [{**row, "detail": json.loads(row["detail"])} for row in connection.execute(query).mappings()]


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    given = [(column, fits, getattr(search, name)) for name, (column, fits) in _CONDITIONS.items()]
    return [fits(column, value) for column, fits, value in given if value is not None]
