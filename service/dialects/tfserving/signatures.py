"""A schema as TensorFlow Serving sees it: signatures with named input and output tensors.

A model has one signature for each of its outputs, named after it (``predict``, ``predict_proba``, …), and
``serving_default``, which is the schema's default output. All take the same inputs: a matrix model has the one input
``input`` of shape [-1, columns], and a model of texts that of shape [-1]; a model of a table has an input of shape [-1]
for each column, named after it.

A request may write the inputs in other ways than they are announced. ``Forms`` has them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from model_store.remembered import remembered
from model_store.schema import DATETIMES, INTEGERS, TIMEDELTAS, Column, Schema
from service.dialects.dialect import ONE_INPUT

DEFAULT = "serving_default"
TENSOR_NAMES = (ONE_INPUT, "inputs")
"""What the one input of a model that has no table may be called: the announced name, and that of the first release."""
METHOD_OF = "tensorflow/serving/"
"""What is before a verb in the name of its method, which TensorFlow's documentation also uses as a signature's name."""
METHOD = f"{METHOD_OF}predict"

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
    """What the dialect needs to know of a schema and of one way to write its inputs, worked out once.

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


@dataclass(frozen=True, slots=True)
class Forms:
    """The ways to write a model's inputs.

    ``by_tensor``: all of a row as one value, by each name that it may have; empty for a table. ``by_column``: a value
    for each column, by its name. ``by_position``: all of a row as a list, without a name; whole numbers of a table may
    be written as ``1.0`` there, because they can come from an array. ``announced`` is the form that metadata has.
    """

    announced: Signatures
    by_tensor: Mapping[str, Signatures]
    by_column: Signatures
    by_position: Signatures

    def of(self, found: Mapping[str, Any]) -> Signatures:
        """Return the form of an object with a value for each input, by its keys."""
        for name, known in self.by_tensor.items():
            if name in found and (len(found) == 1 or name not in self.by_column.names):
                return known
        return self.by_column


def signatures(schema: Schema) -> Signatures:
    """Return the signatures of a schema as they are announced."""
    return forms(schema).announced


@remembered
def forms(schema: Schema) -> Forms:
    """Return the ways to write the inputs of a schema."""
    columns = tuple(Input(column.name, type_name(column.dtype), (column,), ()) for column in schema.columns)
    by_column = _signatures(schema, columns)
    by_tensor = {name: _signatures(schema, (_tensor(schema, name),)) for name in _tensor_names(schema)}
    by_position = replace(_signatures(schema, (_row(schema, ""),)), integers=())
    return Forms(by_tensor.get(ONE_INPUT, by_column), by_tensor, by_column, by_tensor.get(ONE_INPUT, by_position))


def _signatures(schema: Schema, inputs: tuple[Input, ...]) -> Signatures:
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


def _tensor_names(schema: Schema) -> tuple[str, ...]:
    return {"matrix": TENSOR_NAMES, "series": (ONE_INPUT,)}.get(schema.layout, ())


def _tensor(schema: Schema, name: str) -> Input:
    if schema.layout == "matrix":
        return _row(schema, name)
    return Input(name, type_name(schema.columns[0].dtype), schema.columns, ())


def _row(schema: Schema, name: str) -> Input:
    types = {type_name(column.dtype) for column in schema.columns}
    mixed = types.pop() if len(types) == 1 else _MIXED
    return Input(name, mixed, schema.columns, (len(schema.columns),))


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
