"""Packed points damaged at random: each is refused, or searched without touching memory that is not its own."""

import numpy as np

from model_store.nearest.metrics import METRICS
from tests.model_store.extension.damaging import change_a_byte, copied, of_another_length, seal

ROWS = 12
COLUMNS = 3


def made(rng):
    """Return arrays of points, what else makes Points of them, and rows."""
    count, levels, corners = int(rng.integers(1, 60)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    ranges = np.full((2**levels - 1, 2), -1)
    leaves = 2 ** (levels - 1)
    ends = np.concatenate(([0], np.sort(rng.integers(0, count + 1, leaves - 1)), [count]))
    ranges[-leaves:] = np.stack([ends[:-1], ends[1:]], axis=1)
    arrays = {
        "points": np.round(rng.normal(size=(count, COLUMNS)), 1),
        "ranges": ranges,
        "bounds": np.sort(np.round(rng.normal(size=(corners, len(ranges), COLUMNS)), 1), axis=0),
        "radii": rng.random(len(ranges) if corners == 1 else 0),
    }
    settings = {"metric": int(rng.integers(len(METRICS))), "power": 3.0, "first": int(rng.integers(count))}
    return arrays, settings, np.round(rng.normal(size=(ROWS, COLUMNS)), 1)


def damaged(rng, arrays, settings):
    """Return the same with one thing changed: a byte, a whole number, a length, or a setting."""
    arrays, settings = copied(arrays, settings)
    name = rng.choice(list(arrays))
    flat, how = arrays[name].reshape(-1), rng.integers(5)
    if how < 2 and flat.size:
        arrays[name] = of_another_length(rng, arrays[name])
    elif how == 2:
        changed = rng.choice(["metric", "power", "first"])
        settings[changed] = type(settings[changed])(settings[changed] + rng.choice([-3, -1, 1, 60]))
    elif how == 3 and flat.size:
        change_a_byte(rng, flat)
    elif len(arrays["ranges"]):
        ranges = arrays["ranges"].reshape(-1)
        ranges[rng.integers(len(ranges))] += int(rng.choice([1, -1, 7, -60, 1 << 40]))
    return arrays, settings


def tried(kernels, arrays, settings, rows):
    """Return "refused", or what was answered: the bytes of distances and of places, or what is wrong with them."""
    seal(arrays)
    try:
        points = kernels.Points(**arrays, **settings)
    except ValueError:
        return "refused"
    count = len(arrays["points"])
    shape = ROWS, min(count, 20)
    distances, places = np.zeros(shape), np.full(shape, -1)
    points.search(np.ascontiguousarray(np.resize(rows, (ROWS, arrays["points"].shape[1]))), distances, places)
    assert 0 <= places.min() <= places.max() < count
    return distances.tobytes() + places.tobytes()


def turned_down(kernels, rng, arrays, settings, rows):
    return tried(kernels, *damaged(rng, arrays, settings), rows) == "refused"
