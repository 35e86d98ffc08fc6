"""Packed trees against the plainest walk there is, to the last bit, by the extension and by its fallback."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_store.trees.packing import pack, rounded_down
from model_store.trees.trees import Trees
from tests.model_store.trees import oracle
from tests.model_store.trees.random_trees import hard_rows, random_tree

SHAPES = {
    "narrow": {"features": 7, "rows": "float32"},
    "wide because of features": {"features": 600, "rows": "float32"},
    "wide because of float64": {"features": 7, "rows": "float64"},
    "by category": {"features": 7, "rows": "float64", "by_category": (0, 3)},
}


pytestmark = pytest.mark.usefixtures("by")


def made(trees, *, features, rows, columns=1, by_category=()):
    return Trees(pack(trees, features=features, rows=rows), features=features, columns=columns, rows=rows)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("width", "columns"), [(1, 1), (1, 3), (4, 4)])
@pytest.mark.parametrize("pure", [False, True], ids=["leaves of any value", "few values"])
def test_sums_and_leaves_are_those_of_a_plain_walk(shape, width, columns, pure):
    rng = np.random.default_rng(1)
    tree = {name: value for name, value in shape.items() if name != "rows"}
    for count in (1, 2, 15, 16, 17, 33, 60):
        trees = [
            random_tree(rng, splits=rng.integers(30), width=width, pure=pure, **tree)
            for _ in range(rng.integers(1, 36))
        ]
        walked = made(trees, columns=columns, **shape)
        rows = hard_rows(rng, trees, count, **shape)
        expected = rng.normal(size=(count, columns))
        given = expected.copy()
        oracle.summed(trees, rows, expected)
        walked.sum(rows, given)
        assert given.tobytes() == expected.tobytes()
        assert walked.values[walked.leaves(rows)].tobytes() == oracle.reached(trees, rows).tobytes()


def test_many_rows_are_walked_in_blocks():
    rng = np.random.default_rng(2)
    trees = [random_tree(rng, splits=20, features=150) for _ in range(3)]
    walked = made(trees, features=150, rows="float32")
    rows = hard_rows(rng, trees, 3000, features=150, rows="float32")
    expected, given = np.zeros((3000, 1)), np.zeros((3000, 1))
    oracle.summed(trees, rows, expected)
    walked.sum(rows, given)
    assert given.tobytes() == expected.tobytes()


@pytest.mark.parametrize("rows", ["float32", "float64"])
def test_a_tree_as_deep_as_it_has_splits_is_walked_to_its_end(rows):
    rng = np.random.default_rng(3)
    trees = [random_tree(rng, splits=3000, features=3, deep=True)]
    walked = made(trees, features=3, rows=rows)
    table = hard_rows(rng, trees, 50, features=3, rows=rows)
    assert walked.values[walked.leaves(table)].tobytes() == oracle.reached(trees, table).tobytes()


@pytest.mark.parametrize(("values", "sums"), [("float32", "float32"), ("float32", "float64"), ("float64", "float64")])
@pytest.mark.parametrize("count", [1, 5, 400])
def test_sums_are_added_in_their_own_dtype(values, sums, count):
    rng = np.random.default_rng(4)
    trees = [random_tree(rng, splits=5, features=2, dtype=values) for _ in range(50)]
    walked = made(trees, features=2, rows="float32")
    rows = hard_rows(rng, trees, count, features=2, rows="float32")
    expected, given = np.zeros((count, 1), sums), np.zeros((count, 1), sums)
    oracle.summed(trees, rows, expected)
    walked.sum(rows, given)
    assert given.tobytes() == expected.tobytes()


def test_a_threshold_is_rounded_to_the_float32_that_is_not_above_it():
    rng = np.random.default_rng(5)
    thresholds = np.concatenate((rng.normal(size=2000), [1e300, -1e300, np.inf, 1e-50, -1e-50, 0.0, -0.0, 0.1]))
    down = rounded_down(thresholds)
    with np.errstate(over="ignore", under="ignore"):
        near = np.concatenate([np.nextafter(down, towards) for towards in np.float32([-np.inf, 0, np.inf])] + [down])
    for x in near[np.isfinite(near)]:
        assert np.array_equal(x <= down, np.float64(x) <= thresholds)


def test_no_rows_are_no_sums():
    trees = [random_tree(np.random.default_rng(6), splits=3, features=2)]
    walked = made(trees, features=2, rows="float32")
    out = np.zeros((0, 1))
    walked.sum(np.zeros((0, 2), np.float32), out)
    assert walked.leaves(np.zeros((0, 2), np.float32)).shape == (0, 1)


WRONG_ROWS = {
    "dtype": lambda rows: rows.astype(np.float64),
    "columns": lambda rows: np.ascontiguousarray(rows[:, :1]),
    "order": np.asfortranarray,
    "dimensions": np.ravel,
    "byte order": lambda rows: rows.astype(">f4"),
}


@pytest.mark.parametrize("wrong", WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_rows_that_do_not_fit_are_refused(wrong):
    trees = [random_tree(np.random.default_rng(7), splits=3, features=2)]
    walked = made(trees, features=2, rows="float32")
    with pytest.raises(ValueError, match="rows"):
        walked.sum(wrong(np.zeros((5, 2), np.float32)), np.zeros((5, 1)))


WRONG_OUTS = {
    "rows": np.zeros((4, 1)),
    "columns": np.zeros((5, 2)),
    "dtype": np.zeros((5, 1), np.float32),
    "order": np.zeros((1, 10)).T[::2],
    "read-only": np.broadcast_to(0.0, (5, 1)),
}


@pytest.mark.parametrize("out", WRONG_OUTS.values(), ids=WRONG_OUTS)
def test_sums_that_do_not_fit_are_refused(out):
    trees = [random_tree(np.random.default_rng(8), splits=3, features=2)]
    walked = made(trees, features=2, rows="float32")
    with pytest.raises(ValueError, match="out"):
        walked.sum(np.zeros((5, 2), np.float32), out)


def test_equal_leaves_share_their_values_if_that_halves_them():
    rng = np.random.default_rng(9)
    pure = [random_tree(rng, splits=100, features=2, width=2, pure=True) for _ in range(3)]
    mixed = [random_tree(rng, splits=100, features=2, width=2) for _ in range(3)]
    assert len(pack(pure, features=2)["values"]) == 9
    assert len(pack(mixed, features=2)["values"]) == 303


def test_threads_that_share_trees_get_the_same_sums():
    rng = np.random.default_rng(10)
    trees = [random_tree(rng, splits=200, features=5) for _ in range(20)]
    walked = made(trees, features=5, rows="float32")
    rows = hard_rows(rng, trees, 2000, features=5, rows="float32")
    alone = np.zeros((2000, 1))
    walked.sum(rows, alone)

    def summed(_):
        sums = np.zeros((2000, 1))
        walked.sum(rows, sums)
        return sums.tobytes()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(summed, range(40))) == {alone.tobytes()}
