"""A schema in the protocol's words: which tensors a model takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from model_store.schema import Column, Schema
from service.dialects.dialect import ONE_INPUT

PLATFORM = "scikit-learn"

_DATATYPES: Mapping[str, str] = {
    "float32": "FP32",
    "float64": "FP64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "bool": "BOOL",
}


def datatype_of(dtype: str) -> str:
    """Return the protocol's datatype for a schema's dtype; strings and dates (ISO 8601) are BYTES."""
    return _DATATYPES.get(dtype, "BYTES")


class DeclaredFacts(TypedDict, total=False):
    """What a publisher declared of a column; one that is ``optional`` may be left out."""

    optional: bool
    minimum: float
    maximum: float
    unit: str


class TensorDescription(TypedDict):
    """A tensor's name, datatype, and shape with -1 for the number of rows, in the protocol's form.

    ``parameters`` is there for a column of which something is declared.
    """

    name: str
    datatype: str
    shape: list[int]
    parameters: NotRequired[DeclaredFacts]


class ModelMetadata(TypedDict):
    """The response to a model metadata request."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDescription]
    outputs: list[TensorDescription]


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """A tensor's name, datatype, and shape with -1 for the number of rows; and what is declared of its column."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    declared: DeclaredFacts = field(default_factory=DeclaredFacts)

    def to_json(self) -> TensorDescription:
        """Return the protocol's object."""
        made: TensorDescription = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        if self.declared:
            made["parameters"] = self.declared
        return made


def inputs(schema: Schema) -> tuple[TensorMetadata, ...]:
    """Return the tensors that a model is announced to take: one for arrays and for texts, one a column for tables."""
    datatypes = [datatype_of(column.dtype) for column in schema.columns]
    if schema.layout == "series":
        return (TensorMetadata(ONE_INPUT, datatypes[0], (-1,)),)
    if schema.layout == "matrix" and len(set(datatypes)) == 1:
        return (TensorMetadata(ONE_INPUT, datatypes[0], (-1, len(datatypes))),)
    columns = zip(schema.columns, datatypes, strict=True)
    return tuple(TensorMetadata(column.name, kind, (-1, 1), _declared(column)) for column, kind in columns)


def _declared(column: Column) -> DeclaredFacts:
    made = DeclaredFacts()
    if column.optional:
        made["optional"] = True
    if column.bounded and column.minimum is not None:
        made["minimum"] = column.minimum
    if column.bounded and column.maximum is not None:
        made["maximum"] = column.maximum
    if column.unit:
        made["unit"] = column.unit
    return made


def outputs(schema: Schema) -> tuple[TensorMetadata, ...]:
    """Return the tensors that a model can answer, the default one first."""
    return tuple(TensorMetadata(o.name, datatype_of(o.dtype), (-1, *o.shape)) for o in schema.outputs)


def model_metadata(name: str, versions: Sequence[int], schema: Schema) -> ModelMetadata:
    """Return the response to a model metadata request."""
    return {
        "name": name,
        "versions": [str(version) for version in versions],
        "platform": PLATFORM,
        "inputs": [tensor.to_json() for tensor in inputs(schema)],
        "outputs": [tensor.to_json() for tensor in outputs(schema)],
    }
