"""scikit-learn's trees: which side a gap takes at each split, and whether gaps at fitting decided it.

Where a node saw no gap, scikit-learn sends later ones to the child with more rows. A node that sends them elsewhere, or
that only parts gaps from values, saw some.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.capture.learned.places import Gaps, Places, gaps_at

_Flags = npt.NDArray[np.bool_]


def tree_gaps(part: Any, places: Places) -> Gaps:
    """Return the columns in which a tree, or HistGradientBoosting, was fitted with gaps."""
    if hasattr(getattr(part, "tree_", None), "missing_go_to_left"):
        return gaps_at(places, _splits_on_gaps(part.tree_))
    if hasattr(part, "_predictors") and hasattr(part, "_bin_mapper"):
        return _in_boosted_trees(part, places)
    return {}


def _splits_on_gaps(tree: Any) -> list[int]:
    inner = np.flatnonzero(tree.children_left >= 0)
    rows = tree.n_node_samples
    larger_left = rows[tree.children_left[inner]] > rows[tree.children_right[inner]]
    learned = _learned(tree.missing_go_to_left[inner], larger_left, tree.threshold[inner])
    return np.unique(tree.feature[inner][learned]).tolist()  # type: ignore[no-any-return]


def _in_boosted_trees(part: Any, places: Places) -> Gaps:
    """Read HistGradientBoosting, which puts its category columns first if it tells them by the DataFrame's dtype."""
    encoder = getattr(part, "_preprocessor", None)
    if encoder is not None:
        picked = encoder._transformer_to_input_indices  # noqa: SLF001 - nothing public says it by place
        order = [i for name, _, _ in encoder.transformers_ for i in picked.get(name, ())]
        places = tuple(places[i] for i in order if i < len(places))
    found: Gaps = {}
    for nodes in _boosted_splits(part):
        found |= gaps_at(places, nodes)
    return found


def _boosted_splits(part: Any) -> Iterator[list[int]]:
    for predictor in (tree for trees in part._predictors for tree in trees):  # noqa: SLF001 - the fitted trees
        nodes = predictor.nodes
        inner = nodes[nodes["is_leaf"] == 0]
        larger_left = nodes["count"][inner["left"]] > nodes["count"][inner["right"]]
        learned = _learned(inner["missing_go_to_left"], larger_left, inner["num_threshold"])
        yield np.unique(inner["feature_idx"][learned]).tolist()


def _learned(go_left: npt.NDArray[Any], larger_left: _Flags, threshold: npt.NDArray[Any]) -> _Flags:
    learned: _Flags = (go_left.astype(bool) != larger_left) | ~np.isfinite(threshold)
    return learned
