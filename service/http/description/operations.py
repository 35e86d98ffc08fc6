"""What each route is for, in the words of the API description: the table that every route of the service has a line in.

Keys are a method and a path with its variables in braces. Schemas are JSON Schema 2020-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

ANY_OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}
BOOL: Schema = {"type": "boolean"}
NAMES: Schema = {"type": "array", "items": TEXT}


def structure(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """An object with these members."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def list_of(item: Schema) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": item}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    ``answer`` is the schema of its success, empty where it says nothing, ``media_type`` its form. ``verb`` names the
    model's verb of a predict route, whose bodies each model describes itself. ``refusals`` are the statuses that it may
    answer beside success.
    """

    tag: str
    summary: str
    answer: Schema = field(default_factory=lambda: ANY_OBJECT)
    request: Schema | None = None
    request_required: bool = True
    request_media_type: str = "application/json"
    media_type: str = "application/json"
    verb: str = ""
    refusals: tuple[int, ...] = ()
    success: int = 200


TENSOR = structure({"name": TEXT, "datatype": TEXT, "shape": list_of({"type": "integer"})})
MODEL_METADATA = structure(
    {"name": TEXT, "versions": NAMES, "platform": TEXT, "inputs": list_of(TENSOR), "outputs": list_of(TENSOR)}
)
INDEX = list_of(structure({"name": TEXT, "version": TEXT, "state": TEXT, "reason": TEXT}))
STATUS = structure(
    {
        "model_version_status": list_of(structure({"version": TEXT, "state": TEXT, "status": ANY_OBJECT})),
        "name": TEXT,
        "ready": BOOL,
    }
)
TF_METADATA = structure({"model_spec": ANY_OBJECT, "metadata": ANY_OBJECT})

TENSORFLOW, OPEN_INFERENCE, MLFLOW, OPERATION = "TensorFlow Serving", "Open Inference Protocol", "MLflow", "Operation"
TAGS: Mapping[str, str] = {
    TENSORFLOW: "`/v1`: rows as `instances` or columns as `inputs`; KServe V1 clients are answered here, too",
    OPEN_INFERENCE: "`/v2`: named tensors, as JSON or binary; with Triton's model repository extension",
    MLFLOW: "`/invocations`: tables and tensors as JSON, CSV, Parquet, Arrow or .npy",
    OPERATION: "What describes the service itself",
}

PREDICT_REFUSALS = (400, 401, 403, 404, 413, 415, 429, 500, 503)
READ_REFUSALS = (400, 401, 403, 404)
LIST_REFUSALS = (401, 403)

_VERBS = {
    "predict": "Predict with a model, by rows or by columns",
    "classify": "Class labels and their probabilities for examples",
    "regress": "One number for each example",
}
_WHICH = {"": "its stable version", "/versions/{version}": "one version", "/labels/{label}": "a label or channel"}


def _tensorflow() -> dict[str, Operation]:
    made = {
        f"POST /v1/models/{{model}}{which}:{verb}": Operation(
            TENSORFLOW, f"{summary}: {words}", verb=verb, refusals=PREDICT_REFUSALS
        )
        for verb, summary in _VERBS.items()
        for which, words in _WHICH.items()
    }
    for which, words in _WHICH.items():
        path = f"/v1/models/{{model}}{which}"
        made[f"GET {path}"] = Operation(
            TENSORFLOW, f"The states of a model's versions: {words}", STATUS, refusals=(*READ_REFUSALS, 503)
        )
        made[f"GET {path}/metadata"] = Operation(
            TENSORFLOW, f"A model's signatures: {words}", TF_METADATA, refusals=(*READ_REFUSALS, 503)
        )
    made["GET /v1/models"] = Operation(
        TENSORFLOW, "The names of the models", structure({"models": NAMES}), refusals=LIST_REFUSALS
    )
    return made


def _open_inference() -> dict[str, Operation]:
    made = {}
    for which, words in (("", "its stable version"), ("/versions/{version}", "one version")):
        path = f"/v2/models/{{model}}{which}"
        made[f"POST {path}/infer"] = Operation(
            OPEN_INFERENCE, f"Infer with a model: {words}", verb="infer", refusals=(*PREDICT_REFUSALS, 501)
        )
        made[f"GET {path}"] = Operation(
            OPEN_INFERENCE, f"A model's tensors: {words}", MODEL_METADATA, refusals=(*READ_REFUSALS, 503)
        )
        made[f"GET {path}/ready"] = Operation(
            OPEN_INFERENCE,
            f"Whether a model can answer: {words}",
            structure({"name": TEXT, "ready": BOOL}),
            refusals=(*READ_REFUSALS, 503),
        )
    for verb, parameters in (("load", {}), ("unload", {"unload_dependents": BOOL})):
        taken = {**structure({}, **parameters), "type": ["object", "null"], "additionalProperties": False}
        made[f"POST /v2/repository/models/{{model}}/{verb}"] = Operation(
            OPEN_INFERENCE,
            f"Have every replica {verb} a model; the answer waits until all have",
            structure({"name": TEXT, verb: BOOL}),
            request=structure({}, parameters=taken),
            request_required=False,
            refusals=(*READ_REFUSALS, 409, 413, 503),
        )
    made["POST /v2/repository/index"] = Operation(
        OPEN_INFERENCE,
        "Every stored version and its state",
        INDEX,
        request=structure({}, ready=BOOL),
        request_required=False,
        refusals=(400, 413, *LIST_REFUSALS),
    )
    made["GET /v2/models"] = Operation(
        OPEN_INFERENCE, "The names of the models", structure({"models": NAMES}), refusals=LIST_REFUSALS
    )
    made["GET /v2"] = Operation(
        OPEN_INFERENCE,
        "The server's name, version and extensions",
        structure({"name": TEXT, "version": TEXT, "extensions": NAMES}),
    )
    made["GET /v2/health/live"] = Operation(OPEN_INFERENCE, "Whether the service runs", structure({"live": BOOL}))
    made["GET /v2/health/ready"] = Operation(
        OPEN_INFERENCE,
        "Whether every model can answer",
        structure({"ready": BOOL, "live": BOOL}),
        refusals=(503,),
    )
    return made


def _mlflow() -> dict[str, Operation]:
    made = {
        f"POST /models/{{model}}{which}/invocations": Operation(
            MLFLOW, f"Predict with a model: {words}", verb="invocations", refusals=PREDICT_REFUSALS
        )
        for which, words in _WHICH.items()
    }
    made["POST /invocations"] = Operation(
        MLFLOW, "Predict with the default model", verb="invocations", refusals=PREDICT_REFUSALS
    )
    for path in ("/ping", "/health"):
        made[f"GET {path}"] = Operation(MLFLOW, "Whether a model is ready", {}, refusals=(404,))
    made["GET /version"] = Operation(MLFLOW, "The service's version", TEXT, media_type="text/plain")
    return made


OPERATIONS: dict[str, Operation] = {
    **_tensorflow(),
    **_open_inference(),
    **_mlflow(),
    "POST /admin/models/{model}/feedback": Operation(
        OPERATION,
        "Tell what predictions should have been, so that a model's accuracy can be followed",
        structure({came: {"type": "integer"} for came in ("joined", "unknown", "repeated", "invalid")}),
        request=structure({"feedback": {**list_of(structure({"request_id": TEXT, "truth": {}})), "maxItems": 1000}}),
        refusals=(400, 401, 403, 404, 413),
    ),
    "GET /": Operation(OPERATION, "Whether the service runs", structure({"status": TEXT})),
    "GET /openapi.json": Operation(
        OPERATION, "This description, with the models that the caller may see", refusals=LIST_REFUSALS
    ),
    "GET /docs": Operation(OPERATION, "This description as a page to read and try", TEXT, media_type="text/html"),
    "GET /docs/{name}": Operation(
        OPERATION, "A file of that page", TEXT, media_type="application/octet-stream", refusals=(404,)
    ),
}
