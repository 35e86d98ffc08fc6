"""What a model costs in process: compiled next to the estimator's own `predict`, CPU time, other rows at every call.

``MILLRACE_EXTENSION=OFF`` measures what a machine without the C extension gets.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store.batch import Batch, take
from model_store.capture.inference import infer
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.extension.loader import kernels

SIZES = (1, 32, 1000)
ROUNDS = 15
_CALLS = {1: 40, 32: 20, 1000: 3}
_ROWS = 8000


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted estimator and rows that it takes, and how many times less it has to cost compiled, by ``SIZES``."""

    words: str
    estimator: Any
    rows: Any
    least: tuple[float, float, float]
    least_without: tuple[float, float, float] | None = None


def lines() -> Iterator[str]:
    """Yield a table, a line for each model and number of rows, as they are measured."""
    has_extension = kernels() is not None
    yield f"the C extension is {'there' if has_extension else 'not there'}"
    yield f"{'':<52}{'rows':>6}{'predict µs':>12}{'compiled µs':>13}{'ratio':>8}{'wanted':>8}"
    for model in models():
        wanted = model.least if has_extension else model.least_without
        yield from _lines(model, wanted or (1.0, 1.0, 1.0))


def models() -> Iterator[Model]:
    """Yield the models that targets are set for."""
    random = np.random.default_rng(0)
    x = random.normal(size=(_ROWS, 20))
    target = x[:, :5].sum(axis=1) + random.normal(size=_ROWS)
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(x[:2000], target[:2000] > 0)
    yield Model("random forest of 100 trees", forest, x, (150, 20, 3.5), (40, 4, 1.2))
    boosting = HistGradientBoostingRegressor(random_state=0).fit(x[:2000], target[:2000])
    yield Model("histogram gradient boosting, 100 trees", boosting, x, (100, 20, 5))
    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[:, :13], target > 0)
    yield Model("scaler and logistic regression", logistic, np.ascontiguousarray(x[:, :13]), (25, 25, 3.5))
    frame = _frame(x, random)
    yield Model("columns, one-hot and logistic regression", _mixed(frame, target > 0), frame, (200, 100, 8))


def _frame(x: Any, random: np.random.Generator) -> pd.DataFrame:
    numbers = {f"n{i}": np.where(random.random(len(x)) < 0.05, np.nan, x[:, i]) for i in range(6)}
    words = np.array([f"word {i}" for i in range(12)], dtype=object)
    return pd.DataFrame(numbers | {f"c{i}": words[random.integers(0, 12, len(x))] for i in range(3)})


def _mixed(frame: pd.DataFrame, target: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("n", numbers, list(frame.columns[:6])), ("c", words, list(frame.columns[6:]))])
    return make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame, target)


def _lines(model: Model, wanted: Sequence[float]) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = infer(model.estimator, model.rows)
    engine = CompiledEngine(compile_plan(model.estimator, found.schema), found.schema)
    for size, least in zip(SIZES, wanted, strict=True):
        plain, compiled = _pair(model, engine, found.batch, size)
        yield (
            f"{model.words:<52}{size:>6}{plain:>12.1f}{compiled:>13.1f}{plain / compiled:>8.1f}{least:>8g}"
            f"{'' if plain / compiled >= least else '  too slow'}"
        )


def _pair(model: Model, engine: CompiledEngine, batch: Batch, size: int) -> tuple[float, float]:
    """Return the medians of CPU µs for one call, of both ways in turn."""
    places = [np.arange(start, start + size) for start in range(0, _ROWS - size + 1, max(size, _ROWS // 100))]
    given = [model.rows.iloc[p] if isinstance(model.rows, pd.DataFrame) else model.rows[p] for p in places]
    batches = [take(batch, p) for p in places]
    plain, compiled = [], []
    for turn in range(ROUNDS):
        plain.append(_microseconds(model.estimator.predict, given, turn, size))
        compiled.append(_microseconds(lambda one: engine.predict(one, ("predict",)), batches, turn, size))
    return median(plain), median(compiled)


def _microseconds(call: Callable[[Any], Any], items: Sequence[Any], turn: int, size: int) -> float:
    calls = _CALLS[size]
    start = time.process_time()
    for i in range(calls):
        call(items[(turn * calls + i) % len(items)])
    return (time.process_time() - start) / calls * 1e6
