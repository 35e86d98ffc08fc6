"""Smaller forms of fitted trees: fewer of them, pruned ones, and leaves of fewer digits."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.estimators import parts

Change = Callable[[Any], bool]
"""Changes one part of an estimator, if it is of the kind; returns whether it did."""

_SHARES = (0.75, 0.5, 0.25, 0.1)
_QUANTILES = (0.25, 0.5, 0.75, 0.9)
_PRECISIONS = ("float32", "float16")
_ENSEMBLES = frozenset(
    {
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
    }
)
_HISTOGRAMS = frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"})


@dataclass(frozen=True, slots=True)
class Variant:
    """A smaller form: which kind it is of, what it is called, and how each part of an estimator becomes it."""

    kind: str
    name: str
    change: Change

    def of(self, estimator: Any) -> Any | None:
        """Return a changed copy of the estimator, which stays as it is; None if it has no part to change."""
        made = copy.deepcopy(estimator)
        changed = [self.change(part) for part in list(parts(made))]
        return made if any(changed) else None


def variants() -> Iterator[Variant]:
    """Yield all variants, the least changed of each kind first."""
    for share in _SHARES:
        yield Variant("trees", f"{share:.0%} of the trees", partial(_fewer, share))
    for quantile in _QUANTILES:
        yield Variant("pruning", f"pruned at quantile {quantile:g}", partial(_prune, quantile))
    for precision in _PRECISIONS:
        yield Variant("leaves", f"leaves in {precision}", partial(_round, np.dtype(precision)))


def _fewer(share: float, part: Any) -> bool:
    """Keep the first trees of an ensemble: the first stages of boosting, any of a forest's."""
    if _is(part, _HISTOGRAMS):
        part._predictors = _first(part._predictors, share)  # noqa: SLF001 - that is where scikit-learn has the trees
        return True
    if not _is(part, _ENSEMBLES):
        return False
    part.estimators_ = _first(part.estimators_, share)
    if hasattr(part, "n_estimators_"):
        part.n_estimators_ = len(part.estimators_)
    part.n_estimators = len(part.estimators_)
    return True


def _first(trees: Any, share: float) -> Any:
    return trees[: max(1, round(share * len(trees)))]


def _prune(quantile: float, part: Any) -> bool:
    """Prune a tree by minimal cost and complexity: the higher the quantile of its weakest links, the smaller it is."""
    if not hasattr(part, "tree_") or not hasattr(part, "_prune_tree") or part.tree_.node_count < 3:  # noqa: PLR2004
        return False
    from sklearn.tree._tree import ccp_pruning_path

    alphas = ccp_pruning_path(part.tree_)["ccp_alphas"]
    given, part.ccp_alpha = part.ccp_alpha, float(np.quantile(alphas, quantile, method="lower"))
    part._prune_tree()  # noqa: SLF001 - scikit-learn prunes only while it fits
    part.ccp_alpha = given
    return True


def _round(dtype: np.dtype[Any], part: Any) -> bool:
    """Round the leaves' values to a shorter type, as which many of them are equal and are stored once."""
    if _is(part, _HISTOGRAMS):
        for stage in part._predictors:  # noqa: SLF001
            for tree in stage:
                tree.nodes["value"] = _rounded(tree.nodes["value"], dtype)
        return True
    if not hasattr(part, "tree_"):
        return False
    part.tree_.value[...] = _rounded(part.tree_.value, dtype)
    return True


def _rounded(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values rounded to a type, but those as they are that would become infinite."""
    with np.errstate(over="ignore"):
        short: Array = values.astype(dtype).astype(values.dtype)
    return np.where(np.isfinite(short), short, values)


def _is(part: Any, names: frozenset[str]) -> bool:
    return type(part).__name__ in names and type(part).__module__.startswith("sklearn.ensemble")
