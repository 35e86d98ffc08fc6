"""LightGBM's trees, read from its public text form. Its arithmetic is float64, in the order of the trees."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.ensembles import adding
from model_store.compilers.numeric.common import both, chosen, function
from model_store.trees.packing import TreeArrays

_ANSWERS = {
    "regression": "",
    "regression_l1": "",
    "huber": "",
    "fair": "",
    "quantile": "",
    "mape": "",
    "lambdarank": "",
    "rank_xendcg": "",
    "regression sqrt": "signed_square",
    "poisson": "exp_exact",
    "gamma": "exp_exact",
    "tweedie": "exp_exact",
    "cross_entropy": "expit",
    "binary sigmoid:1": "expit",
    "multiclass": "softmax",
    "multiclassova sigmoid:1": "expit",
}
"""What each objective makes of the sums."""

_BY_CATEGORY, _DEFAULT_LEFT, _MISSING = 1, 2, 12
"""Bits of how a node decides; those of ``_MISSING`` say which values are missing: none, zeros, NaN."""
_ZERO_IS_MISSING, _NAN_IS_MISSING = 4, 8
_KNOWN = 255
_ZERO = float(np.float32(1e-35))
"""Numbers that are no farther from zero are zeros."""


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    raw, answer = _answers(compilation, estimator, rows)
    shares = both(compilation, answer) if answer.form == "vector" else answer
    if shares.width != estimator.n_classes_:
        refuse("its objective is not that of a classifier")
    labels = chosen(compilation, shares, estimator.classes_)
    return {"predict": labels, "predict_proba": shares, "decision_function": raw}


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _answers(compilation, estimator, rows)[1]}


def _answers(compilation: Compilation, estimator: Any, rows: Value) -> tuple[Value, Value]:
    """Return the sums, and what the objective makes of them."""
    _check_options(estimator)
    header, *blocks = _blocks(estimator.booster_.model_to_string())
    objective = " ".join(word for word in header.get("objective", "none").split() if "num_class" not in word)
    if objective not in _ANSWERS:
        refuse(f"the objective {objective} is not known")
    groups = int(header["num_tree_per_iteration"])
    over = len(blocks) // groups if "average_output" in header else 1
    sums = adding.Sums(np.zeros(groups), over=over, flat=groups == 1)
    raw = adding.summed(compilation, _rows(compilation, rows, blocks), map(_tree, blocks), sums)
    answer = _ANSWERS[objective]
    if answer == "softmax":
        return raw, compilation.add("softmax_in_order", raw)
    return raw, function(compilation, raw, answer) if answer else raw


def _check_options(estimator: Any) -> None:
    """Raise NotCompiled for what changes answers and is in no tree."""
    early = [name for name, value in estimator.get_params().items() if name.startswith("pred_early_stop") and value]
    if early or callable(estimator.objective):
        refuse("it stops adding trees early" if early else "its objective is a function")


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield the facts of the whole model, then those of each tree."""
    for block in text.split("\nend of trees", maxsplit=1)[0].split("\nTree="):
        lines = (line.partition("=") for line in block.splitlines())
        yield {name: value for name, _, value in lines}


def _rows(compilation: Compilation, rows: Value, blocks: Sequence[Mapping[str, str]]) -> Value:
    """Return rows as float64; whole numbers of arrays are float32 first, as LightGBM takes them."""
    if rows.form == "matrix" and rows.dtype not in ("float32", "float64"):
        rows = compilation.cast(rows, "float32")
    rows = compilation.cast(rows, "float64")
    by_category, zero_is_missing = _special_features(blocks)
    if not len(by_category) and not len(zero_is_missing):
        return rows
    arrays = {"truncated": by_category, "zero_is_missing": zero_is_missing}
    return compilation.add("prepared_for_lightgbm", rows, arrays=arrays)


def _special_features(blocks: Sequence[Mapping[str, str]]) -> tuple[Array, Array]:
    """Return the features that are split by category, and those whose zeros are missing values."""
    features = np.concatenate([_numbers(block, "split_feature", np.int64) for block in blocks])
    decisions = np.concatenate([_numbers(block, "decision_type", np.int64) for block in blocks])
    by_category = np.unique(features[(decisions & _BY_CATEGORY) != 0])
    zero = np.unique(features[((decisions & _MISSING) == _ZERO_IS_MISSING) & ((decisions & _BY_CATEGORY) == 0)])
    return by_category, zero


def _tree(block: Mapping[str, str]) -> TreeArrays:
    """Return a tree: LightGBM numbers splits and leaves apart, the latter from -1 down."""
    if block.get("is_linear", "0") != "0":
        refuse("its leaves are linear models")
    leaves = _numbers(block, "leaf_value", np.float64)
    left, right = _numbers(block, "left_child", np.int64), _numbers(block, "right_child", np.int64)
    feature, decision = _numbers(block, "split_feature", np.int64), _numbers(block, "decision_type", np.int64)
    threshold = _numbers(block, "threshold", np.float64)
    splits, none = len(left), np.full(len(leaves), -1)
    by_category = (decision & _BY_CATEGORY) != 0
    return TreeArrays(
        left=np.concatenate([_moved(left, splits), none]),
        right=np.concatenate([_moved(right, splits), none]),
        feature=np.concatenate([feature, none]),
        threshold=np.concatenate([np.where(by_category, 0.0, _as_if_zeros(threshold)), np.zeros(len(leaves))]),
        missing_left=np.concatenate([_missing_left(decision, threshold), none]),
        values=np.concatenate([np.zeros(splits), leaves])[:, np.newaxis],
        set_number=np.concatenate([np.where(by_category, threshold.astype(np.int64), -1), none]),
        sets=_sets(block),
    )


def _as_if_zeros(threshold: Array) -> Array:
    """Return thresholds that numbers next to zero are to the same side of as zero is."""
    near = np.abs(threshold) <= _ZERO
    return np.where(near, np.where(threshold >= 0, _ZERO, np.nextafter(-_ZERO, -np.inf)), threshold)


def _moved(child: Array, splits: int) -> Array:
    return np.where(child < 0, splits + ~child, child)


def _missing_left(decision: Array, threshold: Array) -> Array:
    """Return where NaN goes: as the node says if it knows missing values, else to where zero goes."""
    knows = (decision & _MISSING) != 0
    return np.where(knows, (decision & _DEFAULT_LEFT) != 0, threshold >= 0)


def _sets(block: Mapping[str, str]) -> Array:
    """Return the sets of categories that go right: all that a node does not name, missing and unknown ones too."""
    ends, words = _numbers(block, "cat_boundaries", np.int64), _numbers(block, "cat_threshold", np.int64)
    sets = np.full((max(len(ends) - 1, 0), 8), 0xFFFFFFFF, np.uint32)
    for own, start, stop in zip(sets, ends[:-1], ends[1:], strict=True):
        left = np.zeros(max(stop - start, 8), np.uint32)
        left[: stop - start] = words[start:stop]
        if left[8:].any() or left[7] >> 31:
            refuse(f"it knows categories of {_KNOWN} and more")
        own[:] = ~left[:8]
    return sets.view(np.uint64)


def _numbers(block: Mapping[str, str], name: str, dtype: Any) -> Array:
    return np.array(block.get(name, "").split(), dtype)


COMPILERS: Mapping[str, Compiler] = {
    "lightgbm.sklearn.LGBMClassifier": _classifier,
    "lightgbm.sklearn.LGBMRegressor": _regressor,
    "lightgbm.sklearn.LGBMRanker": _regressor,
}
