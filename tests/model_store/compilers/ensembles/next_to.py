"""Estimators next to their plans: the same rows, drawn and hard ones, many at a time and few."""

import warnings
from dataclasses import replace

import numpy as np

from model_store.batch import Batch, take
from model_store.capture.inference import infer
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.plans import files

SIZES = (300, 32, 7, 1)
SPECIAL = (np.nan, np.inf, -np.inf, 1e39, -1e39, 0.0, -0.0, 1e-40, 3.4028235677973366e38, 255.0, -0.5, 1.5)


def drawn(count=300, features=5):
    """Return a generator, rows of rounded numbers, so that some stand on splits, and a target."""
    rng = np.random.default_rng(0)
    rows = np.round(rng.normal(size=(count, features)), 2)
    return rng, rows, rows[:, 0] + np.sin(3 * rows[:, 1]) + rng.normal(scale=0.3, size=count)


def classes(target, names=(0, 1, 2)):
    """Return a target cut into classes of one size."""
    return np.asarray(names)[np.digitize(target, np.quantile(target, np.linspace(0, 1, len(names) + 1)[1:-1]))]


def differences(estimator, sample, rows, folder, order="C"):
    """Return where a plan, written and read again, answers in other bits than its estimator, or refuses otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = replace(infer(estimator, sample).schema, order=order)
        measure, engine = EstimatorEngine(estimator, schema), planned(estimator, schema, folder)
        return [
            f"{output.name} of {batch.rows} rows, {number}th batch: {told}"
            for number, batch in enumerate(_batches(rows))
            for output in schema.outputs
            if (told := _difference(*(_answer(each, batch, output.name) for each in (measure, engine))))
        ]


def planned(estimator, schema, folder):
    files.write(folder, compile_plan(estimator, schema))
    plan = files.read((folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS, mmap_mode="r"))
    return CompiledEngine(plan, schema)


def _batches(rows):
    batch = rows if isinstance(rows, Batch) else Batch(len(rows), matrix=np.ascontiguousarray(rows))
    for size in SIZES:
        for start in range(0, min(batch.rows, 16 * size), size):
            yield take(batch, np.arange(start, min(start + size, batch.rows)))


def _answer(engine, batch, output):
    try:
        return engine.predict(batch, [output])[output]
    except ValueError as error:
        return str(error).splitlines()[0]


def _difference(expected, got):
    if isinstance(expected, str) or isinstance(got, str):
        same = isinstance(expected, str) and isinstance(got, str) and expected == got
        return "" if same else f"expected {expected}, got {got}"
    if (expected.dtype, expected.shape) != (got.dtype, got.shape):
        return f"expected {expected.dtype} {expected.shape}, got {got.dtype} {got.shape}"
    same = expected.tolist() == got.tolist() if expected.dtype == object else expected.tobytes() == got.tobytes()
    return "" if same else f"expected {expected}, got {got}"


def on_thresholds(thresholds, rows, rng, count=400):
    """Return rows that stand on a tree's splits, or one float32 or float64 to a side of them.

    ``thresholds`` are pairs of a feature and a threshold.
    """
    made = rows[rng.integers(len(rows), size=count)].astype(np.float64)
    for row in made:
        for place in rng.integers(len(thresholds), size=2 if thresholds else 0):
            feature, threshold = thresholds[place]
            row[feature] = rng.choice(_near(threshold))
    with np.errstate(over="ignore", invalid="ignore"):
        return made.astype(rows.dtype)


def _near(threshold):
    wide, narrow = np.float64(threshold), np.float32(threshold)
    return [
        wide,
        np.nextafter(wide, np.inf),
        np.nextafter(wide, -np.inf),
        np.float64(narrow),
        np.float64(np.nextafter(narrow, np.float32(np.inf))),
        np.float64(np.nextafter(narrow, np.float32(-np.inf))),
    ]


def with_specials(rows, rng, count=60):
    """Return rows with NaN, infinities and other special numbers in them."""
    made = rows[rng.integers(len(rows), size=count)].copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for row in made:
            row[rng.integers(len(row))] = np.asarray(rng.choice(SPECIAL)).astype(rows.dtype)
    return made


def hard(rows, thresholds, rng):
    """Return rows as they are, some that stand on splits, and some with special numbers."""
    return np.concatenate([rows, on_thresholds(thresholds, rows, rng), with_specials(rows, rng)])


def thresholds_of(trees):
    """Return the splits of ``sklearn.tree._tree.Tree`` as pairs of a feature and a threshold."""
    return [(f, t) for tree in trees for f, t in zip(tree.feature, tree.threshold, strict=True) if f >= 0]
