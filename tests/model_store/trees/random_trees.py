"""Trees and rows drawn at random, made to be hard: values on thresholds and next to them, NaN, infinities, chains."""

import numpy as np

from model_store.trees.packing import TreeArrays, category_sets


def random_tree(rng, *, splits, features, width=1, deep=False, by_category=(), dtype=np.float64, pure=False):
    """Return a tree with a number of splits.

    Deep: each split but the root hangs below the last one. Pure: leaves have one of few values, as of classes.
    """
    left, right = [-1], [-1]
    leaves = [0]
    for _ in range(splits):
        at = leaves.pop(-1 if deep else rng.integers(len(leaves)))
        left[at], right[at] = len(left), len(left) + 1
        leaves += rng.permutation([left[at], right[at]]).tolist()
        left += [-1, -1]
        right += [-1, -1]
    count = len(left)
    feature = rng.integers(features, size=count)
    threshold = rng.choice([rng.normal(size=count), rng.normal(size=count).round(1)])
    threshold[rng.random(count) < 0.05] = np.inf
    categorical = np.isin(feature, by_category) & (np.array(left) >= 0)
    values = rng.choice([0.0, -0.0, 1.0], (count, width)) if pure else rng.normal(size=(count, width))
    sets = random_sets(rng, np.count_nonzero(categorical))
    return TreeArrays(
        np.array(left),
        np.array(right),
        feature,
        threshold,
        rng.random(count) < 0.5,
        values.astype(dtype),
        np.where(categorical, np.cumsum(categorical) - 1, -1) if len(by_category) else None,
        sets if len(by_category) else None,
    )


def random_sets(rng, count):
    known = rng.integers(1 << 32, size=(count, 8), dtype=np.uint64).astype(np.uint32)
    left = known & rng.integers(1 << 32, size=(count, 8), dtype=np.uint64).astype(np.uint32)
    return category_sets(left, known, rng.random(count) < 0.5)


def hard_rows(rng, trees, count, *, features, rows, by_category=()):
    """Return rows whose values stand on thresholds of the trees or one step next to them, or are special."""
    thresholds = np.concatenate([tree.threshold for tree in trees])
    table = rng.choice(thresholds, (count, features)).astype(rows)
    with np.errstate(over="ignore", under="ignore"):
        beside = np.nextafter(table, np.asarray(rng.choice([-np.inf, np.inf]), rows))
    table = np.where(rng.random(table.shape) < 0.3, beside, table)
    table = np.where(rng.random(table.shape) < 0.3, rng.normal(size=table.shape), table)
    table = np.where(rng.random(table.shape) < 0.05, rng.choice([np.nan, np.inf, -np.inf], table.shape), table)
    for column in by_category:
        table[:, column] = rng.choice([0, 1, 63, 64, 127, 200, 254, 255, 256, 1e9, -1, 0.5, np.nan], count)
    return np.ascontiguousarray(table, rows)
