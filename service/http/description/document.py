"""``/openapi.json``: every route of the application, and every model's own bodies, as one OpenAPI 3.1 document.

The routes come from Flask's URL map, their words from ``operations``, the bodies from the models that the caller may
see. A version-less predict route stands in the document twice: once for each model, with that model's bodies and an
example to try, and once for any model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import flask
from werkzeug.routing import Rule

from service import __version__
from service.codecs.json import dumps
from service.dialects.dialect import Dialect, VerbBodies, errors_at
from service.dialects.json_schema import Json
from service.errors import ModelNotFound
from service.http.description import access_operations, operations
from service.http.description.bodies import ModelDescription, describe
from service.http.description.operations import TEXT, Operation, list_of, structure
from service.http.guards import Guard, guard_of, guarded
from service.http.parts import Parts
from service.http.protocols.mlflow import default_model
from service.runtime.catalog import ServedModel, Snapshot
from service.wire import JSON

OPERATIONS = {**operations.OPERATIONS, **access_operations.OPERATIONS}
TAGS = {**operations.TAGS, **access_operations.TAGS}

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_REFUSING = re.compile(r"(?:^|\.)(?:malformed|left out|explain) ")
_MODEL_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_LABEL = "[A-Za-z][A-Za-z0-9_-]{0,63}"
_MOST_CACHED = 32

_REFUSALS: Mapping[int, str] = {
    400: "The request cannot be read, or does not fit the model; `errors` names each wrong place",
    401: "Credentials are missing or not valid",
    403: "The caller lacks the permission",
    404: "There is no such thing, or the caller may not see it",
    409: "The state of the thing forbids it",
    413: "The request is too large",
    415: "The media type or content encoding is not supported",
    422: "The version was checked and cannot be accepted",
    429: "A quota is used up; try again after `Retry-After` seconds",
    500: "The model or the service failed",
    501: "A part of the protocol that is left out on purpose",
    503: "Not able to answer now; try again after `Retry-After` seconds",
}
_SCOPES: Mapping[str, str] = {
    "model:read": "See models",
    "model:predict": "Predict",
    "model:publish": "Publish versions",
    "model:promote": "Load, unload, promote and roll back",
    "access:manage": "Manage clients and their permissions",
    "audit:read": "Read the audit trail",
}
_FAULT = structure({"location": TEXT, "expected": TEXT, "got": TEXT})
_ERROR = structure(
    {"error": TEXT, "code": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "request_id": TEXT},
    errors=list_of(_FAULT),
    error_description={**TEXT, "description": "On OAuth's routes: the same as `detail`"},
)
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "oauth2": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict(_SCOPES)}}},
}


def blueprint(parts: Parts, dialects: Sequence[Dialect]) -> flask.Blueprint:
    """The one route."""
    made = flask.Blueprint("openapi", __name__)
    apps: list[Any] = []
    made.record(lambda state: apps.append(state.app))
    cached = _Cached(parts, dialects)

    @made.get("/openapi.json")
    @guarded("model:read", model_arg=None)
    def description() -> flask.Response:
        snapshot = parts.catalog.snapshot()
        visible = tuple(n for n in sorted(snapshot.models) if flask.g.principal.may("model:read", n))
        answer = flask.Response(cached.document(apps[0], snapshot, visible), mimetype=JSON)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return made


class _Cached:
    """The written documents of the current snapshot, one for each set of models that a caller may see."""

    def __init__(self, parts: Parts, dialects: Sequence[Dialect]) -> None:
        self._parts = parts
        self._dialects = dialects
        self._of: Snapshot | None = None
        self._written: dict[tuple[str, ...], bytes] = {}

    def document(self, app: flask.Flask, snapshot: Snapshot, visible: tuple[str, ...]) -> bytes:
        if snapshot is not self._of or len(self._written) >= _MOST_CACHED:
            self._of, self._written = snapshot, {}
        if visible not in self._written:
            models = [snapshot.models[name] for name in visible]
            self._written[visible] = dumps(document(app, self._parts, models, self._dialects))
        return self._written[visible]


def undocumented(app: flask.Flask) -> list[str]:
    """The routes, as method and path, that ``operations`` has no line for; those that only refuse need none."""
    return sorted(key for key, _ in _routes(app) if key not in OPERATIONS)


def document(
    app: flask.Flask, parts: Parts, models: Iterable[ServedModel], dialects: Sequence[Dialect]
) -> dict[str, Any]:
    """The OpenAPI document of the application with these models; those without a loaded version are left out."""
    described = {m.name: describe(loaded.schema, m.pointers, dialects) for m in models if (loaded := _loaded(m))}
    writer = _Writer(described, _default(parts), dialects)
    paths: dict[str, dict[str, Any]] = {}
    for key, guard in _routes(app):
        writer.write(paths, key, guard)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace",
            "version": __version__,
            "description": "Predictions of scikit-learn models over REST, in the dialects of TensorFlow Serving, the "
            "Open Inference Protocol, MLflow and KServe V1. Each model has a section of its own.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            *({"name": _tag(name), "description": f"Predictions of the model `{name}`"} for name in described),
            *({"name": name, "description": words} for name, words in TAGS.items()),
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Error": _error(dialects), **writer.schemas()},
            "securitySchemes": _SECURITY,
        },
    }


def _error(dialects: Sequence[Dialect]) -> Json:
    own = {name: schema for dialect in dialects for name, schema in dialect.errors.schemas.items()}
    return {**_ERROR, "properties": {**_ERROR["properties"], **own}}


def _default(parts: Parts) -> str | None:
    try:
        return default_model(parts)
    except ModelNotFound:
        return None


def _loaded(model: ServedModel) -> Any:
    """The version whose bodies describe the model: the stable one, else the newest that is loaded."""
    versions = model.versions
    return versions.get(model.stable or 0) or (versions[max(versions)] if versions else None)


def _routes(app: flask.Flask) -> list[tuple[str, Guard]]:
    """Every route as method and path, with its guard."""
    return [
        (f"{method} {_path(rule)}", guard_of(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        if not _REFUSING.search(rule.endpoint)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def _path(rule: Rule) -> str:
    return _VARIABLE.sub(r"{\1}", rule.rule)


def _tag(model: str) -> str:
    return f"Model {model}"


class _Writer:
    """Writes routes as OpenAPI operations, for the models that it knows the bodies of."""

    def __init__(
        self, described: Mapping[str, ModelDescription], default: str | None, dialects: Sequence[Dialect]
    ) -> None:
        self._described = described
        self._default = default
        self._dialects = dialects
        self._any_model = {verb: bodies for dialect in dialects for verb, bodies in dialect.verbs.items()}

    def schemas(self) -> dict[str, Json]:
        """The bodies of each model and verb, as components."""
        return {
            f"{model}.{verb}.{part}": contents[JSON]
            for model, description in self._described.items()
            for verb, bodies in description.verbs.items()
            for part, contents in (("request", bodies.request), ("answer", bodies.response))
        }

    def write(self, paths: dict[str, dict[str, Any]], key: str, guard: Guard) -> None:
        """Add one route to ``paths``."""
        method, path = key.split(" ", 1)
        operation = OPERATIONS.get(key) or Operation("Operation", key)
        names = re.findall(r"{([^}]+)}", path)
        models = [name for name, description in self._described.items() if operation.verb in description.verbs]
        if path == "/invocations" and self._default in models:
            models = [self._default] if self._default else []
        item = paths.setdefault(path, {})
        item[method.lower()] = self._operation(operation, key, guard, names, models)
        if operation.verb and names == ["model"]:
            for model in models:
                own = paths.setdefault(path.replace("{model}", model), {})
                own[method.lower()] = self._operation(operation, key, guard, [], [model], tag=_tag(model))

    def _operation(  # noqa: PLR0913 - the facts of one operation
        self, operation: Operation, key: str, guard: Guard, names: list[str], models: list[str], *, tag: str = ""
    ) -> dict[str, Any]:
        made: dict[str, Any] = {
            "tags": [tag or operation.tag],
            "summary": operation.summary.replace("a model", f"`{models[0]}`") if tag else operation.summary,
            "operationId": re.sub(r"[^A-Za-z0-9]+", "_", f"{key} {models[0]}" if tag else key).strip("_"),
            "security": [] if guard.permission is None else _accepted(guard.permission),
            "responses": self._responses(operation, key, models),
        }
        parameters = [self._parameter(name) for name in names]
        if operation.verb:
            parameters += self._query(operation.verb, models)
        if parameters:
            made["parameters"] = parameters
        request = self._request(operation, models)
        if request:
            made["requestBody"] = request
        return made

    def _parameter(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name == "model" and self._described:
            schema = {"type": "string", "enum": list(self._described)}
        elif name == "label" and self._labels():
            schema = {"type": "string", "enum": self._labels()}
        elif name in _PATH_VARIABLES:
            schema = dict(_PATH_VARIABLES[name])
        return {"name": name, "in": "path", "required": True, "schema": schema}

    def _labels(self) -> list[str]:
        return sorted({label for description in self._described.values() for label in description.labels})

    def _query(self, verb: str, models: list[str]) -> list[dict[str, Any]]:
        """The parameters of a verb's query: a model's own where it is the only one."""
        known = self._described[models[0]].verbs[verb] if len(models) == 1 else self._any_model[verb]
        return [_query_parameter(name, schema) for name, schema in known.query.items()]

    def _bodies(self, verb: str, models: list[str]) -> VerbBodies:
        """The bodies of a verb: the first model's where there is any."""
        return self._described[models[0]].verbs[verb] if models else self._any_model[verb]

    def _request(self, operation: Operation, models: list[str]) -> dict[str, Any] | None:
        if not operation.verb:
            content = {operation.request_media_type: {"schema": operation.request}}
            return {"required": operation.request_required, "content": content} if operation.request else None
        contents = self._bodies(operation.verb, models).request
        return {"required": True, "content": _contents(contents, _any_of(models, operation.verb, "request"))}

    def _responses(self, operation: Operation, key: str, models: list[str]) -> dict[str, Any]:
        path = key.split(" ", 1)[1]
        content = {operation.media_type: {"schema": operation.answer}} if operation.answer else {}
        if operation.verb:
            contents = self._bodies(operation.verb, models).response
            content = _contents(contents, _any_of(models, operation.verb, "answer"))
        success: dict[str, Any] = {"description": "Success", **({"content": content} if content else {})}
        if operation.verb:
            success["headers"] = {"X-Model-Version": {"schema": TEXT, "description": "The version that answered"}}
        error = {
            form: {"schema": {"$ref": "#/components/schemas/Error"}}
            for form in _error_media_types(path, self._dialects)
        }
        return {
            str(operation.success): success,
            **{str(status): {"description": _REFUSALS[status], "content": error} for status in operation.refusals},
        }


