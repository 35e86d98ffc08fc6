"""MLflow's scoring protocol: tables, records or tensors as JSON, and whole tables as CSV, Parquet, Arrow or .npy.

``params.predict_method`` in a JSON body, or the query parameter ``predict_method`` with any body, names the model's
output, or several of them. Rows are counted from 0 in faults.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from model_store.batch import Array, Batch
from model_store.codecs import csv, json, json_numbers, json_rows, npy
from model_store.codecs.media_types import ARROW_FILE, ARROW_STREAM, CSV, NPY, PARQUET
from model_store.codecs.placing import places
from model_store.request_errors import Fault, InvalidInput, MalformedRequest, refuse
from model_store.schema import Schema
from model_store.validation.bounds import announced_rows, check_rows
from model_store.validation.columns import from_columns, from_matrix
from model_store.validation.rows import from_records, from_rows
from model_store.validation.words import show
from service.dialects.dialect import ONE_INPUT
from service.errors import UnknownOutput, UnsupportedMediaType
from service.wire import JSON, Call, PredictionResult, WireRequest, WireResponse, default_outputs

JSON_FIELDS = ("dataframe_split", "dataframe_records", "instances", "inputs")
METHOD = "predict_method"

_ROWS = json_numbers.opening("instances", "inputs", "data")

Form = str
"""The media type of an answer."""


class Invocations:
    """The one verb of the protocol, ``/invocations``."""

    dialect = "mlflow"

    def check(self, request: WireRequest) -> None:
        """Raise UnsupportedMediaType or MalformedRequest if no model could take the body."""
        if _media_type(request.headers.get("content-type")) == JSON:
            _chosen_field(_document(request))

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows by the body's media type; see the module for how outputs are named.

        Raises UnsupportedMediaType, MalformedRequest, PayloadTooLarge and InvalidInput.
        """
        media_type = _media_type(request.headers.get("content-type"))
        methods = _methods_in_query(request.query)
        if media_type == JSON:
            document, numbers = _of_numbers(schema, request) or (_document(request), None)
            methods = _methods_in_params(document.get("params")) or methods
            batch = numbers or _json_batch(schema, document, request.max_rows)
        else:
            batch = _BODIES[media_type](schema, request.body, request.max_rows)
        if batch.rows == 0:
            raise _no_rows()
        return Call(batch, _known(schema, methods), _acceptable(request.headers.get("accept") or JSON))

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write the predictions in the first form of those accepted that can hold them; JSON always can."""
        outputs = {name: answered.outputs[name] for name in call.outputs}
        for form in call.context:
            body = _FORMS[form](answered, outputs)
            if body is not None:
                return WireResponse(body, form)
        return WireResponse(_as_json(answered, outputs) or b"")


INVOCATIONS = Invocations()


@lru_cache(maxsize=64)
def _media_type(header: str | None) -> str:
    """Return the body's media type.

    Raises UnsupportedMediaType for one that is not served, or with other parameters.
    """
    kind, *parameters = (part.strip() for part in (header or "").split(";"))
    kind = kind.lower()
    if kind != JSON and kind not in _BODIES:
        supported = ", ".join((JSON, *_BODIES))
        raise UnsupportedMediaType(f"This predictor only supports the content types {supported}. Got {kind[:80]!r}.")
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name.strip().lower() != "charset":
            raise UnsupportedMediaType(
                f"Unrecognized content type parameter {name.strip()[:40]!r}: only charset is known"
            )
        if value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType("The scoring server only supports UTF-8")
    return kind


def _document(request: WireRequest) -> dict[str, Any]:
    document = json.loads(request.body, max_rows=request.max_rows)
    if isinstance(document, list):
        raise MalformedRequest(f"{_EXACTLY_ONE} Received a list.")
    if not isinstance(document, dict):
        raise MalformedRequest(f"{_EXACTLY_ONE} Received {show(document)}.")
    return document


_EXACTLY_ONE = f"The input must be a JSON dictionary with exactly one of the input fields {', '.join(JSON_FIELDS)}."


def _of_numbers(schema: Schema, request: WireRequest) -> tuple[Mapping[str, Any], Batch] | None:
    """Return the document and the batch of a large body with rows of nothing but numbers.

    None if a closer look is needed.
    """
    found = json_numbers.read_rows(request.body, _ROWS, schema, request.max_rows)
    if found is None or not _is_whole_batch(schema, found.value, len(found.array)):
        return None
    return found.value, Batch(len(found.array), matrix=found.array)


def _is_whole_batch(schema: Schema, document: Mapping[str, Any], rows: int) -> bool:
    """Return whether the only field of a document is so many rows of numbers, by the model's columns."""
    present = [name for name in JSON_FIELDS if name in document]
    if len(present) != 1:
        return False
    given = document[present[0]]
    if present[0] == "dataframe_split":
        return isinstance(given, dict) and _is_whole_split(schema, given, rows)
    return present[0] != "dataframe_records" and json_numbers.stands_for_numbers(given)


