"""Are live inputs and answers distributed as at publication? Sampled, bounded counting against the profile."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from model_store.batch import Array, Batch
from model_store.errors import StoreError
from model_store.reference import profile as stored_profile
from model_store.schema import Schema
from model_store.stores.store import Store
from service.metrics.adding import Add, adder
from service.metrics.instruments import child
from service.observers.bins import MISSING, Binned, plan
from service.observers.observer import Observer, Prediction
from service.runtime.loaded import LoadedModel
from service.runtime.router import Chosen

log = logging.getLogger(__name__)

MOST_ROWS = 1000
"""Rows of one request that are counted at most, spread evenly over it."""
MOST_CONFIDENCES = 50
"""Rows of one request whose confidence is observed at most."""
MOST_SERIES = 20_000
"""Bins that one worker keeps at most, over all versions it has ever served; later versions are not compared."""
SELDOM = 0.1
"""Seconds after which a request is compared in spite of the sampling, so that little traffic is enough."""


class _Counted(NamedTuple):
    """What is counted of a version, the place of its input column or None for an output, and what adds to a bin."""

    binned: Binned
    place: int | None
    bin: Callable[[str], Add]


class Drift(Observer):
    """Counts sampled rows by the bins of their version's profile.

    ``features`` is how many input columns of a version are compared, ``sampling`` the share of requests. ``clock``
    tells seconds, ``draw`` a random number from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        *,
        features: int,
        sampling: float,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._features = features
        self._sampling = sampling
        self._clock = clock
        self._draw = draw
        self._last = float("-inf")
        self._series = 0
        self._counted: dict[tuple[str, int], tuple[_Counted, ...]] = {}
        self._opening = threading.Lock()

    def predicted(self, prediction: Prediction, batch: Batch, outputs: Mapping[str, Array], /) -> None:
        """See Observer."""
        now = self._clock()
        if self._sampling <= 0 or (now - self._last < SELDOM and self._draw() >= self._sampling):
            return
        self._last = now
        model = prediction.model
        counted = self._counted.get((model.name, model.version))
        if counted is None:
            counted = self._open(model)
        if counted and batch.rows:
            _count(counted, model, batch, outputs)

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """Take no note."""

    def _open(self, model: LoadedModel) -> tuple[_Counted, ...]:
        key = (model.name, model.version)
        with self._opening:
            if key not in self._counted:
                self._counted[key] = self._bound(model)
        return self._counted[key]

    def _bound(self, model: LoadedModel) -> tuple[_Counted, ...]:
        try:
            _, compared = compare(self._store, model.name, model.version, model.schema, self._features)
        except (OSError, ValueError, KeyError, TypeError, StoreError):
            log.warning("%s version %d has no profile to compare with", model.name, model.version, exc_info=True)
            return ()
        bound: list[_Counted] = []
        for binned in compared:
            self._series += len(binned.bins) + 1
            if self._series > MOST_SERIES:
                log.warning("%s version %d: no room to compare %s", model.name, model.version, binned.name)
                break
            labels = (model.name, str(model.version), binned.kind, binned.name)
            for name in (*binned.bins, MISSING):
                child("millrace_feature_bin_total", *labels, name)  # seen from the start, as 0
            bound.append(_Counted(binned, _place(model.schema, binned), _bins(labels)))
        child("millrace_profile_features", model.name, str(model.version)).set(len(bound))
        return tuple(bound)


def _place(schema: Schema, binned: Binned) -> int | None:
    return schema.names.index(binned.name) if binned.kind == "input" else None


def _count(counted: tuple[_Counted, ...], model: LoadedModel, batch: Batch, outputs: Mapping[str, Array]) -> None:
    rows = slice(None, None, -(-batch.rows // MOST_ROWS))
    answers = with_class(model.schema, outputs)
    for binned, place, add_to in counted:
        values = answers.get(binned.name) if place is None else batch.column(model.schema, place)
        if values is not None and values.ndim == 1:
            for label, count in binned.count(values[rows]).items():
                add_to(label)(count)
    labels = (model.name, str(model.version))
    _compared_rows(*labels)(len(range(batch.rows)[rows]))
    _observe_confidence(labels, outputs.get("predict_proba"))


def _bins(labels: tuple[str, ...]) -> Callable[[str], Add]:
    """Return what gives, for a bin that values fall into, what adds to its counter."""
    return cache(lambda name: adder(child("millrace_feature_bin_total", *labels, name)))


@cache
def _compared_rows(name: str, version: str) -> Add:
    return adder(child("millrace_profile_rows_total", name, version))


def _observe_confidence(labels: tuple[str, str], probabilities: Array | None) -> None:
    if probabilities is not None and probabilities.ndim == 2:  # noqa: PLR2004 - rows and classes
        observe = child("millrace_prediction_confidence", *labels).observe
        for confidence in probabilities[:MOST_CONFIDENCES].max(axis=1).tolist():
            observe(confidence)


def compare(store: Store, name: str, version: int, schema: Schema, features: int) -> tuple[int, list[Binned]]:
    """Return the rows of a version's profile and what is compared with it: the first ``features`` columns, and outputs.

    Raises OSError, ValueError, KeyError or TypeError if it has no readable profile.
    """
    profile = stored_profile.from_bytes(store.read(name, version, stored_profile.FILE))
    categories = {column.name: column.categories for column in schema.columns}
    categories |= {output.name: output.labels for output in schema.outputs if not output.shape}
    return profile["rows"], plan(profile, categories, schema.names[:features] if features else ())


def with_class(schema: Schema, outputs: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return the answers, and the predicted class if only class probabilities were asked for."""
    probabilities = outputs.get("predict_proba")
    if "predict" in outputs or probabilities is None or probabilities.ndim != 2:  # noqa: PLR2004
        return outputs
    described = schema.output("predict_proba")
    if described is None or len(described.labels) != probabilities.shape[1]:
        return outputs
    labels = np.empty(len(described.labels), dtype=object)
    labels[:] = described.labels
    return {**outputs, "predict": labels[probabilities.argmax(axis=1)]}
