"""Tables next to the plans of the estimators fitted to them: as pandas holds them, and rows that are harder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Batch, batch_of, take
from model_store.capture.inference import infer
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.engine import Engine
from model_store.engines.estimator import EstimatorEngine
from model_store.plans import files
from model_store.schema import Column, Schema

ROWS = 320
SIZES = (1, 7, 32, 300)
_RANDOM = np.random.default_rng(5)
CITIES = ("Bern", "Rome", "Oslo", "", "Reykjavík", "007", "nan", "None", " Bern")
UNSEEN = ("Paris", "bern", "Bern ", "東京", "1.0")
HARD = (0.0, -0.0, 1e300, -1e-300, 5e-324, 2.0**53 + 2, 1e17)
TARGET = _RANDOM.normal(size=ROWS)
CLASSES = np.array(["low", "mid", "high"])[_RANDOM.integers(0, 3, ROWS)]
BINARY = TARGET > 0


def texts(*, gaps: Any = False, values: Sequence[str] = CITIES) -> list[Any]:
    """Return texts, with ``gaps`` in place of some of them unless it is False."""
    found: list[Any] = _RANDOM.choice(values, ROWS).tolist()
    return [gaps if gaps is not False and i % 6 == 1 else value for i, value in enumerate(found)]


def numbers(*, gaps: bool = False) -> np.ndarray:
    """Return floats, with NaN for some of them if there are ``gaps``."""
    made = _RANDOM.normal(size=ROWS) * 10
    return np.where(np.arange(ROWS) % 7 == 3, np.nan, made) if gaps else made


def frame() -> pd.DataFrame:
    """Return a table with a column of each common kind."""
    return pd.DataFrame(
        {
            "age": numbers(gaps=True),
            "city": pd.Series(texts(gaps=np.nan), dtype="str"),
            "rooms": _RANDOM.integers(-3, 9, ROWS),
            "street": pd.Series(texts(gaps=None), dtype=object),
            "price": numbers(),
            "owner": _RANDOM.random(ROWS) > 0.5,
            "grade": pd.Categorical(texts(gaps=None, values=("a", "b", "c")), categories=["c", "b", "a", "z"]),
            "small": numbers().astype("float32"),
            "few": _RANDOM.integers(0, 4, ROWS).astype("int8"),
        }
    )


def harder(schema: Schema, batch: Batch, *, gaps: bool, seed: int = 0) -> Batch:
    """Return the batch with unseen texts, hard numbers and, where the schema takes them, gaps in places."""
    random = np.random.default_rng(seed)
    columns = [batch.column(schema, i) for i in range(len(schema.columns))]
    return batch_of(schema, [_harder(c, v, random, gaps=gaps) for c, v in zip(schema.columns, columns, strict=True)])


def _harder(column: Column, values: np.ndarray, random: np.random.Generator, *, gaps: bool) -> np.ndarray:
    made, places = values.copy(), random.random(len(values)) < 0.1
    if column.dtype == "string":
        made[places] = random.choice(UNSEEN, int(places.sum())).tolist()
    elif column.dtype == "float64":
        made[places] = random.choice(HARD, int(places.sum()))
    elif column.dtype == "int64" and made.dtype != object:
        made[places] = random.choice([0, -1, 99, 2**40], int(places.sum()))
    if gaps and column.nullable:
        made = made.astype(made.dtype if made.dtype.kind == "f" else object)
        made[random.random(len(values)) < 0.15] = np.nan if made.dtype.kind == "f" else None
    return made


def plan_of(estimator: Any, schema: Schema, folder: Path) -> CompiledEngine:
    """Return the engine of an estimator's plan, which has been written and read back."""
    files.write(folder, compile_plan(estimator, schema))
    plan = files.read((folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS, mmap_mode="r"))
    return CompiledEngine(plan, schema)


def outcomes(
    estimator: Any, sample: Any, folder: Path, sizes: Sequence[int] = SIZES, pieces: int = 5, *, floats: bool = False
) -> Counter[str]:
    """Return how often a plan answers as its estimator, ``equal``, and refuses as it does, ``refused``.

    Anything else names an output that differs. The rows are those of the sample, and harder ones, so many ``pieces`` of
    each size. ``floats`` lets both engines take whole numbers with gaps as floats.
    """
    found = infer(estimator, sample)
    schema, given = found.schema, found.batch
    engines = EstimatorEngine(estimator, schema), plan_of(estimator, schema, folder)
    for engine in engines if floats else ():
        few = take(given, np.arange(8))
        engine.compare_floats(few, engines[0].predict(few, [output.name for output in schema.outputs]))
    seen: Counter[str] = Counter()
    for batch in (given, harder(schema, given, gaps=False), harder(schema, given, gaps=True)):
        for size in sizes:
            for start in range(0, min(batch.rows - size + 1, pieces * size), size):
                piece = take(batch, np.arange(start, start + size))
                for output in schema.outputs:
                    own, ours = (_answer(engine, piece, output.name) for engine in engines)
                    kind = "refused" if isinstance(ours, str) else "equal"
                    seen[kind if own == ours else f"{output.name}, {size} rows from {start}: {ours!s:.90}"] += 1
    return seen


def _answer(engine: Engine, batch: Batch, output: str) -> Any:
    """Return an answer's type, shape and bytes, or the first line of the refusal, without the values that it names."""
    try:
        with np.errstate(all="ignore"):
            answer = engine.predict(batch, [output])[output]
    except ValueError as error:
        head, _, tail = str(error).splitlines()[0].partition("[")
        return head + tail.rpartition("]")[2]
    return answer.dtype.name, answer.shape, answer.tolist() if answer.dtype == object else answer.tobytes()
