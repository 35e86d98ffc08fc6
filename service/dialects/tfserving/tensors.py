"""JSON values to input tensors by TensorFlow Serving's rules, in row form and in columnar form.

``model_store.validation`` takes the values and names what does not fit. What is stricter here than in other dialects
is looked at first: the keys of named rows, rows of values mixed with lists, and ``1.0`` for a whole number.

Beyond the protocol, because a scikit-learn model can want it: ``null`` and ``NaN`` are missing values in a nullable
column. Short of it: a number that is infinite in the column's type is refused.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn

from model_store.batch import Batch
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput
from model_store.schema import Column
from model_store.validation.columns import from_columns, numbers_by_column
from model_store.validation.rows import from_rows, numbers_by_name, numbers_by_position
from model_store.validation.words import Locate, expected, show
from service.dialects.tfserving.places import Places, Tensor
from service.dialects.tfserving.signatures import Input, Signatures
from service.dialects.tfserving.texts import decoded, is_b64
from service.dialects.tfserving.words import cut, of_element, quoted


def from_instances(known: Signatures, instances: Sequence[Any]) -> Batch:
    """Return rows: plain values or lists if the model has one input, else objects; the first row decides which.

    Raises InvalidInput.
    """
    if _is_object(instances[0]):
        numbers = None if known.schema.layout == "matrix" else numbers_by_name(known.schema, instances)
        return from_named(known, instances) if numbers is None else numbers
    if known.only is None:
        raise InvalidInput(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
            [_no_object(known, "instances[0]", instances[0])],
        )
    numbers = numbers_by_position(known.schema, instances)
    return from_plain(known, known.only, instances) if numbers is None else numbers


def from_plain(known: Signatures, only: Input, instances: Sequence[Any]) -> Batch:
    """Return rows that are values or lists for the one input, each value looked at. Raises InvalidInput."""
    _check_plain(instances)
    return _batch(known, [Tensor(only, instances)])


def from_named(known: Signatures, instances: Sequence[Any]) -> Batch:
    """Return rows that are objects with a value for each input, each value looked at. Raises InvalidInput."""
    _check_records(known, instances)
    return _batch(known, [Tensor(each, _named(known, each, instances), each.name) for each in known.inputs])


def from_inputs(known: Signatures, inputs: Any, locate: Locate | None = None) -> Batch:
    """Return columns: one value if the model has one input, else an object with a value for each.

    ``locate`` names a value's place where ``inputs.column[row]`` is not what the caller sent. Raises InvalidInput.
    """
    if _is_object(inputs):
        _check_names(known, inputs)
        found = inputs if known.names <= inputs.keys() else _filled(known, inputs)
        columns = {each.name: _rows(found[each.name]) for each in known.inputs}
        numbers = None if known.schema.layout == "matrix" else numbers_by_column(known.schema, columns)
        return from_named_columns(known, columns, locate) if numbers is None else numbers
    if known.only:
        rows = _rows(inputs)
        numbers = numbers_by_position(known.schema, rows)
        return _batch(known, [Tensor(known.only, rows, in_rows=False)], locate) if numbers is None else numbers
    raise InvalidInput.of(_no_object(known, "inputs", inputs))


def from_named_columns(known: Signatures, columns: Mapping[str, Sequence[Any]], locate: Locate | None = None) -> Batch:
    """Return columns that have a value for each row of each input, each value looked at. Raises InvalidInput."""
    tensors = [Tensor(each, columns[each.name], each.name, in_rows=False) for each in known.inputs]
    return _batch(known, tensors, locate)


def _named(known: Signatures, each: Input, instances: Sequence[dict[str, Any]]) -> list[Any]:
    if each.name in known.required:
        return [row[each.name] for row in instances]
    return [row.get(each.name) for row in instances]


def _filled(known: Signatures, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the named inputs with missing values for the optional ones that were left out."""
    rows = max((len(_rows(inputs[name])) for name in known.names if name in inputs), default=0)
    return {**{name: [None] * rows for name in known.names - known.required}, **inputs}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_b64(value)


def _no_object(known: Signatures, place: str, value: Any) -> Fault:
    return Fault(place, f"an object with the keys {', '.join(sorted(known.names))}", show(value))


def _rows(value: Any) -> Sequence[Any]:
    """Return a columnar value along its first axis; a lone value is one row."""
    return value if isinstance(value, list) else [value]


def _check_plain(instances: Sequence[Any]) -> None:
    if dict in set(map(type, instances)):
        for row, value in enumerate(instances):
            if _is_object(value):
                _refuse_kind(f"Expecting value/list but got object at item {row} of input list", row, "a value or list")


def _check_records(known: Signatures, instances: Sequence[Any]) -> None:
    for row, record in enumerate(instances):
        if not _is_object(record):
            _refuse_kind(f"Expecting object but got list at item {row} of input list", row, "an object")
        if record.keys() != known.names and not known.required <= record.keys() <= known.names:
            _refuse_keys(known, row, record)


