"""/admin/audit: the record of who did what, newest first, with filters and paging."""

import flask

from service.audit.log import AuditLog
from service.audit.search import Search
from service.auth.permissions import AUDIT_READ
from service.http.admin import json_bodies
from service.http.guards import guarded

_PAGE, _LARGEST_PAGE = 100, 1000
_LARGEST_NUMBER = 2**63 - 1


def blueprint(audit: AuditLog) -> flask.Blueprint:
    """The one route."""
    routes = flask.Blueprint("audit_admin", __name__)

    @routes.get("/admin/audit")
    @guarded(AUDIT_READ, model_arg=None)
    def entries() -> tuple[dict[str, object], int, dict[str, str]]:
        search = _search()
        found = audit.find(search)
        more = len(found) == search.limit
        following = found[-1]["number"] if found and more else None
        return {"entries": found, "next_before": following}, 200, {"Cache-Control": "no-store"}

    return routes


def _search() -> Search:
    given = flask.request.args
    return Search(
        actor=given.get("actor"),
        action=given.get("action"),
        target=given.get("target"),
        outcome=given.get("outcome"),
        since=given.get("since"),
        until=given.get("until"),
        before=json_bodies.query_number("before", None, most=_LARGEST_NUMBER),
        limit=json_bodies.query_number("limit", _PAGE, most=_LARGEST_PAGE),
    )
