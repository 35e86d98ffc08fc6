"""The trees of fitted estimators, as scikit-learn, XGBoost and LightGBM have them: never as a plan has them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.proof.splits import Tree


def trees_of(part: Any) -> Iterator[Tree] | None:
    """Return the trees that an estimator adds up, in the columns of its rows; None if it has none of its own.

    They are made one by one, so that a large forest is not in memory twice.
    """
    for has, made in _KINDS:
        if has(part):
            return made(part)
    return None


def _members(part: Any) -> list[Any]:
    members = getattr(part, "estimators_", None)
    return np.asarray(members, dtype=object).ravel().tolist() if isinstance(members, (list, np.ndarray)) else []


def _forest(part: Any) -> Iterator[Tree]:
    columns = getattr(part, "estimators_features_", None)
    for place, member in enumerate(_members(part)):
        yield _tree(member.tree_, None if columns is None else columns[place])


def _tree(tree: Any, columns: Array | None = None) -> Tree:
    left, feature = tree.children_left, tree.feature
    splits = np.flatnonzero(left >= 0)
    mapped = feature if columns is None else np.asarray(columns)[np.maximum(feature, 0)]
    return Tree(left, tree.children_right, mapped, tree.threshold, splits)


def _histogram(part: Any) -> Iterator[Tree]:
    order, categories = _order(part)
    for predictor in (predictor for row in part._predictors for predictor in row):  # noqa: SLF001 - it has no other name
        nodes = predictor.nodes
        splits = np.flatnonzero(nodes["is_leaf"] == 0)
        sides = {
            int(node): _sides(
                predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]], categories[nodes["feature_idx"][node]]
            )
            for node in splits[nodes["is_categorical"][splits] == 1].tolist()
        }
        feature = order[nodes["feature_idx"]]
        yield Tree(
            nodes["left"].astype(np.int64),
            nodes["right"].astype(np.int64),
            feature,
            nodes["num_threshold"],
            splits,
            sides,
        )


def _order(part: Any) -> tuple[Array, Sequence[Any]]:
    """Return for each column that the trees see the column of the rows, and the categories of the first ones."""
    preprocessor = getattr(part, "_preprocessor", None)
    if preprocessor is None:
        return np.arange(part.n_features_in_), ()
    order = np.concatenate([np.flatnonzero(part.is_categorical_), np.flatnonzero(~part.is_categorical_)])
    return order, preprocessor.named_transformers_["encoder"].categories_


def _sides(bits: Array, categories: Array) -> tuple[list[Any], list[Any]]:
    known = [value for value in np.asarray(categories).tolist() if value is not None and value == value]  # noqa: PLR0124 - NaN
    goes_left = [bool(bits[code >> 5] >> np.uint32(code & 31) & np.uint32(1)) for code in range(len(known))]
    left = [value for value, is_left in zip(known, goes_left, strict=True) if is_left]
    return left, [value for value, is_left in zip(known, goes_left, strict=True) if not is_left]


def _xgboost(part: Any) -> Iterator[Tree]:
    booster = part.get_booster()
    places = {name: place for place, name in enumerate(booster.feature_names or ())}
    for text in booster.get_dump(dump_format="json"):
        yield _nested(json.loads(text), lambda node: node.get("children"), lambda node: _of_xgboost(node, places))


def _of_xgboost(node: Mapping[str, Any], places: Mapping[str, int]) -> tuple[int, Any]:
    name = str(node["split"])
    place = places.get(name)
    return (int(name.lstrip("f")) if place is None else place), node.get("split_condition")


def _lightgbm(part: Any) -> Iterator[Tree]:
    for tree in part.booster_.dump_model()["tree_info"]:
        yield _nested(
            tree["tree_structure"], _children_of_lightgbm, lambda n: (int(n["split_feature"]), n["threshold"])
        )


def _children_of_lightgbm(node: Mapping[str, Any]) -> list[Any] | None:
    return [node["left_child"], node["right_child"]] if "left_child" in node else None


def _nested(
    root: Any, children: Callable[[Any], Sequence[Any] | None], split: Callable[[Any], tuple[int, Any]]
) -> Tree:
    """Return a tree of nested nodes; splits by anything but a number count as leaves."""
    nodes: list[tuple[int, int, int, float]] = [(-1, -1, 0, 0.0)]
    waiting = [(0, root)]
    while waiting:
        place, node = waiting.pop()
        below, found = children(node), split(node) if children(node) else (0, None)
        if below and isinstance(found[1], (int, float)):
            start = len(nodes)
            nodes += [(-1, -1, 0, 0.0)] * 2
            nodes[place] = (start, start + 1, found[0], float(found[1]))
            waiting += [(start, below[0]), (start + 1, below[1])]
    left, right, feature, threshold = (np.array(column) for column in zip(*nodes, strict=True))
    return Tree(left, right, feature, threshold, np.flatnonzero(left >= 0))


def _has_trees(part: Any) -> bool:
    members = _members(part)
    return bool(members) and all(hasattr(member, "tree_") for member in members)


def _is_of(name: str) -> Callable[[Any], bool]:
    return lambda part: type(part).__module__.partition(".")[0] == name


_KINDS: Iterable[tuple[Callable[[Any], bool], Callable[[Any], Iterator[Tree]]]] = (
    (
        lambda part: hasattr(part, "tree_") and hasattr(part.tree_, "children_left"),
        lambda part: iter([_tree(part.tree_)]),
    ),
    (lambda part: hasattr(part, "_predictors"), _histogram),
    (_has_trees, _forest),
    (_is_of("xgboost"), _xgboost),
    (_is_of("lightgbm"), _lightgbm),
)
"""How to tell an estimator with trees, and what returns them."""
