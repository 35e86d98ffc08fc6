"""From a sample's columns to a schema's, each with its values. ``model_store.held`` goes the other way."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array
from model_store.capture.columns.reading import Read
from model_store.capture.columns.typed import read_column
from model_store.capture.sample.samples import Rows
from model_store.errors import BadSample
from model_store.schema import Column, Layout


def read_columns(layout: Layout, rows: Rows) -> tuple[tuple[Column, ...], list[Array]]:
    """Return a sample's columns and the values of each, as a batch holds them. Raises BadSample."""
    frame = _frame_of(layout, rows)
    if len(set(map(str, frame.columns))) != frame.shape[1]:
        raise BadSample("two columns of the sample have the same name")
    read = [_labelled(label, series) for label, series in frame.items()]
    return tuple(column for column, _ in read), [values for _, values in read]


def _frame_of(layout: Layout, rows: Rows) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        if layout != "matrix":
            return rows
        return pd.DataFrame(np.asarray(rows), columns=[str(name) for name in rows.columns])
    if layout == "series":
        return pd.DataFrame({"text": pd.Series(rows, dtype=object)})
    names = [f"x{i}" for i in range(rows.shape[1])]
    return pd.DataFrame({name: pd.Series(rows[:, i], dtype=rows.dtype) for i, name in enumerate(names)})


def _labelled(label: Any, series: "pd.Series[Any]") -> Read:
    column, values = read_column(str(label), series)
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return replace(column, label=int(label)), values
    return column, values
