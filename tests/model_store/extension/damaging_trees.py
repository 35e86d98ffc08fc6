"""Packed trees damaged at random: each is refused, or walked without touching memory that is not its own."""

import numpy as np

from model_store.trees.packing import pack
from tests.model_store.extension.damaging import change_a_byte, copied, of_another_length, seal
from tests.model_store.trees.random_trees import hard_rows, random_tree

SHAPES = (
    {"features": 5, "rows": "float32"},
    {"features": 600, "rows": "float32"},
    {"features": 5, "rows": "float64"},
    {"features": 5, "rows": "float64", "by_category": (0, 3)},
)
ROWS = 40


def made(rng):
    """Return arrays of trees, what else makes Trees of them, and rows."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    tree = {name: value for name, value in shape.items() if name != "rows"}
    width = int(rng.integers(1, 4))
    trees = [random_tree(rng, splits=rng.integers(12), width=width, **tree) for _ in range(rng.integers(1, 6))]
    arrays = pack(trees, features=shape["features"], rows=shape["rows"])
    settings = {"features": shape["features"], "columns": width, "float64": shape["rows"] == "float64"}
    return arrays, settings, hard_rows(rng, trees, ROWS, **shape)


def damaged(rng, arrays, settings):
    """Return the same with one thing changed: a bit, a byte, a whole number, a length, or a setting."""
    arrays, settings = copied(arrays, settings)
    name = rng.choice([name for name in arrays if name != "values"])
    flat = arrays[name].reshape(-1)
    how = rng.integers(6)
    if how < 2 and flat.size:
        arrays[name] = of_another_length(rng, arrays[name])
    elif how == 2:
        changed = rng.choice(["features", "columns"])
        settings[changed] = max(0, settings[changed] + int(rng.choice([-1, 1])))
    elif how == 3 and flat.size:
        change_a_byte(rng, flat)
    elif how == 4 and flat.size:
        parts, steps = flat.view(np.uint32), np.array([1, 2, -1, -2, 1 << 22, 1 << 23, 1 << 31])
        place = rng.integers(len(parts))
        parts[place : place + 1] += rng.choice(steps).astype(np.uint32)
    elif flat.size:
        flat.view(np.uint8)[rng.integers(flat.nbytes)] ^= np.uint8(1 << rng.integers(8))
    return arrays, settings


def tried(kernels, arrays, settings, rows):
    """Return "refused", or what was answered: the bytes of leaves and of sums, or what is wrong with them."""
    seal(arrays)
    try:
        trees = kernels.Trees(**arrays, **settings)
    except ValueError:
        return "refused"
    rows = np.ascontiguousarray(np.resize(rows, (ROWS, settings["features"])))
    reached, sums = np.full((ROWS, len(arrays["starts"]) - 1), -1, np.int32), np.zeros((ROWS, settings["columns"]))
    trees.leaves(rows, reached)
    trees.sum(rows, sums)
    assert 0 <= reached.min() <= reached.max() < len(arrays["values"])
    return reached.tobytes() + sums.tobytes()


def turned_down(kernels, rng, arrays, settings, rows):
    return tried(kernels, *damaged(rng, arrays, settings), rows) == "refused"