_PATH_VARIABLES: Mapping[str, Json] = {
    "model": {"type": "string", "pattern": f"^{_MODEL_NAME}$"},
    "version": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "label": {"type": "string", "pattern": f"^{_LABEL}$"},
}


def _error_media_types(path: str, dialects: Sequence[Dialect]) -> tuple[str, ...]:
    """The forms of a route's errors; RFC 6749 has one of its own beside."""
    form = errors_at(path, dialects).media_type
    return (JSON, form) if path.startswith("/oauth/") else (form,)


def _query_parameter(name: str, schema: Json) -> dict[str, Any]:
    bare = {key: part for key, part in schema.items() if key != "description"}
    return {"name": name, "in": "query", "description": schema["description"], "schema": bare}


def _contents(contents: Mapping[str, Json], in_json: Json) -> dict[str, Any]:
    return {form: {"schema": in_json if form == JSON else schema} for form, schema in contents.items()}


def _any_of(models: list[str], verb: str, part: str) -> Json:
    references = [{"$ref": f"#/components/schemas/{model}.{verb}.{part}"} for model in models]
    if len(references) == 1:
        return references[0]
    return {"anyOf": references} if references else {"type": "object"}


def _accepted(permission: str) -> list[dict[str, list[str]]]:
    """Any one of the ways to prove who asks."""
    return [{"bearer": []}, {"apiKey": []}, {"oauth2": [permission] if permission in _SCOPES else []}]
