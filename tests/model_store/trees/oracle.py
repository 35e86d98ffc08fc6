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


def reached(trees, rows):
    """Return the values of the leaf that each row ends in in each tree, of shape (rows, trees, columns)."""
    return np.array([[tree.values[leaf_of(tree, row)] for tree in trees] for row in rows])
