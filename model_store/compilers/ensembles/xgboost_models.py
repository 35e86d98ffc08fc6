"""XGBoost's trees, read from its public JSON form. All its arithmetic is float32, in the order of the trees."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.ensembles import adding
from model_store.compilers.numeric.common import both, chosen, function
from model_store.trees.packing import TreeArrays


class _Objective(NamedTuple):
    """How an objective begins its sums, given the stored base, and what it makes of them."""

    begin: str
    answer: str


_PLAIN = _Objective("", "")
_LOGISTIC = _Objective("logit", "expit_capped")
_POSITIVE = _Objective("log", "exp_exact")
_OBJECTIVES: Mapping[str, _Objective] = {
    "reg:squarederror": _PLAIN,
    "reg:absoluteerror": _PLAIN,
    "reg:pseudohubererror": _PLAIN,
    "reg:squaredlogerror": _PLAIN,
    "reg:quantileerror": _PLAIN,
    "rank:pairwise": _PLAIN,
    "rank:ndcg": _PLAIN,
    "rank:map": _PLAIN,
    "reg:logistic": _LOGISTIC,
    "reg:gamma": _POSITIVE,
    "reg:tweedie": _POSITIVE,
    "count:poisson": _POSITIVE,
    "binary:logistic": _LOGISTIC,
    "binary:logitraw": _PLAIN,
    "multi:softprob": _Objective("", "softmax"),
}


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    answer = _answer(compilation, estimator, rows)
    classes = np.arange(estimator.n_classes_)
    if answer.form == "vector" and len(classes) == 1 + 1:
        return {"predict": chosen(compilation, answer, classes, than=0.5), "predict_proba": both(compilation, answer)}
    if answer.width != len(classes) or len(classes) == 1 + 1:
        refuse("its labels are several for a row")
    return {"predict": chosen(compilation, answer, classes), "predict_proba": answer}


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _answer(compilation, estimator, rows)}


def _answer(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    learner = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    objective = _OBJECTIVES.get(learner["objective"]["name"])
    if objective is None:
        refuse(f"the objective {learner['objective']['name']} is not known")
    if not np.isnan(estimator.missing):
        refuse(f"missing values are {estimator.missing}: only NaN is known")
    base = _BEGINNINGS[objective.begin](_base(learner))
    trees = _trees(learner["gradient_booster"], estimator._get_iteration_range(None)[1], len(base))  # noqa: SLF001 - the best
    sums = adding.summed(compilation, compilation.cast(rows, "float32"), trees, adding.Sums(base, flat=len(base) == 1))
    if objective.answer == "softmax":
        return compilation.add("softmax_in_order", sums)
    return function(compilation, sums, objective.answer) if objective.answer else sums


def _base(learner: Mapping[str, Any]) -> Array:
    """Return what the sums of each group begin with, before the objective's link."""
    parameters = learner["learner_model_param"]
    stored = np.atleast_1d(np.array(json.loads(parameters["base_score"]), np.float32))
    groups = max(int(parameters["num_class"]), int(parameters["num_target"]), 1)
    return np.broadcast_to(stored, groups).copy()


def _log(values: Array) -> Array:
    """Return logarithms rounded once to float32, as the C library's ``logf`` has them."""
    made: Array = np.log(values.astype(np.float64)).astype(np.float32)
    return made


def _logit(shares: Array) -> Array:
    return -_log(np.float32(1) / shares - np.float32(1))


_BEGINNINGS: Mapping[str, Callable[[Array], Array]] = {"": np.asarray, "log": _log, "logit": _logit}


def _trees(booster: Mapping[str, Any], iterations: int, groups: int) -> Iterator[TreeArrays]:
    """Yield the trees of the first iterations (0: of all), those of the groups in turn."""
    if booster["name"] != "gbtree":
        refuse(f"its booster is {booster['name']}")
    model = booster["model"]
    trees, info = model["trees"], model["tree_info"]
    last = model["iteration_indptr"][iterations] if iterations else len(trees)
    of_group = [[tree for tree, own in zip(trees[:last], info[:last], strict=True) if own == g] for g in range(groups)]
    for round_of_trees in zip(*of_group, strict=True):
        yield from map(_tree, round_of_trees)


def _tree(stored: Mapping[str, Any]) -> TreeArrays:
    if int(stored["tree_param"]["size_leaf_vector"]) > 1 or any(stored["split_type"]):
        refuse("its trees have leaves of several values, or split by category")
    left, right = np.array(stored["left_children"]), np.array(stored["right_children"])
    conditions = np.array(stored["split_conditions"], np.float32)
    order = _from_the_root(left, right)
    place = np.zeros(len(left), np.int64)
    place[order] = np.arange(len(order))
    is_leaf = left[order] < 0
    return TreeArrays(
        left=np.where(is_leaf, -1, place[left[order]]),
        right=np.where(is_leaf, -1, place[right[order]]),
        feature=np.array(stored["split_indices"])[order],
        threshold=np.nextafter(conditions, np.float32(-np.inf))[order].astype(np.float64),  # it asks x < condition
        missing_left=np.array(stored["default_left"])[order],
        values=conditions[order, np.newaxis],
    )


def _from_the_root(left: Array, right: Array) -> Array:
    """Return the nodes that can be reached, each after its parent: pruning leaves others in the arrays."""
    levels = [np.zeros(1, np.int64)]
    while len(levels[-1]):
        split = levels[-1][left[levels[-1]] >= 0]
        levels.append(np.stack([left[split], right[split]], axis=1).ravel())
    return np.concatenate(levels)


COMPILERS: Mapping[str, Compiler] = {
    "xgboost.sklearn.XGBClassifier": _classifier,
    "xgboost.sklearn.XGBRFClassifier": _classifier,
    "xgboost.sklearn.XGBRegressor": _regressor,
    "xgboost.sklearn.XGBRFRegressor": _regressor,
    "xgboost.sklearn.XGBRanker": _regressor,
}
