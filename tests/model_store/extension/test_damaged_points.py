"""What the extension refuses when points are made and searched, and that a sanitizer sees nothing in the rest."""

import ast
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neighbors import BallTree, KDTree

from model_store.extension import source
from model_store.nearest.fallback import Fallback
from model_store.nearest.metrics import METRICS
from model_store.nearest.packing import pack
from tests.model_store.extension import damaging, damaging_points
from tests.model_store.extension.sanitizing import sanitized

POINTS = np.random.default_rng(1).normal(size=(50, 3))
SETTINGS = {"metric": 0, "power": 2.0, "first": 0}


def arrays_of(kind=KDTree):
    arrays, _ = pack(kind(POINTS, leaf_size=5))
    return {name: array.copy() for name, array in arrays.items()}


def range_of(node, start, stop):
    def change(arrays):
        arrays["ranges"][node] = start, stop

    return change


def array(name, make):
    def change(arrays):
        arrays[name] = make(arrays[name])

    return change


DAMAGE = {
    "children that are not there": range_of(-1, -1, -1),
    "points that are not there": range_of(-1, 45, 51),
    "points that end before they begin": range_of(-1, 45, 44),
    "no points": array("points", lambda points: points[:0].copy()),
    "points of fewer columns": array("points", lambda points: points[:, :2].copy()),
    "points of float32": array("points", lambda points: points.astype(np.float32)),
    "points that are turned": array("points", np.asfortranarray),
    "ranges of three numbers": array("ranges", lambda ranges: np.repeat(ranges, 2, axis=1)[:, :3].copy()),
    "ranges of int32": array("ranges", lambda ranges: ranges.astype(np.int32)),
    "ranges of fewer nodes": array("ranges", lambda ranges: ranges[:-1].copy()),
    "no nodes": array("ranges", lambda ranges: ranges[:0].copy()),
    "bounds of fewer nodes": array("bounds", lambda bounds: bounds[:, :-1].copy()),
    "bounds of three corners": array("bounds", lambda bounds: np.repeat(bounds, 2, axis=0)[:3].copy()),
    "bounds of two dimensions": array("bounds", lambda bounds: bounds[0].copy()),
    "radii of boxes": array("radii", lambda radii: np.zeros(1)),
    "balls without radii": array("bounds", lambda bounds: bounds[:1].copy()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_kind_of_damage_is_refused(kernels, damage):
    arrays, rows = arrays_of(), POINTS[:5]
    assert damaging_points.tried(kernels, arrays_of(), SETTINGS, rows) != "refused"
    DAMAGE[damage](arrays)
    assert damaging_points.tried(kernels, arrays, SETTINGS, rows) == "refused"
    assert damaging_points.tried(FALLBACK, arrays, SETTINGS, rows) == "refused"


@pytest.mark.parametrize(
    ("name", "value"),
    [("metric", -1), ("metric", 4), ("power", 0.0), ("power", np.nan), ("power", np.inf), ("first", 50), ("first", -1)],
)
def test_settings_that_are_none_are_refused(kernels, name, value):
    assert damaging_points.tried(kernels, arrays_of(), {**SETTINGS, name: value}, POINTS[:5]) == "refused"


def test_arrays_that_somebody_may_change_are_refused(kernels):
    for name in ("points", "ranges", "bounds", "radii"):
        arrays = arrays_of(BallTree)
        for other in arrays.keys() - {name}:
            arrays[other].flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            kernels.Points(**arrays, **SETTINGS)


def searched(kernels, rows, distances, places):
    arrays = arrays_of()
    for each in arrays.values():
        each.flags.writeable = False
    kernels.Points(**arrays, **SETTINGS).search(rows, distances, places)


@pytest.mark.parametrize(
    ("rows", "distances", "places"),
    [
        (np.zeros((2, 4)), np.zeros((2, 5)), np.zeros((2, 5), int)),
        (np.zeros((2, 3), "float32"), np.zeros((2, 5)), np.zeros((2, 5), int)),
        (np.zeros(3), np.zeros((2, 5)), np.zeros((2, 5), int)),
        (np.zeros((2, 3)), np.zeros((1, 5)), np.zeros((2, 5), int)),
        (np.zeros((2, 3)), np.zeros((2, 5)), np.zeros((2, 4), int)),
        (np.zeros((2, 3)), np.zeros((2, 5)), np.zeros((2, 5), "int32")),
        (np.zeros((2, 3)), np.zeros((2, 5), int), np.zeros((2, 5), int)),
        (np.zeros((2, 3)), np.zeros((2, 51)), np.zeros((2, 51), int)),
        (np.zeros((2, 3)), np.zeros((2, 0)), np.zeros((2, 0), int)),
    ],
)
def test_rows_and_answers_of_another_form_are_refused(kernels, rows, distances, places):
    with pytest.raises(ValueError, match=r"ha(s|ve) to be|there are 50 points|have to have"):
        searched(kernels, rows, distances, places)


def test_arrays_stay_as_long_as_the_points(kernels):
    arrays = arrays_of(BallTree)
    for each in arrays.values():
        each.flags.writeable = False
    points = kernels.Points(**arrays, **SETTINGS)
    kept = {name: sys.getrefcount(each) for name, each in arrays.items()}
    del points
    assert {name: sys.getrefcount(each) + 1 for name, each in arrays.items()} == kept


def test_damage_at_random_is_refused_or_harmless(kernels):
    counts = damaging.counted(kernels, damaging_points, 500)
    assert counts[True] + counts[False] == 5000
    assert min(counts[True], counts[False]) > 1000


def of_fallback(*, metric, power, first, **arrays):
    """Make the fallback as the extension's Points are made."""
    if not 0 <= metric < len(METRICS):
        raise ValueError(metric)
    return Fallback(arrays, METRICS[metric], power, first)


FALLBACK = SimpleNamespace(Points=of_fallback)


def test_the_fallback_refuses_the_same_damage_to_arrays(kernels):
    rng, counts = np.random.default_rng(2), Counter()
    for _ in range(300):
        arrays, settings, rows = damaging_points.made(rng)
        arrays, settings = damaging_points.damaged(rng, arrays, settings)
        refused = [damaging_points.tried(each, arrays, settings, rows) == "refused" for each in (kernels, FALLBACK)]
        assert refused[0] == refused[1]
        counts[refused[0]] += 1
    assert min(counts[True], counts[False]) > 50


def test_a_sanitizer_sees_nothing_while_damaged_points_are_searched(tmp_path, sanitizer):
    told = sanitized(tmp_path, sanitizer, "points")
    assert told.returncode == 0, told.stderr
    assert sum(ast.literal_eval(told.stdout).values()) == 3000


@pytest.mark.parametrize(
    ("check", "without"),
    [
        ("stop <= (int64_t)points->count", "1"),
        ("2 * node + 2 < points->nodes", "1"),
    ],
)
def test_the_sanitizer_sees_a_kernel_that_leaves_a_check_out(tmp_path, sanitizer, check, without):
    assert check in (source.FOLDER / "points.h").read_text()
    told = sanitized(tmp_path, sanitizer, "points", lambda text: text.replace(check, without))
    assert told.returncode != 0
    assert "AddressSanitizer" in told.stderr
