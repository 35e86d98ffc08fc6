"""Sample rows, from files or callers, laid out as a DataFrame, a 2-D array, or a 1-D array of texts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from model_store.batch import Array
from model_store.capture.sample import csv_rows
from model_store.capture.sample.csv_rows import CsvRows
from model_store.errors import BadSample

Rows = pd.DataFrame | Array


def read(path: Path) -> Rows | CsvRows:
    """Return rows from ``.csv``, ``.parquet``, ``.npy`` or ``.json``. Raises BadSample.

    CSV stays text, because the model tells what it is. JSON is a list of objects (a row each), a list of
    lists, a list of scalars or strings (one column), or an object of equally long lists (a column each).
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BadSample(f"sample rows come from .csv, .parquet, .npy or .json files, not from {path.name!r}")
    try:
        return laid_out(reader(path))
    except BadSample:
        raise
    except FileNotFoundError as error:
        raise BadSample(f"no sample rows at {path}") from error
    except Exception as error:  # parsers of four formats raise anything
        text = " ".join(str(error).split())[:300]
        raise BadSample(f"sample rows cannot be read from {path}: {text}") from error


def laid_out(sample: Any) -> Rows | CsvRows:
    """Return a DataFrame, a 2-D array, a 1-D object array of texts, or the text of CSV from what a caller has.

    Raises BadSample.
    """
    rows = sample if isinstance(sample, CsvRows) else _laid_out(sample)
    if not len(rows):
        raise BadSample("the sample has no rows: the schema and the golden answers are read from them")
    if isinstance(rows, CsvRows):
        return rows
    if rows.ndim == 2 and not rows.shape[1]:  # noqa: PLR2004 - rows and columns
        raise BadSample("the sample has no columns")
    return rows


def is_foreign_frame(sample: Any) -> bool:
    """Return whether it is a DataFrame of Polars, or of another library, that can become one of pandas.

    Arrow's tables are none: estimators do not take them, so they stand for the frame that they become.
    """
    arrow = isinstance(sample, (pa.Table, pa.RecordBatch))
    return hasattr(sample, "to_pandas") and hasattr(sample, "columns") and not arrow


def _laid_out(sample: Any) -> Rows:
    if isinstance(sample, pd.DataFrame):
        return sample
    if isinstance(sample, pd.Series):
        return sample.to_frame() if sample.name is not None else _array(sample.to_numpy())
    if is_foreign_frame(sample) or isinstance(sample, (pa.Table, pa.RecordBatch)):
        return pd.DataFrame(sample.to_pandas())
    if hasattr(sample, "toarray"):
        return np.asarray(sample.toarray())
    if isinstance(sample, (list, tuple)) and sample and all(isinstance(row, dict) for row in sample):
        return pd.DataFrame.from_records(list(sample))
    if isinstance(sample, (np.ndarray, list, tuple)) or hasattr(sample, "__array__"):
        return _array(sample)
    raise BadSample(f"sample rows are a DataFrame, an array or a list, not {type(sample).__name__}")


def _array(sample: Any) -> Array:
    try:
        array = np.asarray(sample)
    except ValueError as error:
        raise BadSample(
            "the sample's rows are not equally long: each row has a value for each column, and lists of labels cannot "
            "be served as rows"
        ) from error
    if array.dtype.names:
        raise BadSample("the sample is a structured array: make a DataFrame of it, pd.DataFrame(sample)")
    if array.dtype.kind in "US" and not isinstance(sample, np.ndarray):
        array = np.asarray(sample, dtype=object)  # NumPy would make strings of the numbers next to them
    if array.dtype.kind in "US":
        array = array.astype(str).astype(object)
    if array.ndim == 1:
        return array if array.dtype.kind == "O" else array.reshape(-1, 1)
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise BadSample(f"the sample has {array.ndim} dimensions: expected rows and columns")
    return array


def _csv(path: Path) -> CsvRows:
    return csv_rows.read(path.read_bytes())


def _npy(path: Path) -> Array:
    return np.asarray(np.load(path, allow_pickle=False))


def _json(path: Path) -> Any:
    document = json.loads(path.read_bytes())
    if isinstance(document, dict):
        return pd.DataFrame(document)
    if not isinstance(document, list):
        raise BadSample("a JSON sample is a list of rows or an object of columns")
    return document


_READERS: Mapping[str, Callable[[Path], Any]] = {
    ".csv": _csv,
    ".parquet": pd.read_parquet,
    ".npy": _npy,
    ".json": _json,
}