def _is_whole_split(schema: Schema, split: Mapping[str, Any], rows: int) -> bool:
    columns, index = split.get("columns"), split.get("index")
    if split.keys() - {"columns", "index", "data"} or not json_numbers.stands_for_numbers(split.get("data")):
        return False
    if index is not None and (not isinstance(index, list) or len(index) != rows):
        return False
    return schema.layout != "table" if columns is None else columns == list(schema.names)


def _chosen_field(document: Mapping[str, Any]) -> str:
    present = [name for name in JSON_FIELDS if name in document]
    if len(present) != 1:
        raise MalformedRequest(f"{_EXACTLY_ONE} Received {', '.join(present) or 'none of them'}.")
    return present[0]


def _json_batch(schema: Schema, document: Mapping[str, Any], max_rows: int) -> Batch:
    chosen = _chosen_field(document)
    given = document[chosen]
    table = given.get("data") if chosen == "dataframe_split" and isinstance(given, dict) else given
    check_rows(announced_rows(table), max_rows)
    return _READERS[chosen](schema, given)


def _split(schema: Schema, split: Any) -> Batch:
    if not isinstance(split, dict):
        raise MalformedRequest(f"Dataframe split format must be a dictionary. Got {show(split)}.")
    if "data" not in split or split.keys() - {"columns", "index", "data"}:
        raise MalformedRequest(
            "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields"
        )
    rows = _list(split["data"], "dataframe_split.data")
    _check_index(split.get("index"), len(rows))
    order = _split_order(schema, split.get("columns"))
    if order is None:
        return from_rows(schema, rows)
    return from_rows(schema, _reordered(rows, len(split["columns"]), order))


def _check_index(index: Any, rows: int) -> None:
    """Raise InvalidInput if there is an index that does not name each row. What it has is not looked at."""
    if index is not None and (not isinstance(index, list) or len(index) != rows):
        wanted = f"a list of {rows} names, one for each row of dataframe_split.data, or none at all"
        raise InvalidInput.of(Fault("dataframe_split.index", wanted, show(index)))


def _split_order(schema: Schema, columns: Any) -> list[int | None] | None:
    """Return where each of the model's columns stands in a row, or None if rows are as the model's.

    An optional column that was left out stands nowhere: None. Raises MalformedRequest.
    """
    if columns is None and schema.layout != "table":
        return None
    if not isinstance(columns, list) or not all(isinstance(name, str | int) for name in columns):
        raise MalformedRequest(
            "dataframe_split.columns must be a list of column names: this model's columns have names"
        )
    names = [str(name) for name in columns]
    if tuple(names) == schema.names:
        return None
    found = places(schema, names)
    return [found.get(name) for name in schema.names]


