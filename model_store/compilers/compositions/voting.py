"""Estimators that ask several others and average, count or learn from their answers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.compositions.responses import answer, beside, common_dtype, labels, numbers

_TWO = 2


def _weights(estimator: Any) -> dict[str, Any]:
    if estimator.weights is None:
        return {}
    asked = zip(estimator.estimators, estimator.weights, strict=True)
    return {"weights": np.asarray([weight for (_, each), weight in asked if each != "drop"])}


def _soft_vote(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    shares = [answer(compilation.compile(each, rows), "predict_proba") for each in estimator.estimators_]
    mean = compilation.add("average", *shares, arrays=_weights(estimator), dtype="float64")
    chosen = compilation.add("most", mean, arrays={"labels": estimator.classes_}, form="vector")
    found = {"predict": chosen, "predict_proba": mean}
    if estimator.flatten_transform:
        found["transform"] = beside(compilation, shares)
    return found


def _vote(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.voting == "soft":
        return _soft_vote(compilation, estimator, rows)
    votes = [labels(compilation.compile(each, rows), each) for each in estimator.estimators_]
    if min(_weights(estimator).get("weights", [1])) < 0:
        refuse("a vote has a negative weight")
    arrays = {"labels": estimator.classes_, **_weights(estimator)}
    chosen = compilation.add("votes", *votes, arrays=arrays, form="vector")
    return {"predict": chosen, "transform": turned(compilation, votes)}


def turned(compilation: Compilation, vectors: list[Value]) -> Value:
    """Return vectors as the columns of a matrix that lies in memory column by column."""
    return compilation.add(
        "turned", *vectors, form="matrix", width=len(vectors), dtype=common_dtype(vectors), like=vectors[0]
    )


def _mean_vote(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    each = turned(compilation, [answer(compilation.compile(one, rows), "predict") for one in estimator.estimators_])
    mean = compilation.add("column_average", each, arrays=_weights(estimator), form="vector", width=1, dtype="float64")
    return {"predict": mean, "transform": each}


def _stacked(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    learnt = [
        _level(compilation, each, method, rows)
        for each, method in zip(estimator.estimators_, estimator.stack_method_, strict=True)
    ]
    if estimator.passthrough:
        learnt.append(_passed(compilation, rows))
    return beside(compilation, learnt)


def _passed(compilation: Compilation, rows: Value) -> Value:
    return refuse("sparse rows are stacked") if rows.form == "sparse" else compilation.dense(rows)


def _level(compilation: Compilation, estimator: Any, method: str, rows: Value) -> Value:
    """Return what the final estimator sees of one estimator: of two classes' probabilities, those of the second."""
    compiled = compilation.compile(estimator, rows)
    if method == "predict":
        return numbers(compiled, estimator)
    found = answer(compiled, method)
    if method == "predict_proba" and len(estimator.classes_) == _TWO:
        return compilation.add("select", found, settings={"start": 1, "stop": None, "by": 1}, width=1)
    return found


def _stacking_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    seen = _stacked(compilation, estimator, rows)
    found = compilation.compile(estimator.final_estimator_, seen)
    return {"predict": answer(found, "predict"), "transform": seen}


def _stacking_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if isinstance(estimator.classes_, list):
        refuse("several targets are stacked")
    seen = _stacked(compilation, estimator, rows)
    compiled = compilation.compile(estimator.final_estimator_, seen)
    places = labels(compiled, estimator.final_estimator_)
    found = {name: compiled[name] for name in ("predict_proba", "decision_function") if name in compiled}
    chosen = compilation.add("labels_at", places, arrays={"labels": estimator.classes_}, form="vector")
    return {"predict": chosen, "transform": seen, **found}


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._voting.VotingClassifier": _vote,
    "sklearn.ensemble._voting.VotingRegressor": _mean_vote,
    "sklearn.ensemble._stacking.StackingClassifier": _stacking_classifier,
    "sklearn.ensemble._stacking.StackingRegressor": _stacking_regressor,
}
