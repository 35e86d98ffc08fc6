"""JSON values to input tensors by TensorFlow Serving's rules, in row form and in columnar form.

``model_store.validation`` takes the values and names what does not fit. What is stricter here than in other dialects
is looked at first: the keys of named rows, rows of values mixed with lists, and ``1.0`` for a whole number.

Beyond the protocol, because a scikit-learn model can want it: ``null`` and ``NaN`` are missing values in a nullable
column; and what KServe's clients send, where TensorFlow Serving would refuse it: lists of values for a table, objects
of columns for an array, and objects that are small tables. Short of it: a number that is infinite in the column's type
is refused.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn

from model_store.batch import Batch
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput
from model_store.schema import Column
from model_store.validation.bounds import check_rows
from model_store.validation.columns import from_columns, numbers_by_column
from model_store.validation.rows import from_rows, numbers_by_name, numbers_by_position
from model_store.validation.words import Locate, expected, show
from service.dialects.tfserving.places import Places, Tensor
from service.dialects.tfserving.signatures import Input, Signatures, forms
from service.dialects.tfserving.tables import Table, is_object, is_table, table, to_dict_form
from service.dialects.tfserving.texts import decoded
from service.dialects.tfserving.words import cut, of_element, quoted

INSTANCES = "instances"


def from_instances(known: Signatures, rows: Sequence[Any], under: str = INSTANCES, most: int = sys.maxsize) -> Batch:
    """Return rows, which are all lists and values or else all objects; the first row decides which.

    ``under`` is the member that has them. Raises InvalidInput, and PayloadTooLarge if they are more than ``most``.
    """
    if is_object(rows[0]):
        return _from_objects(forms(known.schema).of(rows[0]), rows, under, most)
    by_position = known if known.only else forms(known.schema).by_position
    if known.only is None and not isinstance(rows[0], list):
        raise InvalidInput(
            f"{under} is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
            [_no_object(known, f"{under}[0]", rows[0])],
        )
    numbers = numbers_by_position(known.schema, rows)
    return from_plain(by_position, rows, under) if numbers is None else numbers


def from_plain(known: Signatures, rows: Sequence[Any], under: str = INSTANCES) -> Batch:
    """Return rows that are values or lists for the first input, each value looked at. Raises InvalidInput."""
    _check_plain(rows, under)
    return _batch(known, [Tensor(known.inputs[0], rows, rows=under)])


def from_named(known: Signatures, rows: Sequence[Any], under: str = INSTANCES) -> Batch:
    """Return rows that are objects with a value for each input, each value looked at. Raises InvalidInput."""
    _check_records(known, rows, under)
    return _batch(known, [Tensor(each, _named(known, each, rows), each.name, under) for each in known.inputs])


def from_inputs(known: Signatures, inputs: Any, most: int = sys.maxsize) -> Batch:
    """Return columns: one value if the model has one input, else an object with values for each.

    Raises InvalidInput, and PayloadTooLarge if an object has more than ``most`` rows.
    """
    if is_object(inputs):
        return _from_object(forms(known.schema).of(inputs), inputs, most)
    if known.only:
        rows = _rows(inputs)
        numbers = numbers_by_position(known.schema, rows)
        return _batch(known, [Tensor(known.only, rows)]) if numbers is None else numbers
    raise InvalidInput.of(_no_object(known, "inputs", inputs))


def from_named_columns(known: Signatures, columns: Mapping[str, Sequence[Any]], locate: Locate | None = None) -> Batch:
    """Return columns that have a value for each row of each input, each value looked at.

    ``locate`` names a value's place where ``inputs.column[row]`` is not what the caller sent. Raises InvalidInput.
    """
    return _batch(known, [Tensor(each, columns[each.name], each.name) for each in known.inputs], locate)


def are_rows(known: Signatures, inputs: Any) -> bool:
    """Return whether ``inputs`` is a list of rows, as KServe reads it, and not the value of the one input."""
    if not isinstance(inputs, list) or not inputs:
        return False
    return is_object(inputs[0]) or (known.only is None and isinstance(inputs[0], list))


def _from_objects(known: Signatures, rows: Sequence[Any], under: str, most: int) -> Batch:
    if known.inputs[0].row_shape:
        return from_named(known, rows, under)
    if is_table(rows[0]):
        return _from_tables(known, rows, under, most)
    numbers = numbers_by_name(known.schema, rows)
    return from_named(known, rows, under) if numbers is None else numbers


def _from_tables(known: Signatures, rows: Sequence[Any], under: str, most: int) -> Batch:
    """Put the rows of all objects below each other, as KServe's scikit-learn server does."""
    _check_records(known, rows, under)
    tables: list[Table] = []
    starts = [0]
    for i, found in enumerate(rows):
        tables.append(table(found, f"{under}[{i}]", most))
        starts.append(starts[-1] + tables[-1].rows)
        check_rows(starts[-1], most)

    def locate(row: int, column: int) -> str:
        i = bisect_right(starts, row) - 1
        return tables[i].locate(row - starts[i], known.inputs[column].name)

    columns = {each.name: [value for one in tables for value in _values_of(one, each.name)] for each in known.inputs}
    return from_named_columns(known, columns, locate)