def _reordered(rows: Sequence[Any], width: int, order: Sequence[int | None]) -> list[list[Any]]:
    if width == 1 and not any(isinstance(row, list) for row in rows):
        rows = [[value] for value in rows]
    wrong = (i for i, row in enumerate(rows) if not isinstance(row, list) or len(row) != width)
    wanted = f"a list of {width} values, as dataframe_split.columns has"
    refuse(Fault(f"row {i}", wanted, show(rows[i])) for i in wrong)
    return [[None if place is None else row[place] for place in order] for row in rows]


def _records(schema: Schema, records: Any) -> Batch:
    if not isinstance(records, list):
        got = "dictionary" if isinstance(records, dict) else show(records)
        raise MalformedRequest(f"Dataframe records format must be a list of records. Got {got}.")
    return _by_name(schema, records, "dataframe_records")


def _instances(schema: Schema, instances: Any) -> Batch:
    return _by_row(schema, _list(instances, "instances"), "instances")


def _inputs(schema: Schema, inputs: Any) -> Batch:
    if isinstance(inputs, dict):
        return _by_column(schema, inputs)
    return _by_row(schema, _list(inputs if isinstance(inputs, list) else [inputs], "inputs"), "inputs")


def _by_row(schema: Schema, rows: list[Any], field: str) -> Batch:
    if rows and all(_is_whole_row(schema, row) for row in rows):
        tensor = [row[ONE_INPUT] for row in rows]
        return from_rows(schema, tensor, lambda row, column: f"{field}[{row}].{ONE_INPUT}[{column}]")
    if rows and isinstance(rows[0], dict):
        return _by_name(schema, rows, field)
    names = schema.names
    lone = len(names) == 1 and not any(isinstance(row, list) for row in rows)
    return from_rows(schema, rows, lambda row, column: f"{field}[{row}]" if lone else f"{field}[{row}][{column}]")


def _is_whole_row(schema: Schema, value: Any) -> bool:
    """Return whether an object has all columns of a model that has no table as the one tensor that it takes."""
    return (
        schema.layout != "table"
        and type(value) is dict
        and value.keys() == {ONE_INPUT}
        and ONE_INPUT not in schema.names
    )


def _by_name(schema: Schema, records: list[Any], field: str) -> Batch:
    names = schema.names
    return from_records(schema, records, lambda row, column: f"{field}[{row}].{names[column]}")


def _by_column(schema: Schema, columns: Mapping[str, Any]) -> Batch:
    if _is_whole_row(schema, columns):
        return _by_row(schema, _list(columns[ONE_INPUT], f"inputs.{ONE_INPUT}"), f"inputs.{ONE_INPUT}")
    places(schema, list(columns))
    names = schema.names
    lists = {name: value if isinstance(value, list) else [value] for name, value in columns.items() if name in names}
    return from_columns(schema, lists, lambda row, column: f"inputs.{names[column]}[{row}]")


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedRequest(f"{name} must be a list. Got {show(value)}.")
    if not value:
        raise _no_rows()
    return value


def _no_rows() -> InvalidInput:
    return InvalidInput("The input holds no rows", [Fault("input", "at least one row", "none")])