def _refuse_kind(said: str, row: int, wanted: str) -> NoReturn:
    raise InvalidInput(said, [Fault(f"instances[{row}]", wanted, "another kind than the first")])


def _refuse_keys(known: Signatures, row: int, record: dict[str, Any]) -> NoReturn:
    foreign = list(islice((key for key in record if key not in known.names), MOST_FAULTS))
    missing = sorted(known.required - record.keys())
    faults = [Fault(f"instances[{row}].{cut(key)}", "no such input", show(record[key])) for key in foreign]
    faults += [Fault(f"instances[{row}].{name}", "a value", "nothing") for name in missing]
    if foreign:
        name = cut(foreign[0])
        raise InvalidInput(of_element(row, f" key: {name}", f"JSON object: does not have named input: {name}"), faults)
    words = f"JSON object: {quoted(record)} keys must be equal to: {','.join(sorted(known.names))}"
    raise InvalidInput(f"Failed to process element: {row} of 'instances' list. {words}", faults)


def _check_names(known: Signatures, inputs: dict[str, Any]) -> None:
    for each in known.inputs:
        if each.name not in inputs and each.name in known.required:
            fault = Fault(f"inputs.{each.name}", "a value or list", "nothing")
            raise InvalidInput(f"Missing named input: {each.name} in 'inputs' object.", [fault])


def _batch(known: Signatures, tensors: Sequence[Tensor], locate: Locate | None = None) -> Batch:
    """Return the batch of a model's tensors: one that has all columns, or one for each column. Raises InvalidInput."""
    for tensor in tensors:
        if not tensor.values:
            raise InvalidInput.of(Fault(tensor.input.name, "at least one row", "none"))
    places = Places(known, tensors, locate)
    values = [_values(tensor, i, known, places) for i, tensor in enumerate(tensors)]
    try:
        batch = _validated(known, values, places)
    except InvalidInput as error:
        shapes = _misshapen(tensors[0], places) if known.only else []
        raise places.error(shapes or _once([*_decimals(known, values, places), *error.faults])) from None
    wrong = list(_decimals(known, values, places)) if known.integers else []
    if wrong:
        raise places.error(wrong)
    return batch


def _once(faults: Sequence[Fault]) -> Sequence[Fault]:
    """Return the faults without those at whose place a later one stands, too."""
    return tuple({fault.location: fault for fault in faults}.values())


def _validated(known: Signatures, values: Sequence[Sequence[Any]], places: Places) -> Batch:
    if known.only:
        return from_rows(known.schema, values[0], places.value)
    return from_columns(known.schema, dict(zip(known.schema.names, values, strict=True)), places.value)


def _misshapen(only: Tensor, places: Places) -> list[Fault]:
    """Return the rows that are no list of the right length or, for a single column, values mixed with lists."""
    rows, width = only.values, len(only.input.columns)
    kinds = set(map(type, rows))
    if (kinds == {list} and set(map(len, rows)) == {width}) or (width == 1 and list not in kinds):
        return []
    wanted = f"a list of {width} values" if width > 1 else "a value, or in every row a list of one value"
    lists = width > 1 or isinstance(rows[0], list)
    wrong = (i for i, row in enumerate(rows) if isinstance(row, list) != lists or (lists and len(row) != width))
    return [Fault(places.row(i), wanted, show(rows[i])) for i in islice(wrong, MOST_FAULTS)]


def _values(tensor: Tensor, first: int, known: Signatures, places: Places) -> Sequence[Any]:
    """Return a tensor's rows as validation takes them; ``first`` is the index of its first column in the schema."""
    rows = tensor.values
    if not known.only and isinstance(rows[0], list) and _are_lists_of_one(rows):
        rows = [row[0] for row in rows]
    if not known.strings or not (known.only or first in known.strings):
        return rows
    return decoded(rows, lambda row, i: places.value(row, first + i))


def _are_lists_of_one(rows: Sequence[Any]) -> bool:
    return set(map(type, rows)) == {list} and set(map(len, rows)) == {1}


def _decimals(known: Signatures, values: Sequence[Sequence[Any]], places: Places) -> Iterator[Fault]:
    """Yield the values like ``1.0`` that stand for a whole number: an integer tensor takes integer literals only."""
    for i in known.integers:
        column = known.schema.columns[i]
        found = _column(values[0], i) if known.only else values[i]
        if float in set(map(type, found)):
            wrong = (row for row, value in enumerate(found) if _is_decimal(value, column))
            for row in islice(wrong, MOST_FAULTS):
                yield Fault(places.value(row, i), expected(column), show(found[row]))


def _column(rows: Sequence[Any], place: int) -> Sequence[Any]:
    return [row[place] for row in rows] if isinstance(rows[0], list) else rows


def _is_decimal(value: Any, column: Column) -> bool:
    return type(value) is float and not (column.nullable and math.isnan(value))
