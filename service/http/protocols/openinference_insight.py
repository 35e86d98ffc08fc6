"""Triton's statistics and model configuration extensions: what was counted of versions, and what they take."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import flask

from model_store.codecs.json import dumps
from service.auth.permissions import MODEL_READ
from service.auth.principals import Principal
from service.dialects.openinference.configuration import ModelConfiguration, model_configuration
from service.dialects.openinference.dialect import OPENINFERENCE
from service.dialects.openinference.statistics import Statistics, model_statistics
from service.http.description.route import LIST_REFUSALS, READ_REFUSALS, described, section_of
from service.http.guards import guarded
from service.http.routes import phrased
from service.metrics.version_counts import Counted, VersionCounts
from service.runtime.catalog import Catalog
from service.runtime.loaded import LoadedModel
from service.wire import JSON

Choose = Callable[[str, str | None], LoadedModel]
"""Gives the loaded version that a model's name and a version, if one is named, ask for; raises RequestError."""

_SECTION = section_of(OPENINFERENCE)


class Counting(Protocol):
    """Knows what was counted; ``service.runtime.statistics.Statistics`` is the real one."""

    def read(self) -> Counted:
        """Return the counts of all replicas by model and version. Raises Unavailable."""


def add_routes(made: flask.Blueprint, catalog: Catalog, choose: Choose, counting: Counting, max_rows: int) -> None:
    """Add the routes of both extensions to those of /v2."""
    _add_statistics(made, catalog, choose, counting)
    _add_configuration(made, catalog, choose, max_rows)


def _add_statistics(made: flask.Blueprint, catalog: Catalog, choose: Choose, counting: Counting) -> None:
    def counted(versions: Iterable[tuple[str, int]]) -> flask.Response:
        counts = counting.read()
        none = VersionCounts()
        found = [model_statistics(name, one, counts.get((name, str(one)), none)) for name, one in versions]
        return _json(Statistics(model_stats=found))

    @made.get("/models/stats")
    @guarded(MODEL_READ, model_arg=None)
    @described(
        _SECTION,
        "What was counted of every loaded version, added up over the replicas",
        response=Statistics,
        refusals=(*LIST_REFUSALS, 503),
    )
    def statistics() -> flask.Response:
        principal: Principal = flask.g.principal
        models = [model for name, model in sorted(catalog.snapshot().models.items()) if principal.may(MODEL_READ, name)]
        return counted([(model.name, version) for model in models for version in sorted(model.versions)])

    @made.get("/models/<model>/stats")
    @made.get("/models/<model>/versions/<version>/stats")
    @guarded(MODEL_READ)
    @described(
        _SECTION,
        "What was counted of a model, added up over the replicas: {which}",
        response=Statistics,
        refusals=(*READ_REFUSALS, 503),
    )
    @phrased(OPENINFERENCE.phrase)
    def model_stats(model: str, version: str | None = None) -> flask.Response:
        return counted([(model, one) for one in _loaded(catalog, choose, model, version)])


def _add_configuration(made: flask.Blueprint, catalog: Catalog, choose: Choose, max_rows: int) -> None:
    @made.get("/models/<model>/config")
    @made.get("/models/<model>/versions/<version>/config")
    @guarded(MODEL_READ)
    @described(
        _SECTION,
        "A model's configuration, in Triton's words: {which}",
        response=ModelConfiguration,
        refusals=(*READ_REFUSALS, 503),
    )
    @phrased(OPENINFERENCE.phrase)
    def configuration(model: str, version: str | None = None) -> flask.Response:
        schema = choose(model, version).schema
        loaded = _loaded(catalog, choose, model, version)
        return _json(model_configuration(model, loaded, schema, max_rows=max_rows))


def _loaded(catalog: Catalog, choose: Choose, model: str, version: str | None) -> list[int]:
    """Return the version that is named, else all loaded ones of the model. Raises RequestError if none can answer."""
    chosen = choose(model, version)
    return sorted(catalog.snapshot().models[model].versions) if version is None else [chosen.version]


def _json(document: Any) -> flask.Response:
    return flask.Response(dumps(document), mimetype=JSON)
