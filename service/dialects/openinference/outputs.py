"""Output tensors: which ones a request wants, and how each is written."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.codecs import tensors
from model_store.remembered import remembered
from model_store.request_errors import Fault
from model_store.schema import NUMBERS, Output, Schema
from model_store.validation.words import show
from service.dialects.openinference.metadata import datatype_of
from service.dialects.openinference.parameters import flag, malformed, parameters
from service.errors import UnknownOutput

ALIASES = frozenset({"output-0", "output_0", "output__0", "output0", "output"})
"""What other servers call the only output of a scikit-learn model; here each is the default output."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output of the answer: its name there, what it is of the model's, and its form.

    ``classes``: how many of the highest entries to answer as ``value:index:label``; 0 for the values themselves.
    """

    name: str
    output: Output
    binary: bool = False
    classes: int = 0


def wanted(schema: Schema, document: Any, *, binary: bool) -> tuple[Wanted, ...]:
    """Return the outputs that a request names, in its order, or all of the model's.

    ``binary`` is the request's default. Raises MalformedRequest and UnknownOutput.
    """
    if document is None:
        return every(schema, binary=binary)
    if not isinstance(document, list):
        raise malformed("outputs", "a list", show(document))
    known = {} if binary else _by_name(schema)
    chosen = [
        _named(known, entry) or _one(schema, entry, f"outputs[{i}]", binary=binary) for i, entry in enumerate(document)
    ]
    names = [one.name for one in chosen]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise malformed(f"outputs[{i}].name", "each output once", show(name))
    return tuple(chosen) or every(schema, binary=binary)


def every(schema: Schema, *, binary: bool) -> tuple[Wanted, ...]:
    """Return all outputs of the model."""
    return tuple(Wanted(output.name, output, binary) for output in schema.outputs) if binary else _every(schema)


@remembered
def _every(schema: Schema) -> tuple[Wanted, ...]:
    return tuple(Wanted(output.name, output) for output in schema.outputs)


@remembered
def _by_name(schema: Schema) -> Mapping[str, Wanted]:
    return {one.name: one for one in _every(schema)}


def _named(known: Mapping[str, Wanted], entry: Any) -> Wanted | None:
    """Return the output of an entry that has a name and nothing else; None if a closer look is needed."""
    if type(entry) is not dict or len(entry) != 1:
        return None
    name = entry.get("name")
    return known.get(name) if type(name) is str else None


def _one(schema: Schema, entry: Any, place: str, *, binary: bool) -> Wanted:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise malformed(f"{place}.name", "a string", show(name))
    output = schema.output(name) or (schema.outputs[0] if name in ALIASES else None)
    if output is None:
        known = ", ".join(output.name for output in schema.outputs)
        raise UnknownOutput(
            f"unexpected inference output '{name[:128]}': the outputs are {known}",
            [Fault(f"{place}.name", f"one of {known}", show(name))],
        )
    given = parameters(entry, place)
    if "shared_memory_region" in given:
        raise malformed(f"{place}.parameters", "no shared memory, which is not implemented", "shared_memory_region")
    return Wanted(name, output, flag(given, "binary_data", place, default=binary), _classes(given, output, place))


def _classes(given: Mapping[str, Any], output: Output, place: str) -> int:
    count = given.get("classification", 0)
    if type(count) is not int or ("classification" in given and count < 1):
        raise malformed(f"{place}.parameters.classification", "a whole number of 1 or more", show(count))
    if count and (output.dtype not in NUMBERS or len(output.shape) > 1):
        raise malformed(f"{place}.parameters.classification", "an output that is numbers, one row each", output.dtype)
    return count


def written(one: Wanted, array: Array) -> tuple[dict[str, Any], bytes | None]:
    """Return the output's JSON object, and its bytes if it is binary."""
    datatype = datatype_of(one.output.dtype)
    if one.classes:
        array, datatype = highest(array, one.classes, one.output.labels), "BYTES"
    elif datatype == "BYTES":
        array = _texts(array)
    tensor: dict[str, Any] = {"name": one.name, "datatype": datatype, "shape": list(array.shape)}
    if one.binary:
        raw = tensors.write(datatype, array)
        tensor["parameters"] = {"binary_data_size": len(raw)}
        return tensor, raw
    tensor["data"] = array.ravel()  # NaN as null: clients read that in a tensor of floats as NaN
    return tensor, None


def highest(array: Array, count: int, labels: Sequence[Any]) -> Array:
    """Return each row's ``count`` highest entries as ``value:index`` or ``value:index:label``, the highest first."""
    rows = array.reshape(len(array), math.prod(array.shape[1:]))  # with -1, no rows would leave the width open
    order = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    named = labels if len(labels) == rows.shape[1] else ()
    made = np.empty(order.shape, dtype=object)
    for row, indices in enumerate(order.tolist()):
        made[row] = [f"{rows[row, i]!s}:{i}" + (f":{named[i]}" if named else "") for i in indices]
    return made


def _texts(array: Array) -> Array:
    if array.dtype.kind in "Mm":
        array = array.astype(str)
    made = np.empty(array.shape, dtype=object)
    made.ravel()[:] = [None if value is None else str(value) for value in array.ravel().tolist()]
    return made
