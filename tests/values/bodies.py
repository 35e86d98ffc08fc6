"""Rows as clients write them, from what their owner has in hand: one function a body format.

What a format cannot say of the rows (text that is not there, in CSV), no client can send in it: ``CannotBeWritten``.
"""

import io
import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from model_store.codecs import tensors
from model_store.codecs.media_types import ARROW_STREAM, CSV, PARQUET
from model_store.schema import Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.openinference.infer import HEADER_LENGTH, INFER
from service.dialects.openinference.metadata import datatype_of
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.wire import JSON, WireRequest


class CannotBeWritten(Exception):
    """No client can write such rows in the format; the message says why."""


def as_frame(rows) -> pd.DataFrame:
    """Return rows as the table that a client has: arrays with numbered columns, texts in one column."""
    if isinstance(rows, pd.DataFrame):
        return rows
    if hasattr(rows, "to_pandas"):
        return rows.to_pandas()
    if hasattr(rows, "toarray"):
        rows = rows.toarray()
    if isinstance(rows, pd.Series):
        return rows.to_frame()
    array = rows if isinstance(rows, np.ndarray) else pd.Series(rows, dtype=object)
    return pd.DataFrame(array)


def plain(value):
    """Return a value as JSON says it: null where nothing is there, ISO 8601 for dates, times and durations."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, np.datetime64):
        return plain(pd.Timestamp(value))
    if isinstance(value, np.timedelta64):
        return plain(pd.Timedelta(value))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (str, bool, int)) else float(value)


def listed(series: pd.Series) -> list:
    """Return a column's values as JSON says them."""
    return [plain(value) for value in series]


def json_records(rows, schema: Schema):
    frame = as_frame(rows)
    columns = [listed(frame.iloc[:, i]) for i in range(frame.shape[1])]
    lines = zip(*columns, strict=True)
    if isinstance(rows, pd.DataFrame) or schema.layout == "table":
        names = _names(frame, schema)
        document = {"dataframe_records": [dict(zip(names, line, strict=True)) for line in lines]}
    else:
        document = {"instances": [line[0] for line in lines] if schema.layout == "series" else list(map(list, lines))}
    return INVOCATIONS, WireRequest(_json(document), {"content-type": JSON})


def json_columns(rows, schema: Schema):
    frame = as_frame(rows)
    columns = [listed(frame.iloc[:, i]) for i in range(frame.shape[1])]
    if schema.layout == "table" and len(columns) > 1:
        document = {"inputs": dict(zip(_names(frame, schema), columns, strict=True))}
    else:
        document = {"inputs": columns[0] if len(columns) == 1 else list(map(list, zip(*columns, strict=True)))}
    return PREDICT, WireRequest(_json(document), {"content-type": JSON})


def csv(rows, schema: Schema):
    frame = as_frame(rows)
    for i in range(frame.shape[1]):
        if any(isinstance(value, str) and value == "" for value in frame.iloc[:, i]):
            raise CannotBeWritten("an empty field is a missing value, and no empty text")
    return INVOCATIONS, WireRequest(frame.to_csv(index=False).encode(), {"content-type": CSV})


def arrow_stream(rows, schema: Schema):
    table = _table(rows)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return INVOCATIONS, WireRequest(sink.getvalue(), {"content-type": ARROW_STREAM})


def parquet(rows, schema: Schema):
    sink = io.BytesIO()
    try:
        pq.write_table(_table(rows), sink)
    except pa.ArrowException as error:
        raise CannotBeWritten(str(error)) from error
    return INVOCATIONS, WireRequest(sink.getvalue(), {"content-type": PARQUET})


def binary_tensors(rows, schema: Schema):
    """Write a tensor for each column, or one for a whole matrix: binary where nothing is missing, else as JSON."""
    frame = as_frame(rows)
    heads, tails = [], []
    for head, tail in _tensors(rows, frame, schema):
        heads.append(head)
        tails.append(tail)
    head = _json({"inputs": heads})
    return INFER, WireRequest(head + b"".join(tails), {HEADER_LENGTH.lower(): str(len(head))})


FORMATS = {
    "JSON records": json_records,
    "JSON columns": json_columns,
    "CSV": csv,
    "Arrow": arrow_stream,
    "Parquet": parquet,
    "tensors": binary_tensors,
}


def _names(frame, schema):
    """Return the columns' names, those that the model made up if its rows have none."""
    numbered = list(frame.columns) == list(range(frame.shape[1]))
    return list(schema.names) if numbered and schema.layout != "table" else list(map(str, frame.columns))


def _json(document) -> bytes:
    try:
        return json.dumps(document, allow_nan=False).encode()
    except ValueError as error:
        raise CannotBeWritten("JSON has no infinity") from error


def _table(rows):
    frame = as_frame(rows)
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise CannotBeWritten(str(error)) from error


def _tensors(rows, frame, schema: Schema) -> Iterator[tuple[dict, bytes]]:
    if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind in "fiub":
        yield _binary("input", np.ascontiguousarray(rows))
        return
    for i, name in enumerate(_names(frame, schema)):
        series = frame.iloc[:, i]
        datatype = datatype_of(next((c.dtype for c in schema.columns if c.name == name), "string"))
        values = listed(series)
        if datatype != "BYTES" and isinstance(series.dtype, np.dtype) and series.dtype.kind in "fiub":
            head, tail = _binary(name, series.to_numpy())
            yield {**head, "shape": [len(values)]}, tail
        elif datatype == "BYTES" and None not in values and all(isinstance(value, str) for value in values):
            tail = tensors.write("BYTES", np.array(values, dtype=object))
            yield _head(name, "BYTES", [len(values)], {"parameters": {"binary_data_size": len(tail)}}), tail
        else:
            yield _head(name, datatype, [len(values)], {"data": values}), b""


def _binary(name, array):
    datatype = next(known for known, dtype in tensors.DTYPES.items() if dtype == array.dtype)
    tail = tensors.write(datatype, array)
    return _head(name, datatype, list(array.shape), {"parameters": {"binary_data_size": len(tail)}}), tail


def _head(name, datatype, shape, values):
    return {"name": name, "datatype": datatype, "shape": shape, **values}
