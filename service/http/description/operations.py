"""Writes routes as OpenAPI operations."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.dialects.dialect import Dialect, errors_at
from service.dialects.json_schema import TEXT, Json, whole
from service.http.description.bodies import ModelDescription, Types
from service.http.description.components import Components
from service.http.description.route import DescribedRoute, RouteDescription
from service.wire import JSON, ErrorForm

SCOPES: Mapping[str, str] = {
    "model:read": "See models",
    "model:predict": "Predict",
    "model:publish": "Publish versions",
    "model:promote": "Load, unload, promote and roll back",
    "access:manage": "Manage clients and their permissions",
    "audit:read": "Read the audit trail",
}
"""The permissions, in words."""

_MODEL_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_LABEL = "[A-Za-z][A-Za-z0-9_-]{0,63}"
_PATH_VARIABLES: Mapping[str, Json] = {
    "model": {"type": "string", "pattern": f"^{_MODEL_NAME}$"},
    "version": whole(2**63 - 1),
    "label": {"type": "string", "pattern": f"^{_LABEL}$"},
}
_ANY_VARIABLE: Json = {"type": "string", "minLength": 1}
_WHICH: Mapping[str, str] = {"version": "one version", "label": "a label or channel"}
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
    507: "No room on the disk; predictions go on",
}


class Operations:
    """The operations of one document, whose ``components`` and ``responses`` they refer to.

    ``model`` has the bodies of the predict routes; one without a name stands for any model.
    """

    def __init__(
        self, dialects: Sequence[Dialect], types: Types, components: Components, model: ModelDescription
    ) -> None:
        self._dialects = dialects
        self._types = types
        self._components = components
        self._model = model
        self.responses: dict[str, Any] = {}

    def paths(self, routes: Iterable[DescribedRoute]) -> dict[str, dict[str, Any]]:
        """Return the routes as a document's paths, sorted; the model's name stands in them where they name one."""
        paths: dict[str, dict[str, Any]] = {}
        for route in routes:
            path = route.path.replace("{model}", self._model.name or "{model}")
            paths.setdefault(path, {})[route.method.lower()] = self._operation(route)
        return dict(sorted(paths.items()))

    def _operation(self, route: DescribedRoute) -> dict[str, Any]:
        description = route.description
        parameters = [self._variable(name) for name in route.variables if name != "model" or not self._model.name]
        parts = {
            "parameters": [*parameters, *map(_query_parameter, *self._query(description))],
            "requestBody": self._request(description),
        }
        return {
            "tags": [description.section.name],
            "summary": _summary(route, self._model.name),
            "operationId": _identifier(f"{route.method} {route.path}"),
            "security": [] if route.guard.permission is None else _accepted(route.guard.permission),
            **{name: part for name, part in parts.items() if part},
            "responses": self._responses(route),
        }

    def _variable(self, name: str) -> dict[str, Any]:
        schema = _PATH_VARIABLES.get(name, _ANY_VARIABLE)
        if name == "label" and self._model.labels:
            schema = {**TEXT, "enum": list(self._model.labels)}
        return {"name": name, "in": "path", "required": True, "schema": schema}

    def _query(self, description: RouteDescription) -> tuple[Iterable[str], Iterable[Json]]:
        """Return the names and the schemas of a route's parameters in the query."""
        query = self._model.verbs[description.verb].query if description.verb else description.query
        return query.keys(), query.values()

    def _request(self, description: RouteDescription) -> dict[str, Any]:
        if description.verb:
            contents = self._model.verbs[description.verb].request
            return {"required": True, "content": self._contents(contents, f"{_capital(description.verb)}Request")}
        if description.request is None:
            return {}
        content = {description.request_media_type: {"schema": self._types.schema(description.request)}}
        return {"required": description.request_required, "content": content}

    def _responses(self, route: DescribedRoute) -> dict[str, Any]:
        forms = self._error_forms(route)
        return {
            str(route.description.success): self._success(route.description),
            **{str(status): self._refusal(status, forms) for status in route.description.refusals},
        }

    def _success(self, description: RouteDescription) -> dict[str, Any]:
        if description.verb:
            return {
                "description": "Success",
                "content": self._contents(
                    self._model.verbs[description.verb].response, f"{_capital(description.verb)}Answer"
                ),
                "headers": {"X-Model-Version": {"schema": TEXT, "description": "The version that answered"}},
            }
        if description.response is None:
            return {"description": "Success"}
        content = {description.media_type: {"schema": self._types.schema(description.response)}}
        return {"description": "Success", "content": content}

    def _contents(self, contents: Mapping[str, Json], title: str) -> dict[str, Any]:
        """Return bodies by media type; the one in JSON is a component of this title."""
        return {
            form: {"schema": self._components.refer({"title": title, **schema} if form == JSON else schema)}
            for form, schema in contents.items()
        }

    def _refusal(self, status: int, forms: Sequence[str]) -> Json:
        """Return a reference to the response of a status whose errors have these media types."""
        name = f"Refusal{status}" + "".join(_capital(_identifier(form.partition("/")[2])) for form in forms)
        content = {form: {"schema": {"$ref": "#/components/schemas/Error"}} for form in forms}
        self.responses[name] = {"description": _REFUSALS[status], "content": content}
        return {"$ref": f"#/components/responses/{name}"}

    def _error_forms(self, route: DescribedRoute) -> list[str]:
        """Return the media types of a route's errors: its own form's, if it has one, and its address's."""
        forms: list[ErrorForm] = [route.description.errors] if route.description.errors else []
        return [form.media_type for form in (*forms, errors_at(route.path, self._dialects))]


def _summary(route: DescribedRoute, model: str) -> str:
    which = next((words for name, words in _WHICH.items() if name in route.variables), "its stable version")
    summary = route.description.summary.format(which=which)
    return re.sub(r"\b[aA] model\b", model, summary) if model else summary


def _query_parameter(name: str, schema: Json) -> dict[str, Any]:
    bare = {key: part for key, part in schema.items() if key != "description"}
    return {"name": name, "in": "query", "description": schema["description"], "schema": bare}


def _identifier(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_")


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _accepted(permission: str) -> list[dict[str, list[str]]]:
    """Return any one of the ways to prove who asks."""
    return [{"bearer": []}, {"apiKey": []}, {"oauth2": [permission] if permission in SCOPES else []}]
