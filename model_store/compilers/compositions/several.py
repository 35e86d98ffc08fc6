"""Estimators for several targets, or for several classes by classifiers of two."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.compositions.responses import answer, binary_score, flat, labels, nth_column, numbers, score
from model_store.compilers.compositions.voting import turned

_TWO = 2


def _several_regressors(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    found = [answer(compilation.compile(each, rows), "predict") for each in estimator.estimators_]
    return {"predict": turned(compilation, found)}


def _several_classifiers(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    compiled = [compilation.compile(each, rows) for each in estimator.estimators_]
    chosen = [labels(one, each) for one, each in zip(compiled, estimator.estimators_, strict=True)]
    if len({np.dtype(value.dtype).kind for value in chosen}) > 1:
        refuse("targets have labels of several kinds")
    shares = {f"predict_proba_{i}": one["predict_proba"] for i, one in enumerate(compiled) if "predict_proba" in one}
    return {"predict": _labels_turned(compilation, chosen), **shares}


def _labels_turned(compilation: Compilation, chosen: Sequence[Value]) -> Value:
    return compilation.add("turned", *chosen, form="matrix", width=len(chosen))


def _chain(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows, dtype="") if rows.dtype.startswith("float") else compilation.matrix(rows)
    method = getattr(estimator, "chain_method_", "predict")
    before: list[Value] = []
    links = []
    for each in estimator.estimators_:
        compiled = compilation.compile(each, _lengthened(compilation, rows, before, len(estimator.estimators_)))
        links.append((each, compiled))
        before.append(_link(compilation, compiled, each, method))
    wanted = [name for name in ("predict", "predict_proba", "decision_function") if all(name in c for _, c in links)]
    return {name: _gathered(compilation, estimator, links, name) for name in wanted}


def _lengthened(compilation: Compilation, rows: Value, before: list[Value], width: int) -> Value:
    dtype = str(np.result_type(rows.dtype, "float64"))
    known: Mapping[str, Any] = {"form": "matrix", "width": rows.width + len(before), "dtype": dtype}
    return compilation.add("chained", rows, *before, settings={"width": width}, **known)


def _link(compilation: Compilation, compiled: Methods, estimator: Any, method: str) -> Value:
    if method == "predict":
        return numbers(compiled, estimator)
    if method not in ("predict_proba", "decision_function") or len(estimator.classes_) != _TWO:
        refuse(f"a chain of {method}")
    return score(compilation, compiled, estimator, method)


def _gathered(compilation: Compilation, estimator: Any, links: Sequence[tuple[Any, Methods]], method: str) -> Value:
    columns = [_link(compilation, compiled, each, method) for each, compiled in links]
    arrays = {"places": np.argsort(np.asarray(estimator.order_))}
    return compilation.add("gathered", *columns, arrays=arrays, form="matrix", width=len(links), dtype="float64")


def _one_against_rest(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    children = estimator.estimators_
    compiled = [compilation.compile(each, rows) for each in children]
    scores = [binary_score(compilation, one, each) for one, each in zip(compiled, children, strict=True)]
    found = {"predict": _of_rest(compilation, estimator, scores)}
    if all("predict_proba" in one for one in compiled):
        found["predict_proba"] = _shares_of_rest(compilation, estimator, compiled)
    if all("decision_function" in one for one in compiled):
        found["decision_function"] = _decisions(compilation, [one["decision_function"] for one in compiled])
    return found


def _of_rest(compilation: Compilation, estimator: Any, scores: Sequence[Value]) -> Value:
    kind, arrays = estimator.label_binarizer_.y_type_, {"labels": estimator.classes_}
    if kind == "multiclass":
        return compilation.add("first_most", *scores, arrays=arrays, form="vector")
    settings = {"than": _threshold(estimator.estimators_[0])}
    if kind == "binary":
        return compilation.add("above", scores[0], arrays=arrays, settings=settings, form="vector")
    if kind != "multilabel-indicator":
        refuse(f"targets that are {kind}")
    each = turned(compilation, list(scores))
    return compilation.add("more_than", each, settings=settings, dtype="int64")


def _threshold(estimator: Any) -> float:
    return 0.0 if hasattr(estimator, "decision_function") and is_classifier(estimator) else 0.5


def _shares_of_rest(compilation: Compilation, estimator: Any, compiled: Sequence[Methods]) -> Value:
    second = [nth_column(compilation, one["predict_proba"], 1) for one in compiled]
    shares = turned(compilation, second)
    if len(compiled) == 1:
        shares = compilation.add("two_shares", shares, width=_TWO)
    return shares if estimator.multilabel_ else compilation.add("shares", shares)


def _decisions(compilation: Compilation, decisions: list[Value]) -> Value:
    return decisions[0] if len(decisions) == 1 else turned(compilation, [flat(compilation, one) for one in decisions])


def _one_against_one(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.pairwise_indices_ is not None:
        refuse("a precomputed kernel")
    rows, children = compilation.matrix(rows), estimator.estimators_
    if any(map(is_regressor, children)):
        refuse("regressors vote")
    compiled = [compilation.compile(each, rows) for each in children]
    votes = [labels(one, each) for one, each in zip(compiled, children, strict=True)]
    scores = [binary_score(compilation, one, each) for one, each in zip(compiled, children, strict=True)]
    width, arrays = len(estimator.classes_), {"labels": estimator.classes_}
    known: Mapping[str, Any] = {"form": "matrix", "width": width, "dtype": "float64"}
    decision = compilation.add("pairs", *votes, *scores, settings={"width": width}, **known)
    if width != _TWO:
        chosen = compilation.add("most", decision, arrays=arrays, form="vector")
        return {"predict": chosen, "decision_function": decision}
    second = nth_column(compilation, decision, 1)
    settings = {"than": _threshold(children[0])}
    return {
        "predict": compilation.add("above", second, arrays=arrays, settings=settings, form="vector"),
        "decision_function": second,
    }


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.multioutput.MultiOutputRegressor": _several_regressors,
    "sklearn.multioutput.MultiOutputClassifier": _several_classifiers,
    "sklearn.multioutput.RegressorChain": _chain,
    "sklearn.multioutput.ClassifierChain": _chain,
    "sklearn.multiclass.OneVsRestClassifier": _one_against_rest,
    "sklearn.multiclass.OneVsOneClassifier": _one_against_one,
}
