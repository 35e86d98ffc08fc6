"""/admin/operations: how administrative work that outlives its request stands."""

from collections.abc import Mapping
from typing import Any, Literal

import flask
import msgspec

from service.auth.permissions import MODEL_READ
from service.errors import NotFound
from service.http.admin import json_bodies
from service.http.description.route import ADMINISTRATION, described
from service.http.guards import guarded
from service.operations.operations import Operations


class Accepted(msgspec.Struct):
    """An operation that has begun, and where its state is."""

    operation: str
    status: str


class OperationState(msgspec.Struct):
    """How an operation stands: ``detail`` is its latest step, or why it failed. Times are seconds since 1970, UTC."""

    id: str
    kind: str
    model: str
    by: str
    state: Literal["running", "succeeded", "failed"]
    detail: str
    result: Mapping[str, Any] | None
    replica: str
    created_at: int
    finished_at: int | None


def blueprint(operations: Operations) -> flask.Blueprint:
    """Return the one route."""
    routes = flask.Blueprint("operations_admin", __name__)

    @routes.get("/admin/operations/<operation_id>")
    @guarded(MODEL_READ, model_arg=None)
    @described(
        ADMINISTRATION,
        "How an operation stands: `running`, `succeeded` or `failed`",
        response=OperationState,
        refusals=(401, 403, 404, 503),
    )
    def operation(operation_id: str) -> flask.Response:
        found = operations.get(operation_id)
        if not flask.g.principal.may(MODEL_READ, found.model):
            raise NotFound(f"there is no operation {operation_id[:64]!r}")
        state = OperationState(
            id=found.id,
            kind=found.kind,
            model=found.model,
            by=found.subject,
            state=found.state,  # type: ignore[arg-type] # the operation's own words
            detail=found.detail,
            result=found.result,
            replica=found.replica,
            created_at=found.created_at,
            finished_at=found.finished_at,
        )
        return json_bodies.response(state, headers={"Cache-Control": "no-store"})

    return routes


def accepted(operation_id: str) -> flask.Response:
    """Return the response to a request that has begun an operation."""
    status = f"{flask.request.script_root}/admin/operations/{operation_id}"
    return json_bodies.response(Accepted(operation_id, status), 202, {"Location": status, "Retry-After": "1"})
