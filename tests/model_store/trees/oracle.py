"""Trees walked in the plainest way: row by row, tree by tree, node by node, in float64. What all kernels must equal."""

import numpy as np


def leaf_of(tree, row):
    """Return the node of a TreeArrays that a row ends in."""
    at = 0
    while tree.left[at] >= 0:
        at = int(tree.right[at] if goes_right(tree, at, float(row[tree.feature[at]])) else tree.left[at])
    return at


def goes_right(tree, at, x):
    if tree.set_number is not None and tree.set_number[at] >= 0:
        category = int(x) if 0 <= x < 255 else 255
        return bool(int(tree.sets[tree.set_number[at], category // 64]) >> category % 64 & 1)
    if np.isnan(x):
        return not tree.missing_left[at]
    return not x <= float(tree.threshold[at])


def summed(trees, rows, out):
    """Add the values of each tree to the sums, in the order of trees, in the sums' own dtype."""
    for place, row in enumerate(rows):
        for number, tree in enumerate(trees):
            values = tree.values[leaf_of(tree, row)].astype(out.dtype)
            column = number % out.shape[1]
            into = slice(column, column + 1) if len(values) == 1 else slice(None)
            out[place, into] += values


def leaves(trees, rows):
    """Return leaf numbers, counted through all trees, in each in the order of its nodes."""
    numbers, first = [], 0
    for tree in trees:
        is_leaf = tree.left < 0
        numbers.append(first + np.cumsum(is_leaf) - 1)
        first += np.count_nonzero(is_leaf)
    places = [[number[leaf_of(tree, row)] for tree, number in zip(trees, numbers, strict=True)] for row in rows]
    return np.array(places, np.int32).reshape(len(rows), len(trees))
