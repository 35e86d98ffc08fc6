"""Rows near those that an estimator compares others with: on them, next to them, and in the middle between two.

There several are equally far away, and which of them is taken depends on the last bit and on the order of the search.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.proof.splits import Setting

_ATTRIBUTES = ("_fit_X", "cluster_centers_", "centroids_")
_MOST = 4000
"""Rows that are made."""


def known_rows(part: Any) -> Array | None:
    """Return the rows that an estimator compares others with, points or centres, as (rows, columns); None without."""
    fitted = vars(part) if hasattr(part, "__dict__") else {}
    found = next((fitted[name] for name in _ATTRIBUTES if isinstance(fitted.get(name), np.ndarray)), None)
    is_table = found is not None and found.ndim == 2 and found.size and found.dtype.kind in "biuf"  # noqa: PLR2004
    return found if is_table else None


def near(known: Array, most: int, rng: np.random.Generator) -> Iterator[Setting]:
    """Yield settings of all columns for ``most`` rows at most, in equal shares on, next to and between known rows."""
    count = min(most, _MOST) // 3
    first, second = (known[rng.integers(0, len(known), count)].astype(np.float64) for _ in range(2))
    moved, columns = first.copy(), rng.integers(0, known.shape[1], count)
    rows = np.arange(count)
    moved[rows, columns] = np.nextafter(moved[rows, columns], rng.choice([-np.inf, np.inf], count))
    for row in np.concatenate((first, moved, first / 2 + second / 2)).tolist():
        yield dict(enumerate(row))
