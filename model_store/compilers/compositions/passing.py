"""Estimators that pass rows on: to one estimator, or through several one after the other."""

from collections.abc import Mapping
from typing import Any

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value


def _pipeline(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    *first, (_, last) = estimator.steps
    for _, step in first:
        if not _passes(step):
            rows = compilation.compile(step, rows)["transform"]
    return {"transform": rows} if _passes(last) else compilation.compile(last, rows)


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _search(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return compilation.compile(estimator.best_estimator_, rows)


def _frozen(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return compilation.compile(estimator.estimator, rows)


def _self_training(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return compilation.compile(estimator.estimator_, compilation.matrix(rows))


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.pipeline.Pipeline": _pipeline,
    "sklearn.model_selection._search.GridSearchCV": _search,
    "sklearn.model_selection._search.RandomizedSearchCV": _search,
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV": _search,
    "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV": _search,
    "sklearn.frozen._frozen.FrozenEstimator": _frozen,
    "sklearn.semi_supervised._self_training.SelfTrainingClassifier": _self_training,
}
