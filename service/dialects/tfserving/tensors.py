"""JSON values to input tensors by TensorFlow Serving's rules, in row form and in columnar form.

Right input takes the short way: a look at the set of types, then ``service.validation``. Only where something is wrong
are the values walked one by one, to say it in TensorFlow Serving's words and name each place.

Beyond the protocol, because a scikit-learn model can want it: ``null`` and ``NaN`` are missing values in a nullable
column. Short of it: a number that is infinite in the column's type is refused.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NoReturn

import numpy as np

from model_store.batch import Batch
from model_store.schema import FLOATS, INTEGERS, Column
from service.codecs.json import dumps
from service.dialects.tfserving.signatures import Input, Signatures, type_name
from service.errors import MOST_FAULTS, Fault, InvalidInput
from service.validation.columns import from_columns
from service.validation.rows import from_rows
from service.validation.words import Locate, expected, show

MOST_QUOTED_BYTES = 256
MOST_WALKED = 100_000
"""How many values are walked for TensorFlow Serving's words; validation's own words must do in a larger request."""
_MOST_LEVELS = 32
_B64 = "b64"
_PREFIX = "INVALID_ARGUMENT: "


def from_instances(known: Signatures, instances: Sequence[Any]) -> Batch:
    """Rows: plain values or lists where the model has one input, else objects; the first row decides which.

    Raises InvalidInput.
    """
    if _is_object(instances[0]):
        return _named_rows(known, instances)
    only = known.only
    if only is None:
        raise InvalidInput(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
            [Fault("instances[0]", f"an object with the keys {', '.join(sorted(known.names))}", show(instances[0]))],
        )
    if dict in set(map(type, instances)):
        for row, value in enumerate(instances):
            if _is_object(value):
                _refuse(f"Expecting value/list but got object at item {row} of input list", row, "a value or list")
    return _single(known, only, instances, _in_rows(only), _wrong_row(only, ""))


def from_inputs(known: Signatures, inputs: Any, locate: Locate | None = None) -> Batch:
    """Columns: one value where the model has one input, else an object with a value for each. Raises InvalidInput.

    ``locate`` names a value's place where ``inputs.column[row]`` is not what the caller sent.
    """
    if not _is_object(inputs):
        only = known.only
        if only is None:
            raise InvalidInput(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map",
                [Fault("inputs", f"an object with the keys {', '.join(sorted(known.names))}", show(inputs))],
            )
        return _single(known, only, _rows(inputs), _in_columns(only, "inputs"), _wrong_column(only))
    for each in known.inputs:
        if each.name not in inputs:
            raise InvalidInput(
                f"Missing named input: {each.name} in 'inputs' object.",
                [Fault(f"inputs.{each.name}", "a value or list", "nothing")],
            )
    if known.only:
        only = known.only
        values = _rows(inputs[only.name])
        where = locate or _in_columns(only, f"inputs.{only.name}")
        return _single(known, only, values, where, _wrong_column(only))
    columns = {each.name: _rows(inputs[each.name]) for each in known.inputs}
    names = known.schema.names
    where = locate or (lambda row, i: f"inputs.{names[i]}[{row}]")
    return _several(known, columns, where, _wrong_columns(known))


Explain = Callable[[Any], str | None]
"""TensorFlow Serving's words for what is wrong with an input's values; None where it would find nothing wrong."""


class _TooLong(Exception):
    """So many values were looked at that the words are not worth the time."""


def _single(known: Signatures, only: Input, values: Sequence[Any], locate: Locate, explain: Explain) -> Batch:
    """The batch of a model with one input: rows of a matrix, or the values of its one column."""
    if known.strings:
        values = _without_b64(values, locate)
    if not values:
        raise InvalidInput(f"No values in input {only.name!r}", [Fault(only.name, "at least one row", "none")])
    found = _misshapen(only, values, locate) if known.integers else None
    try:
        if known.integers and found is None:
            found = _decimals(known, _columns_of(values, len(only.columns)), locate)
        batch = from_rows(known.schema, values, locate)
    except InvalidInput as error:
        found = _misshapen(only, values, locate) or _both(found, error)
    if found is not None:
        raise InvalidInput(_words(explain, values) or found.detail, found.faults)
    return batch


def _several(known: Signatures, columns: dict[str, Sequence[Any]], locate: Locate, explain: Explain) -> Batch:
    """The batch of a model with an input for each column."""
    given = dict(columns)
    for i, each in enumerate(known.inputs):
        kinds = set(map(type, columns[each.name]))
        if dict in kinds and each.columns[0].dtype == "string":
            columns[each.name] = [_b64_decoded(v, locate, row, i) for row, v in enumerate(columns[each.name])]
        if kinds == {list} and all(len(value) == 1 for value in columns[each.name]):
            columns[each.name] = [value[0] for value in columns[each.name]]
    _check_lengths(columns)
    found = _decimals(known, list(columns.values()), locate) if known.integers else None
    try:
        batch = from_columns(known.schema, columns, locate)
    except InvalidInput as error:
        found = _both(found, error)
    if found is not None:
        raise InvalidInput(_words(explain, given) or found.detail, found.faults)
    return batch


def _named_rows(known: Signatures, instances: Sequence[Any]) -> Batch:
    for row, record in enumerate(instances):
        if not _is_object(record):
            _refuse(f"Expecting object but got list at item {row} of input list", row, "an object")
        if record.keys() != known.names:
            _refuse_keys(known, row, record)
    only = known.only
    if only is not None:
        values = [record[only.name] for record in instances]
        return _single(known, only, values, _in_rows(only, only.name), _wrong_row(only, only.name))
    columns: dict[str, Sequence[Any]] = {name: [record[name] for record in instances] for name in known.schema.names}
    names = known.schema.names
    return _several(known, columns, lambda row, i: f"instances[{row}].{names[i]}", _wrong_records(known))


def _refuse(words: str, row: int, wanted: str) -> NoReturn:
    raise InvalidInput(words, [Fault(f"instances[{row}]", wanted, "another kind than the first")])


def _refuse_keys(known: Signatures, row: int, record: dict[str, Any]) -> NoReturn:
    foreign_keys = islice((key for key in record if key not in known.names), MOST_FAULTS)
    faults = [Fault(f"instances[{row}].{_cut(key)}", "no such input", show(record[key])) for key in foreign_keys]
    faults += [Fault(f"instances[{row}].{k}", "a value", "nothing") for k in sorted(known.names) if k not in record]
    foreign = next((key for key in record if key not in known.names), None)
    if foreign is not None:
        words = f"key: {_cut(foreign)} of 'instances' list. Error: {_PREFIX}JSON object: does not have named input: "
        raise InvalidInput(f"Failed to process element: {row} {words}{_cut(foreign)}", faults)
    names = ",".join(sorted(known.names))
    words = f"of 'instances' list. JSON object: {quoted(record)} keys must be equal to: {names}"
    raise InvalidInput(f"Failed to process element: {row} {words}", faults)


def _rows(value: Any) -> Sequence[Any]:
    """A columnar value along its first axis; a lone value is one row."""
    return value if isinstance(value, list) else [value]


def _columns_of(rows: Sequence[Any], width: int) -> list[Sequence[Any]]:
    if width == 1 and not isinstance(rows[0], list):
        return [rows]
    return [[row[i] for row in rows] for i in range(width)]


def _misshapen(only: Input, rows: Sequence[Any], locate: Locate) -> InvalidInput | None:
    """The error where a row is no list of the right length or, for a single column, rows are values and lists mixed."""
    width = len(only.columns)
    kinds = set(map(type, rows))
    if (kinds == {list} and set(map(len, rows)) == {width}) or (width == 1 and list not in kinds):
        return None
    wanted = f"a list of {width} values" if width > 1 else "a value, or in every row a list of one value"
    wrong = [i for i, row in enumerate(rows) if not isinstance(row, list) or len(row) != width][:MOST_FAULTS]
    places = [locate(i, 0).rpartition("[")[0] if only.row_shape else locate(i, 0) for i in wrong]
    faults = [Fault(place, wanted, show(rows[i])) for place, i in zip(places, wrong, strict=True)]
    return InvalidInput(f"{faults[0].location}: expected {wanted}, got {faults[0].got}", faults)


def _check_lengths(columns: Mapping[str, Sequence[Any]]) -> None:
    empty = [name for name, values in columns.items() if not values]
    if empty:
        faults = [Fault(name, "at least one row", "none") for name in empty]
        raise InvalidInput(f"No values in input {empty[0]!r}", faults)


def _decimals(known: Signatures, columns: Sequence[Sequence[Any]], locate: Locate) -> InvalidInput | None:
    """The error where ``1.0`` stands for a whole number: an integer tensor takes integer literals only."""
    faults: list[Fault] = []
    for i in known.integers:
        if float not in set(map(type, columns[i])):
            continue
        column = known.schema.columns[i]
        wrong = islice((row for row, value in enumerate(columns[i]) if not _fits(column, value)), MOST_FAULTS)
        faults += [Fault(locate(row, i), expected(column), show(columns[i][row])) for row in wrong]
    if not faults:
        return None
    return InvalidInput(f"{faults[0].location}: expected {faults[0].expected}, got {faults[0].got}", faults)


def _both(first: InvalidInput | None, second: InvalidInput) -> InvalidInput:
    """One error with the faults of two, each once."""
    return InvalidInput(first.detail, tuple(dict.fromkeys((*first.faults, *second.faults)))) if first else second


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_b64(value)


def is_b64(value: Any) -> bool:
    """Whether a JSON value is ``{"b64": "…"}`` and nothing more."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(_B64), str)


