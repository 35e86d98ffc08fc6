"""Estimators next to their plans: the same rows, many at a time and few, plain and hard."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from model_store.batch import Batch
from model_store.compilers.registry import compile_plan
from model_store.engines.answers import METHODS
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.plans import files
from model_store.schema import Column, Output, Schema

SIZES = (1, 2, 3, 7, 32, 33, 300)
FORMS = (("float64", "C"), ("float64", "F"), ("float32", "C"), ("float32", "F"), ("int64", "C"), ("int64", "F"))
HARD = np.array([0.0, -0.0, 5e-324, -1e-300, 1e300, -1e300, 1e17, 1.0])
_PIECES = 12

ROWS = np.random.default_rng(0).normal(size=(400, 9)) * np.geomspace(0.1, 50, 9) + np.linspace(-9, 30, 9)
_NOISE = np.random.default_rng(1).normal(size=400)
BINARY = (ROWS[:, 0] * 8 + _NOISE > ROWS[:, 0].mean() * 8).astype(int)
TEXTS = np.array(list("abcde"))[np.random.default_rng(2).integers(0, 5, 400)]
NUMBERS = ROWS @ np.linspace(-1, 1, 9) + _NOISE
SEVERAL = np.c_[NUMBERS, _NOISE - NUMBERS, NUMBERS**2]
POSITIVE = np.abs(NUMBERS) + 1


def name(value: Any) -> str:
    """Return what a case of a table is called."""
    if callable(value):
        return str(value.__name__)
    return f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else _words(str(value))


def _words(text: str) -> str:
    """Return a text on one line, without the addresses of objects, which differ from process to process."""
    return " ".join(re.sub(r" at 0x[0-9a-f]+", "", text).split())


def hard_rows(dtype: str, *, refused: bool = True) -> np.ndarray:
    """Return rows with hard values; some with NaN and infinity, unless they are not to be ``refused``."""
    if dtype == "int64":
        return np.rint(ROWS).astype(dtype)
    random = np.random.default_rng(3)
    rows = np.where(random.random(ROWS.shape) < 0.02, random.choice(HARD, ROWS.shape), ROWS)
    if refused:
        rows[17::31, 2], rows[23::43, 4], rows[29::47, 5] = np.nan, np.inf, -np.inf
    with np.errstate(over="ignore"):
        return rows.astype(dtype)


def check(estimator: Any, target: np.ndarray | None, folder: Path, rows: np.ndarray | None = None) -> None:
    """Fit an estimator on floats of both sizes and on whole numbers, and assert that its plans answer as it does."""
    for dtype, order in FORMS:
        given = ROWS if rows is None else rows
        fitted = clone(estimator).fit(np.rint(given).astype(dtype) if dtype == "int64" else given.astype(dtype), target)
        tried = hard_rows(dtype) if rows is None else given.astype(dtype)
        seen = outcomes(fitted, tried, order, folder, SIZES if order == "C" else (2, 33))
        assert set(seen) <= {"equal", "refused"}, (dtype, order, seen)
        assert seen["equal"] >= 5, (dtype, order, seen)


def schema_of(estimator: Any, rows: np.ndarray, order: str) -> Schema:
    """Return a schema of an array's columns and of every output that the estimator has for it."""
    columns = tuple(Column(f"x{i}", rows.dtype.name) for i in range(rows.shape[1]))
    return Schema("matrix", columns, tuple(_outputs(estimator, rows)), order=order)


def schema_of_table(estimator: Any, table: pd.DataFrame) -> Schema:
    """Return a schema of a DataFrame's columns and of every output that the estimator has for it."""
    columns = tuple(Column(name, table[name].dtype.name) for name in table.columns)
    return Schema("table", columns, tuple(_outputs(estimator, table)), order="F")


def _outputs(estimator: Any, rows: Any) -> Iterator[Output]:
    for method in METHODS:
        if hasattr(estimator, method):
            try:
                answer = getattr(estimator, method)(rows[:2].copy())
            except NotImplementedError:
                continue
            answer = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
            yield Output(method, "string" if answer.dtype.kind in "OU" else answer.dtype.name, answer.shape[1:])


def outcomes(estimator: Any, rows: np.ndarray, order: str, folder: Path, sizes: Sequence[int] = SIZES) -> Counter[str]:
    """Return how often a plan, written and read again, answers as its estimator: ``equal``, ``refused`` by both.

    Anything else names an output that differs. The rows are those that the estimator takes, cut into pieces.
    """
    starts = [(start, size) for size in sizes for start in range(0, min(len(rows), _PIECES * size), size)]
    pieces = (np.ascontiguousarray(rows[start : start + size]) for start, size in starts)
    batches = (Batch(len(piece), matrix=piece) for piece in pieces)
    return outcomes_of(estimator, schema_of(estimator, rows, order), batches, folder)


def outcomes_of(estimator: Any, schema: Schema, batches: Iterable[Batch], folder: Path) -> Counter[str]:
    """Return what ``outcomes`` does, of batches of a schema."""
    files.write(folder, compile_plan(estimator, schema))
    plan = files.read((folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS, mmap_mode="r"))
    engines = EstimatorEngine(estimator, schema), CompiledEngine(plan, schema)
    found: Counter[str] = Counter()
    for place, batch in enumerate(batches):
        for output in schema.outputs:
            expected, got = (_answer(engine, batch, output.name) for engine in engines)
            kind = "refused" if isinstance(got, str) else "equal"
            found[kind if expected == got else f"{output.name}, batch {place} of {batch.rows} rows: {got}"] += 1
    return found


def _answer(engine: Any, batch: Batch, output: str) -> Any:
    """Return an answer's type, shape and bytes, or the first line of the refusal."""
    try:
        with np.errstate(all="ignore"):
            answer = engine.predict(batch, [output])[output]
    except ValueError as error:
        return str(error).splitlines()[0]
    return answer.dtype.name, answer.shape, answer.tolist() if answer.dtype == object else answer.tobytes()
