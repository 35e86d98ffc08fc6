"""The formats that rows may come in: sample rows, written as clients write them and read back as requests are."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from model_store.batch import Array, Batch, estimator_input, take
from model_store.codecs import arrow, csv, json, parquet, tensors
from model_store.missing import gaps
from model_store.schema import NUMBERS, Column, Schema
from model_store.validation.columns import from_columns
from model_store.validation.rows import from_records


@dataclass(frozen=True, slots=True)
class Format:
    """One format: ``carries`` tells which of a column's values it can say, ``through`` writes and reads rows."""

    name: str
    through: Callable[[Schema, Batch], Batch]
    carries: Callable[[Column, Array], Array]


def carried(form: Format, schema: Schema, batch: Batch) -> Array:
    """Return the indices of the rows that the format can say."""
    said = [form.carries(column, batch.column(schema, i)) for i, column in enumerate(schema.columns)]
    return np.flatnonzero(np.all(said, axis=0))


def _json(schema: Schema, batch: Batch) -> Batch:
    written = [_written(column, batch.column(schema, i)) for i, column in enumerate(schema.columns)]
    records = [dict(zip(schema.names, row, strict=True)) for row in zip(*written, strict=True)]
    return from_records(schema, json.loads(json.dumps(records)))


def _csv(schema: Schema, batch: Batch) -> Batch:
    body = _frame(schema, batch).to_csv(index=False, lineterminator="\r\n").encode()  # pandas quotes what is in it
    return from_columns(schema, csv.read_columns(body, schema))


def _arrow(schema: Schema, batch: Batch) -> Batch:
    table = pa.Table.from_pandas(_frame(schema, batch), preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return from_columns(schema, arrow.read_columns(sink.getvalue().to_pybytes(), schema))


def _parquet(schema: Schema, batch: Batch) -> Batch:
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(_frame(schema, batch), preserve_index=False), body)
    return from_columns(schema, parquet.read_columns(body.getvalue(), schema))


def _tensors(schema: Schema, batch: Batch) -> Batch:
    columns = {c.name: _tensor(c, batch.column(schema, i)) for i, c in enumerate(schema.columns)}
    return from_columns(schema, columns)


def _tensor(column: Column, values: Array) -> Any:
    datatype = _DATATYPES.get(column.dtype)
    if datatype is None:
        raw = tensors.write("BYTES", np.array(_written(column, values), dtype=object))
        return [text.decode() for text in tensors.read("BYTES", memoryview(raw), len(values), column.name)]
    raw = tensors.write(datatype, values)
    return tensors.read(datatype, memoryview(raw), len(values), column.name)


def _frame(schema: Schema, batch: Batch) -> pd.DataFrame:
    frame: pd.DataFrame = estimator_input(replace(schema, layout="table"), batch)
    frame.columns = pd.Index(schema.names)
    return frame


def _written(column: Column, values: Array) -> list[Any]:
    """Return values as a client writes them in JSON: times as ISO 8601, None for what is missing."""
    if values.dtype.kind == "m":
        made: list[Any] = [None if pd.isna(value) else value.isoformat() for value in pd.TimedeltaIndex(values)]
    elif values.dtype.kind == "M":
        offset = "+00:00" if column.zone else ""
        made = [f"{text}{offset}" for text in values.astype(str).tolist()]
    else:
        made = values.tolist()
    return [None if gone else value for value, gone in zip(made, gaps(values), strict=True)]


def _finite(_column: Column, values: Array) -> Array:
    """Return where a request may say the value: infinity is none that a model is asked about."""
    return ~np.isinf(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)


def _in_csv(column: Column, values: Array) -> Array:
    """Return where CSV says the value: an empty text and a missing one are the same to it."""
    if column.dtype != "string":
        return _finite(column, values)
    return np.fromiter((value != "" for value in values.tolist()), bool, len(values))


def _in_tensors(column: Column, values: Array) -> Array:
    """Return where a binary tensor says the value: it has no null but NaN."""
    return _finite(column, values) if values.dtype.kind == "f" else ~gaps(values)


_DATATYPES: Mapping[str, str] = {
    **{dtype.name: name for name, dtype in tensors.DTYPES.items() if dtype.name in {*NUMBERS, "bool"}},
}
FORMATS = (
    Format("JSON", _json, _finite),
    Format("CSV", _csv, _in_csv),
    Format("Arrow", _arrow, _finite),
    Format("Parquet", _parquet, _finite),
    Format("binary tensors", _tensors, _in_tensors),
)


def some(schema: Schema, batch: Batch, cells: int) -> Batch:
    """Return the first rows of a batch, as many as have about so many cells, but one at least."""
    return take(batch, np.arange(min(batch.rows, max(1, cells // max(1, len(schema.columns))))))
