"""A signature of MLflow as a document of one's own: ``ModelSignature.to_dict()``, or the ``signature`` of an MLmodel.

Its ``inputs`` are a list, or the JSON of one: columns with ``type``, ``name`` and ``required``, or tensors with
``dtype`` and ``shape``. Columns that are not required may be left out. Its ``outputs`` and ``params`` declare nothing:
they do not name the estimator's methods.
"""

import json
from collections.abc import Mapping
from typing import Any

from model_store.declaration import reading
from model_store.schema import DTYPES

_TYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
    "datetime": "datetime",
}
_ANY = "any"  # what MLflow writes if it finds no type
_KEYS = {"inputs", "signature"}
_MOST_AXES = 2


def is_one(document: Mapping[str, Any]) -> bool:
    """Return whether a document is a signature of MLflow, or has one as its ``signature``."""
    return not _KEYS.isdisjoint(document) and "columns" not in document


def translated(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a signature declares. Raises BadSchema."""
    place = "signature.inputs" if "signature" in document else "inputs"
    signature = reading.mapping("signature", document.get("signature", document))
    inputs = reading.listed(place, _inputs(place, signature.get("inputs")))
    specs = [reading.mapping(f"{place}[{i}]", spec) for i, spec in enumerate(inputs)]
    named = {spec.get("name"): _declared(f"{place}[{i}]", spec) for i, spec in enumerate(specs)}
    if None not in named:
        return {"columns": named}
    if [spec.get("type") for spec in specs] == [_ANY]:
        return {}
    if len(specs) == 1 and specs[0].get("type") == "tensor":
        return {"columns": _of_tensor(f"{place}[0]", specs[0], named[None])}
    return {"columns": [_declared(f"{place}[{i}]", spec) for i, spec in enumerate(specs)]}


def _inputs(place: str, found: Any) -> Any:
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError):
        raise reading.wrong(place, "a list, or the JSON of one", found) from None


def _declared(place: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    if spec.get("type") == "tensor":
        return {"type": _tensor_type(f"{place}.tensor-spec", spec.get("tensor-spec"))}
    kind = reading.one_of(f"{place}.type", spec.get("type"), (*_TYPES, _ANY))
    found = {} if kind == _ANY else {"type": _TYPES[kind]}
    required = reading.flag(f"{place}.required", spec.get("required", not spec.get("optional", False)))
    return found if required else {**found, "optional": True}


def _tensor_type(place: str, tensor: Any) -> str:
    dtype = reading.mapping(place, tensor).get("dtype")
    if dtype in {"str", "object"}:
        return "string"
    return reading.one_of(f"{place}.dtype", dtype, DTYPES)


def _of_tensor(place: str, spec: Mapping[str, Any], declared: Mapping[str, Any]) -> Any:
    """Return the columns of a tensor without a name: each has its type, and they are as many as it is wide."""
    shape = spec["tensor-spec"].get("shape")
    if not isinstance(shape, list) or not 1 <= len(shape) <= _MOST_AXES or not all(isinstance(n, int) for n in shape):
        raise reading.wrong(f"{place}.tensor-spec.shape", "[-1, columns]", shape)
    width = shape[1] if len(shape) == _MOST_AXES else 1
    return [dict(declared) for _ in range(width)] if width > 0 else {"*": declared}
