"""``/openapi.json``: the API description for any model; ``/models/{model}/openapi.json``: that of one model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import flask

from model_store.codecs.json import dumps
from service.dialects.dialect import Dialect
from service.errors import ModelNotFound, ModelNotReady
from service.http.description.bodies import describe, verbs_of
from service.http.description.document import document, model_document
from service.http.description.route import (
    LIST_REFUSALS,
    OPERATION,
    READ_REFUSALS,
    DescribedRoute,
    described,
    described_routes,
)
from service.http.guards import guarded
from service.runtime.catalog import Catalog, ServedModel
from service.runtime.loaded import LoadedModel
from service.wire import JSON

_MOST_CACHED = 64


def blueprint(app: flask.Flask, catalog: Catalog, dialects: Sequence[Dialect]) -> flask.Blueprint:
    """Return both routes, which describe all routes that ``app`` has when one of them is first asked.

    Raises LookupError if two dialects have a verb of one name.
    """
    verbs_of(dialects)  # now, and not at the first request
    made = flask.Blueprint("openapi", __name__)
    written = _Written(app, dialects)

    @made.get("/openapi.json")
    @guarded("model:read", model_arg=None)
    @described(
        OPERATION,
        "This description, for any model",
        response=dict[str, Any],
        refusals=LIST_REFUSALS,
    )
    def description() -> flask.Response:
        return _response(written.whole(flask.request.script_root))

    @made.get("/models/<model>/openapi.json")
    @guarded("model:read")
    @described(
        OPERATION,
        "The description of a model: the routes that lead to it, with its own bodies",
        response=dict[str, Any],
        refusals=(*READ_REFUSALS, 503),
    )
    def model_description(model: str) -> flask.Response:
        served = _served(catalog, model)
        return _response(written.of_model(_loaded(served), served.pointers, flask.request.script_root))

    return made


def _served(catalog: Catalog, name: str) -> ServedModel:
    model = catalog.snapshot().models.get(name)
    if model is None:
        raise ModelNotFound(f"there is no model {name[:128]!r}")
    return model


def _loaded(model: ServedModel) -> LoadedModel:
    """Return the version whose bodies describe a model: the stable one, else the newest that is loaded.

    Raises ModelNotReady without any.
    """
    if not model.versions:
        raise ModelNotReady(f"model {model.name!r} cannot be described: no version of it is loaded")
    return model.versions.get(model.stable or 0) or model.versions[max(model.versions)]


@dataclass(frozen=True, slots=True)
class _Text:
    """A document as it is sent, a tag that changes with it (RFC 9110, section 8.8.3), and what it depends on."""

    body: bytes
    tag: str
    state: tuple[Any, ...]

    @classmethod
    def of(cls, made: dict[str, Any], *state: Any) -> "_Text":
        body = dumps(made)
        return cls(body, sha256(body).hexdigest()[:32], state)


class _Written:
    """The documents that were asked for, by the path in front of the routes and the model's name."""

    def __init__(self, app: flask.Flask, dialects: Sequence[Dialect]) -> None:
        self._app = app
        self._dialects = dialects
        self._texts: dict[tuple[str, str], _Text] = {}

    @cached_property
    def _routes(self) -> list[DescribedRoute]:
        return described_routes(self._app)

    def whole(self, root: str) -> _Text:
        if (root, "") not in self._texts:
            self._keep(root, "", _Text.of(document(self._routes, self._dialects, root)))
        return self._texts[root, ""]

    def of_model(self, loaded: LoadedModel, labels: Iterable[str], root: str) -> _Text:
        known, state = self._texts.get((root, loaded.name)), (loaded.version, frozenset(labels))
        if known is None or known.state != state:
            model = describe(loaded.name, loaded.version, loaded.schema, labels, self._dialects)
            known = _Text.of(model_document(self._routes, self._dialects, model, root), *state)
            self._keep(root, loaded.name, known)
        return known

    def _keep(self, root: str, name: str, text: _Text) -> None:
        if len(self._texts) >= _MOST_CACHED:
            self._texts = {}
        self._texts[root, name] = text


def _response(text: _Text) -> flask.Response:
    """Return a document, or 304 to a caller who has it (If-None-Match)."""
    answer = flask.Response(text.body, mimetype=JSON)
    answer.set_etag(text.tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(flask.request)
    return answer
