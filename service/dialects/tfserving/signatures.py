"""A schema as TensorFlow Serving sees it: signatures with named input and output tensors.

A model has one signature for each of its outputs, named after it (``predict``, ``predict_proba``, …), and
``serving_default``, which is the schema's default output. All take the same inputs: a matrix model has the one input
``inputs`` of shape [-1, columns]; any other model has an input of shape [-1] for each column, named after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from model_store.remembered import remembered
from model_store.schema import DATETIMES, INTEGERS, TIMEDELTAS, Column, Schema

DEFAULT = "serving_default"
MATRIX_INPUT = "inputs"
METHOD = "tensorflow/serving/predict"

_MIXED = "variant"
_NAMES = {
    "float32": "float",
    "float64": "double",
    **dict.fromkeys((*DATETIMES, *TIMEDELTAS), "string"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One input tensor: its name, TensorFlow type (``float``, ``int64``, …) and what one row of it holds."""

    name: str
    type: str
    columns: tuple[Column, ...]
    row_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signatures:
    """What the dialect needs to know of a schema, worked out once.

    ``outputs`` has the wanted outputs of each signature; ``integers`` and ``strings`` are the indices of such columns,
    ``required`` the names of the inputs that are not optional.
    """

    schema: Schema
    inputs: tuple[Input, ...]
    names: frozenset[str]
    required: frozenset[str]
    outputs: Mapping[str, tuple[str, ...]]
    integers: tuple[int, ...]
    strings: tuple[int, ...]

    @property
    def only(self) -> Input | None:
        """The input of a model that has just one."""
        return self.inputs[0] if len(self.inputs) == 1 else None


@remembered
def signatures(schema: Schema) -> Signatures:
    """Return the signatures of a schema."""
    inputs = _inputs(schema)
    outputs = {output.name: (output.name,) for output in schema.outputs}
    return Signatures(
        schema=schema,
        inputs=inputs,
        names=frozenset(each.name for each in inputs),
        required=frozenset(each.name for each in inputs if not all(column.optional for column in each.columns)),
        outputs={"": (schema.outputs[0].name,), DEFAULT: (schema.outputs[0].name,), **outputs},
        integers=tuple(i for i, column in enumerate(schema.columns) if column.dtype in INTEGERS),
        strings=tuple(i for i, column in enumerate(schema.columns) if column.dtype == "string"),
    )


def _inputs(schema: Schema) -> tuple[Input, ...]:
    if schema.layout != "matrix":
        return tuple(Input(column.name, type_name(column.dtype), (column,), ()) for column in schema.columns)
    types = {type_name(column.dtype) for column in schema.columns}
    mixed = types.pop() if len(types) == 1 else _MIXED
    return (Input(MATRIX_INPUT, mixed, schema.columns, (len(schema.columns),)),)


def type_name(dtype: str) -> str:
    """Return TensorFlow's name of a schema's dtype, as its error messages write it."""
    return _NAMES.get(dtype, dtype)


class SignatureMetadata(TypedDict):
    """A version, and its signatures."""

    model_spec: dict[str, str]
    metadata: dict[str, Any]


def metadata(model: str, version: int, schema: Schema) -> SignatureMetadata:
    """Return the body of ``GET …/metadata``: proto field names, 64-bit sizes as strings, ``signature_def`` twice."""
    known = signatures(schema)
    inputs = {each.name: _tensor_info(each.name, each.type, each.row_shape) for each in known.inputs}
    made = {}
    for name, (wanted,) in known.outputs.items():
        output = schema.output(wanted)
        if name and output is not None:
            outputs = {wanted: _tensor_info(wanted, type_name(output.dtype), output.shape)}
            made[name] = {"inputs": inputs, "outputs": outputs, "method_name": METHOD, "defaults": {}}
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": made}},
    }


def _tensor_info(name: str, type_: str, row_shape: tuple[int, ...]) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *row_shape)]
    dtype = f"DT_{type_.upper()}"
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": f"{name}:0"}
