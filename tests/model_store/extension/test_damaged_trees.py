"""What the extension refuses when trees are made, and that a sanitizer sees nothing in what it lets through."""

import ast
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from model_store.extension import source
from model_store.trees import nodes
from model_store.trees.fallback import Fallback
from model_store.trees.packing import pack
from tests.model_store.extension import damaging, damaging_trees
from tests.model_store.extension.sanitizing import sanitized
from tests.model_store.trees.random_trees import random_tree


def narrow():
    return pack([random_tree(np.random.default_rng(1), splits=5, features=4) for _ in range(3)], features=4), False


def wide():
    trees = [random_tree(np.random.default_rng(1), splits=9, features=4, by_category=(0, 1)) for _ in range(3)]
    return pack(trees, features=4, rows="float64"), True


def node(field, place, value):
    """Return what sets a field of a node."""

    def change(arrays):
        kind = nodes.NARROW if arrays["nodes"].shape[1] == 1 else nodes.WIDE
        arrays["nodes"].view(kind)[place, 0][field] = value

    return change


def number(name, place, value):
    """Return what sets one number of an array."""

    def change(arrays):
        arrays[name][place] = value

    return change


def array(name, make):
    """Return what puts another array in an array's place."""

    def change(arrays):
        arrays[name] = make(arrays[name])

    return change


def misaligned_copy(given):
    moved = np.empty(given.nbytes + 8, np.uint8)[4 : given.nbytes + 4].view(given.dtype).reshape(given.shape)
    moved[:] = given
    return moved


LEFT = nodes.NARROW_MISSING_LEFT
NARROW_DAMAGE = {
    "a child that is no node of the tree": node("link", 0, LEFT | 11),
    "a second child that is no node of the tree": node("link", 0, LEFT | 10),
    "a child in front of its parent": node("link", 1, LEFT | 0),
    "a feature that rows do not have": node("link", 0, LEFT | 4 << nodes.NARROW_FEATURE | 1),
    "a threshold that is NaN": node("threshold", 0, np.nan),
    "a leaf with a threshold": node("threshold", 10, 1.0),
    "first nodes that do not begin at 0": number("starts", 0, 1),
    "first nodes out of order": number("starts", 1, 22),
    "last nodes that are not there": number("starts", 3, 34),
    "first values that are negative": number("firsts", 1, -1),
    "first values that are not there": number("firsts", 2, 1000),
    "values that are too few": array("values", lambda values: values[:-1].copy()),
    "first values for too few trees": array("firsts", lambda firsts: firsts[:-1].copy()),
    "no trees": array("starts", lambda starts: starts[:1].copy()),
    "nodes of another dtype": array("nodes", lambda given: given.view(np.int64)),
    "nodes of another width": array("nodes", lambda given: np.repeat(given, 3, axis=1)),
    "nodes of one dimension": array("nodes", np.ravel),
    "nodes that are not contiguous": array("nodes", lambda given: np.repeat(given, 2, axis=1)[:, ::2]),
    "nodes that are not aligned": array("nodes", misaligned_copy),
    "values of whole numbers": array("values", lambda values: values.astype(np.int64)),
    "more values than columns": array("values", lambda values: np.repeat(values, 2, axis=1)),
    "starts of another dtype": array("starts", lambda starts: starts.astype(np.int32)),
    "sets for rows of float32": array("sets", lambda _: np.zeros((1, 4), np.uint64)),
}
WIDE_DAMAGE = {
    "a set that is not there": array("sets", lambda sets: sets[:1].copy()),
    "sets of another width": array("sets", lambda sets: sets.reshape(-1, 2)),
    "a feature that rows do not have": node("link", 0, 1 << 29),
    "a leaf by category": node("link", -1, nodes.WIDE_CATEGORICAL | nodes.WIDE_MISSING_LEFT),
    "a leaf that sends missing values right": node("link", -1, 0),
    "a child far away": node("child", 0, 0xFFFFFFFF),
}


@pytest.mark.parametrize(
    ("make", "damage"),
    [*((narrow, damage) for damage in NARROW_DAMAGE.values()), *((wide, damage) for damage in WIDE_DAMAGE.values())],
    ids=[*(f"narrow, {name}" for name in NARROW_DAMAGE), *(f"wide, {name}" for name in WIDE_DAMAGE)],
)
def test_each_kind_of_damage_is_refused(kernels, make, damage):
    arrays, float64 = make()
    settings = {"features": 4, "columns": 1, "float64": float64}
    rows = np.zeros((1, 4), "float64" if float64 else "float32")
    assert (
        damaging_trees.tried(kernels, {name: array.copy() for name, array in arrays.items()}, settings, rows)
        != "refused"
    )
    damage(arrays)
    assert damaging_trees.tried(kernels, arrays, settings, rows) == "refused"


def test_arrays_that_somebody_may_change_are_refused(kernels):
    for name in ("nodes", "starts", "firsts", "values", "sets"):
        arrays, float64 = narrow()
        for other in arrays.keys() - {name}:
            arrays[other].flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            kernels.Trees(**arrays, features=4, columns=1, float64=float64)


def test_arrays_stay_as_long_as_the_trees(kernels):
    arrays, float64 = narrow()
    for array in arrays.values():
        array.flags.writeable = False
    trees = kernels.Trees(**arrays, features=4, columns=1, float64=float64)
    kept = {name: sys.getrefcount(array) for name, array in arrays.items()}
    del trees
    assert {name: sys.getrefcount(array) + 1 for name, array in arrays.items()} == kept


def test_damage_at_random_is_refused_or_harmless(kernels):
    counts = damaging.counted(kernels, damaging_trees, 500)
    assert counts[True] + counts[False] == 5000
    assert min(counts[True], counts[False]) > 1000


def of_fallback(*, features, columns, float64, **arrays):
    """Make the fallback as the extension's Trees are made."""
    return Fallback(arrays, features, columns, "float64" if float64 else "float32")


def test_the_fallback_refuses_what_the_extension_refuses_and_answers_the_same(kernels):
    rng, counts, fallback = np.random.default_rng(2), Counter(), SimpleNamespace(Trees=of_fallback)
    for _ in range(300):
        arrays, settings, rows = damaging_trees.made(rng)
        arrays, settings = damaging_trees.damaged(rng, arrays, settings)
        outcome = damaging_trees.tried(kernels, arrays, settings, rows)
        assert damaging_trees.tried(fallback, arrays, settings, rows) == outcome
        counts[outcome == "refused"] += 1
    assert min(counts[True], counts[False]) > 50


def test_a_sanitizer_sees_nothing_while_damaged_trees_are_walked(tmp_path, sanitizer):
    told = sanitized(tmp_path, sanitizer, "trees")
    assert told.returncode == 0, told.stderr
    assert sum(ast.literal_eval(told.stdout).values()) == 3000


@pytest.mark.parametrize(
    "check",
    [
        "if (feature >= features) return wrong(\"a node's feature is not one of the rows'\", at);",
        'if (number >= values) return wrong("a leaf has values that are not there", at);',
    ],
)
def test_the_sanitizer_sees_a_kernel_that_leaves_a_check_out(tmp_path, sanitizer, check):
    assert check in (source.FOLDER / "kernels.c").read_text()
    told = sanitized(tmp_path, sanitizer, "trees", lambda text: text.replace(check, ""))
    assert told.returncode != 0
    assert "AddressSanitizer" in told.stderr