def _from_object(known: Signatures, inputs: dict[str, Any], most: int) -> Batch:
    _check_names(known, inputs)
    if known.inputs[0].row_shape:
        return from_named_columns(known, {each.name: _rows(inputs[each.name]) for each in known.inputs})
    found = {each.name: inputs[each.name] for each in known.inputs if each.name in inputs}
    if len(found) == len(known.inputs) and set(map(type, found.values())) == {list}:
        numbers = numbers_by_column(known.schema, found)
        return from_named_columns(known, found) if numbers is None else numbers
    made = table(found, "inputs", most)
    columns = {each.name: _values_of(made, each.name) for each in known.inputs}
    return from_named_columns(known, columns, lambda row, column: made.locate(row, known.inputs[column].name))


def _values_of(made: Table, name: str) -> Sequence[Any]:
    """Return a table's column; one that was left out is missing in every row."""
    return made.columns[name] if name in made.columns else [None] * made.rows


def _named(known: Signatures, each: Input, rows: Sequence[dict[str, Any]]) -> list[Any]:
    if each.name in known.required:
        return [row[each.name] for row in rows]
    return [row.get(each.name) for row in rows]


def _no_object(known: Signatures, place: str, value: Any) -> Fault:
    return Fault(place, f"an object with the keys {', '.join(sorted(known.names))}", show(value))


def _rows(value: Any) -> Sequence[Any]:
    """Return a columnar value along its first axis; a lone value is one row."""
    return value if isinstance(value, list) else [value]


def _check_plain(rows: Sequence[Any], under: str) -> None:
    if dict in set(map(type, rows)):
        for row, value in enumerate(rows):
            if is_object(value):
                said = f"Expecting value/list but got object at item {row} of input list"
                _refuse_kind(said, f"{under}[{row}]", "a value or list")


def _check_records(known: Signatures, rows: Sequence[Any], under: str) -> None:
    for row, record in enumerate(rows):
        if not is_object(record):
            said = f"Expecting object but got list at item {row} of input list"
            _refuse_kind(said, f"{under}[{row}]", "an object")
        if record.keys() != known.names and not known.required <= record.keys() <= known.names:
            _refuse_keys(known, under, row, record)


def _refuse_kind(said: str, place: str, wanted: str) -> NoReturn:
    raise InvalidInput(said, [Fault(place, wanted, "another kind than the first")])


def _refuse_keys(known: Signatures, under: str, row: int, record: dict[str, Any]) -> NoReturn:
    foreign = list(islice((key for key in record if key not in known.names), MOST_FAULTS))
    missing = sorted(known.required - record.keys())
    faults = [Fault(f"{under}[{row}].{cut(key)}", "no such input", show(record[key])) for key in foreign]
    faults += [Fault(f"{under}[{row}].{name}", "a value", "nothing") for name in missing]
    hint = to_dict_form(record, known.names)
    if foreign:
        name = cut(foreign[0])
        said = f"JSON object: does not have named input: {name}{hint}"
        raise InvalidInput(of_element(under, row, f" key: {name}", said), faults)
    words = f"JSON object: {quoted(record)} keys must be equal to: {','.join(sorted(known.names))}"
    raise InvalidInput(f"Failed to process element: {row} of '{under}' list. {words}", faults)


def _check_names(known: Signatures, inputs: dict[str, Any]) -> None:
    for each in known.inputs:
        if each.name not in inputs and each.name in known.required:
            fault = Fault(f"inputs.{each.name}", "a value or list", "nothing")
            hint = to_dict_form(inputs, known.names)
            raise InvalidInput(f"Missing named input: {each.name} in 'inputs' object.{hint}", [fault])


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
