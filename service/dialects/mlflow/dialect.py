"""The dialect of MLflow's scoring server."""

import re
from collections.abc import Mapping
from typing import Any

from service.dialects.dialect import Dialect
from service.dialects.json_schema import TEXT
from service.dialects.mlflow import bodies
from service.wire import PROBLEM, ErrorForm

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    413: "BAD_REQUEST",
    415: "BAD_REQUEST",
    429: "REQUEST_LIMIT_EXCEEDED",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
}


def _members(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what MLflow's own clients read."""
    return {"error_code": _CODES.get(body["status"], "INTERNAL_ERROR"), "message": body["error"]}


MLFLOW = Dialect(
    name="mlflow",
    title="MLflow",
    summary="`/invocations`: tables and tensors as JSON, CSV, Parquet, Arrow or .npy",
    addresses=re.compile(r"/(invocations|models/).*", re.DOTALL),
    errors=ErrorForm(
        PROBLEM,
        _members,
        {
            "error_code": {**TEXT, "description": "On MLflow's routes: its own code"},
            "message": {**TEXT, "description": "On MLflow's routes: the same as `error`"},
        },
    ),
    verbs=bodies.ANY_MODEL,
    bodies=bodies.bodies,
)
