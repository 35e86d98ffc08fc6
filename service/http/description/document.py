"""Writes the API description: every route, and every model's own bodies, as one OpenAPI 3.1 document.

The routes are what the views say of themselves, the bodies those of the given models. A predict route that names its
model stands in the document twice: once for each model, with that model's bodies and an example to try, and once for
any model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service import __version__
from service.dialects.dialect import Dialect, VerbBodies, errors_at
from service.dialects.json_schema import TEXT, Json
from service.http.description.bodies import ModelDescription, Types, any_of, components_of, describe, error, verbs_of
from service.http.description.route import DescribedRoute, RouteDescription, section_of
from service.runtime.catalog import ServedModel
from service.wire import JSON, ErrorForm

_MODEL_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_LABEL = "[A-Za-z][A-Za-z0-9_-]{0,63}"
_PATH_VARIABLES: Mapping[str, Json] = {
    "model": {"type": "string", "pattern": f"^{_MODEL_NAME}$"},
    "version": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "label": {"type": "string", "pattern": f"^{_LABEL}$"},
}
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
}
_SCOPES: Mapping[str, str] = {
    "model:read": "See models",
    "model:predict": "Predict",
    "model:publish": "Publish versions",
    "model:promote": "Load, unload, promote and roll back",
    "access:manage": "Manage clients and their permissions",
    "audit:read": "Read the audit trail",
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "oauth2": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict(_SCOPES)}}},
}


def document(
    routes: Sequence[DescribedRoute], dialects: Sequence[Dialect], models: Iterable[ServedModel]
) -> dict[str, Any]:
    """Return the OpenAPI document of the routes with these models; those without a loaded version are left out."""
    known = {m.name: describe(loaded.schema, m.pointers, dialects) for m in models if (loaded := _loaded(m))}
    types = Types(routes)
    writer = _Writer(known, dialects, types)
    forms = [*(dialect.errors for dialect in dialects), *(r.description.errors for r in routes if r.description.errors)]
    schemas = {**error(forms), **types.components, **components_of(known)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace",
            "version": __version__,
            "description": "Predictions of scikit-learn models over REST. "
            f"Protocols: {', '.join(dialect.title for dialect in dialects)}. Each model has its section.",
        },
        "servers": [{"url": "/"}],
        "tags": _tags(routes, dialects, known),
        "paths": writer.paths(routes),
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


def _loaded(model: ServedModel) -> Any:
    """Return the version whose bodies describe the model: the stable one, else the newest that is loaded."""
    versions = model.versions
    return versions.get(model.stable or 0) or (versions[max(versions)] if versions else None)


def _tags(routes: Iterable[DescribedRoute], dialects: Iterable[Dialect], models: Iterable[str]) -> list[dict[str, str]]:
    sections = dict.fromkeys([*map(section_of, dialects), *(route.description.section for route in routes)])
    return [
        *({"name": _tag(model), "description": f"Predictions of the model `{model}`"} for model in models),
        *({"name": section.name, "description": section.summary} for section in sections),
    ]


def _tag(model: str) -> str:
    return f"Model {model}"


class _Writer:
    """Writes routes as OpenAPI operations, for the models that it knows the bodies of."""

    def __init__(self, models: Mapping[str, ModelDescription], dialects: Sequence[Dialect], types: Types) -> None:
        self._models = models
        self._dialects = dialects
        self._types = types
        self._any_model = verbs_of(dialects)
        self._labels = sorted({label for model in models.values() for label in model.labels})

    def paths(self, routes: Iterable[DescribedRoute]) -> dict[str, dict[str, Any]]:
        """Return the document's paths, sorted."""
        paths: dict[str, dict[str, Any]] = {}
        for route in routes:
            models = self._answering(route.description)
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route, models)
            if route.description.verb and route.variables == ["model"]:
                for model in models:
                    own = paths.setdefault(route.path.replace("{model}", model), {})
                    own[route.method.lower()] = self._operation_of(route, model)
        return dict(sorted(paths.items()))

    def _answering(self, description: RouteDescription) -> list[str]:
        """Return the models that a predict route's request may be for."""
        models = [name for name, model in self._models.items() if description.verb in model.verbs]
        meant = description.model() if description.model else None
        return [meant] if meant is not None and meant in models else models

    def _operation(self, route: DescribedRoute, models: list[str]) -> dict[str, Any]:
        """Describe a route for any of these models."""
        description = route.description
        which = next((words for name, words in _WHICH.items() if name in route.variables), "its stable version")
        made: dict[str, Any] = {
            "tags": [description.section.name],
            "summary": description.summary.format(which=which),
            "operationId": _identifier(f"{route.method} {route.path}"),
            "security": [] if route.guard.permission is None else _accepted(route.guard.permission),
            "responses": self._responses(route, models),
        }
        parameters = [*map(self._variable, route.variables), *self._query(description.verb, models)]
        if parameters:
            made["parameters"] = parameters
        if request := self._request(description, models):
            made["requestBody"] = request
        return made

    def _operation_of(self, route: DescribedRoute, model: str) -> dict[str, Any]:
        """Describe a route for one model, whose name stands in its path."""
        made = self._operation(route, [model])
        made["tags"] = [_tag(model)]
        made["summary"] = made["summary"].replace("a model", f"`{model}`")
        made["operationId"] = _identifier(f"{route.method} {route.path} {model}")
        made["parameters"] = self._query(route.description.verb, [model])
        return made if made["parameters"] else {name: part for name, part in made.items() if name != "parameters"}

    def _variable(self, name: str) -> dict[str, Any]:
        schema: Json = {"type": "string", "minLength": 1}
        if name == "model" and self._models:
            schema = {"type": "string", "enum": list(self._models)}
        elif name == "label" and self._labels:
            schema = {"type": "string", "enum": self._labels}
        elif name in _PATH_VARIABLES:
            schema = _PATH_VARIABLES[name]
        return {"name": name, "in": "path", "required": True, "schema": schema}

    def _query(self, verb: str, models: list[str]) -> list[dict[str, Any]]:
        """Return the parameters of a verb's query: a model's own if it is the only one."""
        if not verb:
            return []
        bodies = self._bodies(verb, models if len(models) == 1 else [])
        return [_query_parameter(name, schema) for name, schema in bodies.query.items()]

    def _bodies(self, verb: str, models: list[str]) -> VerbBodies:
        """Return the bodies of a verb: the first model's if there is any."""
        return self._models[models[0]].verbs[verb] if models else self._any_model[verb]

    def _request(self, description: RouteDescription, models: list[str]) -> dict[str, Any]:
        if description.verb:
            contents = self._bodies(description.verb, models).request
            return {"required": True, "content": _contents(contents, any_of(models, description.verb, "request"))}
        if description.request is None:
            return {}
        content = {description.request_media_type: {"schema": self._types.schema(description.request)}}
        return {"required": description.request_required, "content": content}

    def _responses(self, route: DescribedRoute, models: list[str]) -> dict[str, Any]:
        description = route.description
        content = {form: {"schema": {"$ref": "#/components/schemas/Error"}} for form in self._error_forms(route)}
        return {
            str(description.success): self._success(description, models),
            **{str(status): {"description": _REFUSALS[status], "content": content} for status in description.refusals},
        }

    def _success(self, description: RouteDescription, models: list[str]) -> dict[str, Any]:
        if description.verb:
            contents = self._bodies(description.verb, models).response
            return {
                "description": "Success",
                "content": _contents(contents, any_of(models, description.verb, "answer")),
                "headers": {"X-Model-Version": {"schema": TEXT, "description": "The version that answered"}},
            }
        if description.response is None:
            return {"description": "Success"}
        content = {description.media_type: {"schema": self._types.schema(description.response)}}
        return {"description": "Success", "content": content}

    def _error_forms(self, route: DescribedRoute) -> list[str]:
        """Return the media types of a route's errors: its own form's, if it has one, and its address's."""
        forms: list[ErrorForm] = [route.description.errors] if route.description.errors else []
        return [form.media_type for form in (*forms, errors_at(route.path, self._dialects))]


def _identifier(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_")


def _query_parameter(name: str, schema: Json) -> dict[str, Any]:
    bare = {key: part for key, part in schema.items() if key != "description"}
    return {"name": name, "in": "query", "description": schema["description"], "schema": bare}


def _contents(contents: Mapping[str, Json], in_json: Json) -> dict[str, Any]:
    return {form: {"schema": in_json if form == JSON else schema} for form, schema in contents.items()}


def _accepted(permission: str) -> list[dict[str, list[str]]]:
    """Return any one of the ways to prove who asks."""
    return [{"bearer": []}, {"apiKey": []}, {"oauth2": [permission] if permission in _SCOPES else []}]