def _without_b64(values: Sequence[Any], locate: Locate) -> Sequence[Any]:
    """Values, or rows of values, with base64 objects decoded."""
    kinds = set(map(type, values))
    if list in kinds:
        inner = set(map(type, chain.from_iterable(value for value in values if isinstance(value, list))))
        if dict in inner:
            values = [
                [_b64_decoded(v, locate, row, i) for i, v in enumerate(value)] if isinstance(value, list) else value
                for row, value in enumerate(values)
            ]
    if dict in kinds:
        values = [_b64_decoded(value, locate, row, 0) for row, value in enumerate(values)]
    return values


def _b64_decoded(value: Any, locate: Locate, row: int, column: int) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        return b64_text(value)
    except ValueError as error:
        raise InvalidInput(str(error), [Fault(locate(row, column), "a string", show(value))]) from None


def b64_text(value: dict[str, Any]) -> str:
    """The text in a base64 object; padding may be missing. Raises ValueError in TensorFlow Serving's words."""
    if not is_b64(value):
        raise ValueError(f"JSON Value: {quoted(value)} not formatted correctly for base64 data")
    text = "".join(value[_B64].split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except UnicodeDecodeError:
        raise ValueError("Unable to base64 decode: the bytes are not UTF-8 text") from None
    except (binascii.Error, ValueError):
        raise ValueError("Unable to base64 decode") from None


def _in_rows(only: Input, name: str = "") -> Locate:
    dotted = f".{name}" if name else ""
    if only.row_shape:
        return lambda row, column: f"instances[{row}]{dotted}[{column}]"
    return lambda row, _column: f"instances[{row}]{dotted}"


def _in_columns(only: Input, start: str) -> Locate:
    if only.row_shape:
        return lambda row, column: f"{start}[{row}][{column}]"
    return lambda row, _column: f"{start}[{row}]"


def _words(explain: Explain, values: Any) -> str | None:
    try:
        return explain(values)
    except _TooLong:
        return None


def _wrong_row(only: Input, key: str) -> Explain:
    """Explain row form: each row is a tensor of its own, and all must agree in size and shape."""

    def explain(rows: Any) -> str | None:
        walk = _Walk(only)
        named = f" key: {key}" if key else ""
        first: list[int] | None = None
        for i, row in enumerate(rows):
            shape = _shape(row)
            first = shape if first is None else first
            words = walk.wrong(row, 0, shape) or _disagreement(first, shape)
            if words:
                return f"Failed to process element: {i}{named} of 'instances' list. Error: {_PREFIX}{words}"
        return None

    return explain


def _wrong_records(known: Signatures) -> Explain:
    def explain(columns: Any) -> str | None:
        return next(
            (words for each in known.inputs if (words := _wrong_row(each, each.name)(columns[each.name]))), None
        )

    return explain


def _wrong_column(only: Input) -> Explain:
    """Explain columnar form: all rows together are one tensor."""
    return lambda values: _Walk(only).wrong(values, 0, _shape(values))


def _wrong_columns(known: Signatures) -> Explain:
    def explain(columns: Any) -> str | None:
        return next((words for each in known.inputs if (words := _wrong_column(each)(columns[each.name]))), None)

    return explain


def _shape(value: Any) -> list[int]:
    """The sizes along the first element at each level, as TensorFlow Serving guesses a tensor's shape."""
    shape: list[int] = []
    while isinstance(value, list) and len(shape) < _MOST_LEVELS:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _disagreement(first: list[int], shape: list[int]) -> str | None:
    if _product(first) != _product(shape):
        return f"Expecting tensor size: {_product(first)} but got: {_product(shape)}"
    if first != shape:
        return f"Expecting shape {_written(first)} but got: {_written(shape)}"
    return None


def _product(sizes: Iterable[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def _written(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


class _Walk:
    """Looks at an input's values one by one, as TensorFlow Serving does when it fills a tensor."""

    def __init__(self, tensor: Input) -> None:
        self._columns = tensor.columns
        self._left = MOST_WALKED

    def wrong(self, value: Any, level: int, shape: list[int], index: int = 0) -> str | None:
        """The first thing wrong within one tensor; ``index`` is the value's place in the innermost list."""
        self._left -= 1
        if self._left < 0:
            raise _TooLong
        if not isinstance(value, list):
            return self._wrong_value(value, level, shape, index)
        if level >= len(shape):
            return f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        if len(value) != shape[level]:
            return f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        found = (self.wrong(inner, level + 1, shape, i) for i, inner in enumerate(value))
        return next((words for words in found if words), None)

    def _wrong_value(self, value: Any, level: int, shape: list[int], index: int) -> str | None:
        if level != len(shape):
            place = f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {len(shape)}"
            return f"JSON Value: {quoted(value)} {place}"
        column = self._columns[index if index < len(self._columns) else 0]
        return None if _fits(column, value) else _type_words(value, type_name(column.dtype))


def _fits(column: Column, value: Any) -> bool:
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return column.nullable or (value is not None and column.dtype in FLOATS)
    if column.dtype in FLOATS:
        return type(value) in {int, float}
    if column.dtype in INTEGERS:
        return type(value) is int and np.iinfo(column.dtype).min <= value <= np.iinfo(column.dtype).max
    if column.dtype == "bool":
        return type(value) is bool
    return type(value) is str


def _type_words(value: Any, wanted: str) -> str:
    return f"JSON Value: {quoted(value)} Type: {json_type(value)} is not of expected type: {wanted}"


def json_type(value: Any) -> str:
    """What TensorFlow Serving calls a JSON value's type."""
    if isinstance(value, bool):
        return str(value)
    kinds = {dict: "Object", list: "Array", str: "String", type(None): "Null"}
    return kinds.get(type(value), "Number")


def quoted(value: Any) -> str:
    """A value as JSON for an error message, cut at 256 bytes."""
    try:
        text = dumps(value, nan="token")
    except (TypeError, RecursionError):  # nested deeper than orjson writes
        return f"({json_type(value)})"
    return _cut(text.decode())


def _cut(text: str) -> str:
    if len(text) <= MOST_QUOTED_BYTES // 4:
        return text
    return text.encode()[:MOST_QUOTED_BYTES].decode(errors="ignore")