_READERS: Mapping[str, Callable[[Schema, Any], Batch]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


def _from_columns(read: Callable[[bytes, Schema, int], Mapping[str, Any]]) -> Callable[[Schema, bytes, int], Batch]:
    return lambda schema, body, max_rows: from_columns(schema, read(body, schema, max_rows))


def _arrow(body: bytes, schema: Schema, max_rows: int) -> Mapping[str, Any]:
    from model_store.codecs import arrow  # here: pyarrow, which no other body needs

    return arrow.read_columns(body, schema, max_rows)


def _parquet(body: bytes, schema: Schema, max_rows: int) -> Mapping[str, Any]:
    from model_store.codecs import parquet  # here: pyarrow, which no other body needs

    return parquet.read_columns(body, schema, max_rows)


def _npy(schema: Schema, body: bytes, max_rows: int) -> Batch:
    matrix = npy.read_matrix(body)
    check_rows(len(matrix), max_rows)
    return from_matrix(schema, matrix)


_BODIES: Mapping[str, Callable[[Schema, bytes, int], Batch]] = {
    CSV: _from_columns(csv.read_columns),
    PARQUET: _from_columns(_parquet),
    ARROW_STREAM: _from_columns(_arrow),
    ARROW_FILE: _from_columns(_arrow),
    NPY: _npy,
}


def _methods_in_params(params: Any) -> tuple[str, ...]:
    if params is not None and not isinstance(params, dict):
        raise MalformedRequest(f"Invalid parameters found: params must be a dictionary. Got {show(params)}.")
    method = (params or {}).get(METHOD)
    methods = method if isinstance(method, list) else [] if method is None else [method]
    if not all(isinstance(name, str) for name in methods):
        raise MalformedRequest(f"Invalid parameters found: params.{METHOD} must be a string or a list of strings")
    return tuple(methods)


def _methods_in_query(query: str) -> tuple[str, ...]:
    if METHOD not in query:
        return ()
    try:
        return tuple(parse_qs(query, max_num_fields=100).get(METHOD, ()))
    except ValueError:
        raise MalformedRequest("The query string has too many parameters") from None


def _known(schema: Schema, methods: tuple[str, ...]) -> tuple[str, ...]:
    for name in methods:
        if schema.output(name) is None:
            offered = ", ".join(output.name for output in schema.outputs)
            raise UnknownOutput(f"The model has no {METHOD} {name[:80]!r}: it offers {offered}")
    return default_outputs(schema, tuple(dict.fromkeys(methods)))


@lru_cache(maxsize=64)
def _acceptable(accept: str) -> tuple[Form, ...]:
    """Return the forms that an Accept header asks for by name, best first; without any of them JSON."""
    weights = {}
    for item in accept.lower().split(","):
        kind, _, parameters = item.partition(";")
        if kind.strip() in _FORMS:
            weights[kind.strip()] = _quality(parameters)
    return tuple(sorted((form for form, weight in weights.items() if weight > 0), key=lambda form: -weights[form]))


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _as_json(_answered: PredictionResult, outputs: Mapping[str, Array]) -> bytes | None:
    """Write one output as a list with an entry for each row; several as a record for each row, as a DataFrame's are."""
    arrays = [json.writable(array) for array in outputs.values()]
    if len(arrays) == 1:
        return json.dumps({"predictions": arrays[0]})
    names = list(outputs)
    if json_rows.pays(*arrays):
        template = ",".join([f"{json.dumps(name).decode()}:\0" for name in names])
        return b'{"predictions":%b}' % json_rows.filled(f"{{{template}}}", [json_rows.texts(a) for a in arrays])
    rows = zip(*map(_listed, arrays), strict=True)
    return json.dumps({"predictions": [dict(zip(names, row, strict=True)) for row in rows]})


def _listed(array: Array) -> Iterable[Any]:
    """Return an array's rows; those of float32 stay NumPy's, which are written in their shortest form."""
    return array if array.dtype == np.float32 else array.tolist()


def _as_arrow(form: str) -> Callable[[PredictionResult, Mapping[str, Array]], bytes | None]:
    def write(answered: PredictionResult, outputs: Mapping[str, Array]) -> bytes | None:
        from model_store.codecs import arrow  # here: pyarrow, which no other answer needs

        labels = {output.name: output.labels for output in map(answered.schema.output, outputs) if output}
        return arrow.write(outputs, labels, {"model": answered.model, "version": str(answered.version)}, form)

    return write


def _as_npy(_answered: PredictionResult, outputs: Mapping[str, Array]) -> bytes | None:
    """Write one output of numbers as a matrix; None if there are several, or text."""
    array = next(iter(outputs.values()))
    return npy.write(array) if len(outputs) == 1 and array.dtype.kind in "fiub" else None


_FORMS: Mapping[Form, Callable[[PredictionResult, Mapping[str, Array]], bytes | None]] = {
    JSON: _as_json,
    ARROW_STREAM: _as_arrow(ARROW_STREAM),
    ARROW_FILE: _as_arrow(ARROW_FILE),
    NPY: _as_npy,
}
