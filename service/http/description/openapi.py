"""``/openapi.json``: the API description, with the models that the caller may see."""

from collections.abc import Sequence
from typing import Any

import flask

from model_store.codecs.json import dumps
from service.dialects.dialect import Dialect
from service.http.description.bodies import verbs_of
from service.http.description.document import document
from service.http.description.route import LIST_REFUSALS, OPERATION, described, described_routes
from service.http.guards import guarded
from service.runtime.catalog import Catalog, CatalogSnapshot
from service.wire import JSON

_MOST_CACHED = 32


def blueprint(app: flask.Flask, catalog: Catalog, dialects: Sequence[Dialect]) -> flask.Blueprint:
    """Return the one route, which describes all routes that ``app`` has when it is first asked.

    Raises LookupError if two dialects have a verb of one name.
    """
    verbs_of(dialects)  # now, and not at the first request
    made = flask.Blueprint("openapi", __name__)
    written = _Written(app, dialects)

    @made.get("/openapi.json")
    @guarded("model:read", model_arg=None)
    @described(
        OPERATION,
        "This description, with the models that the caller may see",
        response=dict[str, Any],
        refusals=LIST_REFUSALS,
    )
    def description() -> flask.Response:
        snapshot = catalog.snapshot()
        visible = tuple(n for n in sorted(snapshot.models) if flask.g.principal.may("model:read", n))
        answer = flask.Response(written.document(snapshot, visible), mimetype=JSON)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return made


class _Written:
    """The documents of the current snapshot, one for each set of models that a caller may see."""

    def __init__(self, app: flask.Flask, dialects: Sequence[Dialect]) -> None:
        self._app = app
        self._dialects = dialects
        self._of: CatalogSnapshot | None = None
        self._documents: dict[tuple[str, ...], bytes] = {}

    def document(self, snapshot: CatalogSnapshot, visible: tuple[str, ...]) -> bytes:
        if snapshot is not self._of or len(self._documents) >= _MOST_CACHED:
            self._of, self._documents = snapshot, {}
        if visible not in self._documents:
            models = [snapshot.models[name] for name in visible]
            self._documents[visible] = dumps(document(described_routes(self._app), self._dialects, models))
        return self._documents[visible]
