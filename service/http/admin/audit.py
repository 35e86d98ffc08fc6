"""/admin/audit: the record of who did what, newest first, with filters and paging."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import flask
import msgspec

from model_store.request_errors import Fault, InvalidInput
from service.audit.log import TIME_FORMAT, AuditLog
from service.audit.search import Search
from service.auth.permissions import AUDIT_READ
from service.dialects.json_schema import TEXT, Json, whole
from service.http.admin import json_bodies
from service.http.description.route import ADMINISTRATION, described
from service.http.guards import guarded

_PAGE, _LARGEST_PAGE = 100, 1000
_LARGEST_NUMBER = 2**63 - 1
_TIME: Json = {"type": "string", "format": "date-time"}
_QUERY: Mapping[str, Json] = {
    "actor": {**TEXT, "description": "Only what this subject did"},
    "action": {**TEXT, "description": "Only this action"},
    "target": {**TEXT, "description": "Only what was done to this"},
    "outcome": {**TEXT, "description": "Only what ended so"},
    "since": {**_TIME, "description": "Only from this time on; without an offset it is in UTC"},
    "until": {**_TIME, "description": "Only before this time; without an offset it is in UTC"},
    "before": {**whole(_LARGEST_NUMBER), "description": "Only numbers below this one: `next_before` of the last page"},
    "limit": {**whole(_LARGEST_PAGE), "default": _PAGE, "description": "The most entries"},
}


class AuditEntry(msgspec.Struct):
    """What was done, by whom and with what outcome; ``digest`` binds it to the ``previous`` one."""

    number: int
    at: str
    actor: str
    action: str
    target: str
    outcome: str
    address: str
    request_id: str
    detail: dict[str, Any]
    previous: str
    digest: str


class AuditEntries(msgspec.Struct):
    """A page of entries, newest first; ``next_before`` is the query's ``before`` of the next page, if there is one."""

    entries: list[AuditEntry]
    next_before: int | None


def blueprint(audit: AuditLog) -> flask.Blueprint:
    """Return the one route."""
    routes = flask.Blueprint("audit_admin", __name__)

    @routes.get("/admin/audit")
    @guarded(AUDIT_READ, model_arg=None)
    @described(
        ADMINISTRATION,
        "The record, newest first",
        response=AuditEntries,
        refusals=(400, 401, 403, 413, 415, 503),
        query=_QUERY,
    )
    def entries() -> flask.Response:
        search = _search()
        found = [AuditEntry(**row) for row in audit.find(search)]
        following = found[-1].number if len(found) == search.limit else None
        return json_bodies.response(AuditEntries(found, following), headers={"Cache-Control": "no-store"})

    return routes


def _search() -> Search:
    given = flask.request.args
    return Search(
        actor=given.get("actor"),
        action=given.get("action"),
        target=given.get("target"),
        outcome=given.get("outcome"),
        since=_time("since"),
        until=_time("until"),
        before=json_bodies.query_number("before", None, most=_LARGEST_NUMBER),
        limit=json_bodies.query_number("limit", _PAGE, most=_LARGEST_PAGE),
    )


def _time(name: str) -> str | None:
    """Return a time of the query as entries have it, in UTC; None if it is not given. Raises InvalidInput."""
    text = flask.request.args.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).astimezone(UTC).strftime(TIME_FORMAT)
    except (ValueError, OverflowError) as error:
        fault = Fault(name, "a time in ISO 8601, such as 2026-01-31T12:00:00Z", text[:64])
        raise InvalidInput.of(fault) from error
