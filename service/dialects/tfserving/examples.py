"""TensorFlow Serving's classify and regress: rows as examples, objects of named features.

A feature is a value or a list of values of one kind: int64 (whole numbers, and bools as 1 or 0), float (numbers with a
point or an exponent) or bytes (strings and base64 objects). Features are the model's columns; a model fitted on an
array or on texts also takes all of a row as the one feature ``input``. As in TensorFlow, a feature that the model does
not know is ignored, and one that is absent is a missing value, if the column may be missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.codecs.json import dumps
from model_store.codecs.json_rows import filled, pays, texts
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, MalformedRequest, refuse
from model_store.schema import INTEGERS, NUMBERS, Column, Schema
from model_store.validation.bounds import check_rows
from model_store.validation.columns import from_columns
from model_store.validation.words import expected, show
from service.dialects.tfserving.predict import read, signature_name, wanted_outputs
from service.dialects.tfserving.signatures import DEFAULT, METHOD, METHOD_OF, Signatures, forms, signatures
from service.dialects.tfserving.texts import b64_text, is_b64
from service.dialects.tfserving.words import json_type, quoted
from service.errors import UnknownOutput
from service.wire import Call, PredictionResult, WireRequest, WireResponse

_LARGEST_INT64 = 2**63 - 1
_EXACT = 2**53
_METHODS = {"classify": "classification", "regress": "regression"}


Example = Mapping[str, Any]
"""Features by name, as JSON gives them and already known to be well-formed: a value or a list of values."""


class Classify:
    """``POST …:classify``: for each example, pairs of class label and probability."""

    dialect = "tfserving"

    def check(self, request: WireRequest) -> None:
        """Raise MalformedRequest or InvalidInput if the body holds no examples."""
        _examples(request)

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows from ``examples``.

        Raises MalformedRequest, InvalidInput, and UnknownOutput without probabilities.
        """
        return _decoded(request, schema, "classify", "predict_proba", _scores_of_labels(schema))

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write ``{"results": [[[label, score], …], …]}``."""
        wanted = call.outputs[0]
        output = answered.schema.output(wanted)
        labels = [_label(label) for label in output.labels] if output else []
        return WireResponse(b'{"results":%b}' % _pairs(labels, answered.outputs[wanted]))


class Regress:
    """``POST …:regress``: one number for each example."""

    dialect = "tfserving"

    def check(self, request: WireRequest) -> None:
        """Raise MalformedRequest or InvalidInput if the body holds no examples."""
        _examples(request)

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows from ``examples``.

        Raises MalformedRequest, InvalidInput, and UnknownOutput if no number answers.
        """
        return _decoded(request, schema, "regress", "predict", _numbers(schema))

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write ``{"results": [number, …]}``, as floats but for whole numbers that no float holds."""
        values = answered.outputs[call.outputs[0]].reshape(-1)
        return WireResponse(dumps({"results": _floats(values)}, nan="token"))


def _decoded(request: WireRequest, schema: Schema, verb: str, default: str, possible: Sequence[str]) -> Call:
    name, examples = _examples(request)
    known = signatures(schema)
    wanted = default if name in {"", DEFAULT, f"{METHOD_OF}{verb}"} else wanted_outputs(known, name)[0]
    if wanted not in possible:
        raise UnknownOutput(
            f"Expected {_METHODS[verb]} signature method_name to be {METHOD_OF}{verb}. Was: {METHOD}",
            [Fault("signature_name", f"an output that {verb} can answer with", show(name or DEFAULT))],
        )
    return Call(_batch(known, examples), (wanted,))


def _scores_of_labels(schema: Schema) -> list[str]:
    return [output.name for output in schema.outputs if output.labels and output.shape == (len(output.labels),)]


def _numbers(schema: Schema) -> list[str]:
    return [output.name for output in schema.outputs if output.dtype in NUMBERS and output.shape in {(), (1,)}]


def _label(label: Any) -> str:
    return label if isinstance(label, str) else dumps(label).decode()


def _floats(values: Array) -> Array:
    if values.dtype.kind == "f" or (values.size and max(int(values.max()), -int(values.min())) > _EXACT):
        return values
    return values.astype(np.float64)


def _scalars(scores: Array) -> Any:
    """Return rows whose entries are Python floats, or NumPy's if that keeps float32 in its shortest form."""
    return scores.tolist() if scores.dtype == np.float64 else scores


def _pairs(labels: Sequence[str], scores: Array) -> bytes:
    """Write each row of scores as a list of its pairs of label and score."""
    if not pays(scores):
        return dumps([list(zip(labels, row, strict=True)) for row in _scalars(scores)], nan="token")
    pairs = ",".join([f"[{dumps(label).decode()},\0]" for label in labels])
    numbers = texts(scores.ravel(), nan="token")
    return filled(f"[{pairs}]", [numbers[i :: len(labels)] for i in range(len(labels))])


def _examples(request: WireRequest) -> tuple[str, list[Example]]:
    """Return the signature's name and the examples, each with the context's features. Raises MalformedRequest."""
    root = read(request)
    name = signature_name(root)
    context = root.get("context", {})
    _check_example(context, "context")
    if "examples" not in root:
        words = "When method is classify, key 'examples' is expected and was not found"
        raise MalformedRequest(f"JSON Value: {quoted(root)} {words}", [Fault("examples", "a list", "nothing")])
    found = root["examples"]
    if not isinstance(found, list):
        words = "Expecting 'examples' value to be an list/array"
        raise MalformedRequest(f"JSON Value: {quoted(root)} {words}", [Fault("examples", "a list", show(found))])
    if not found:
        words = "'examples' value is an empty array"
        raise MalformedRequest(f"JSON Value: {quoted(root)} {words}", [Fault("examples", "at least one", "none")])
    check_rows(len(found), request.max_rows)
    for i, example in enumerate(found):
        _check_example(example, f"examples[{i}]")
    return name, [_with_context(example, context, i) for i, example in enumerate(found)] if context else found


def _with_context(example: Example, context: Example, row: int) -> Example:
    repeated = (name[:128] for name in example if name in context)
    refuse(Fault(f"examples[{row}].{name}", "a feature that is not in the context", "both") for name in repeated)
    return {**context, **example}


def _check_example(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        words = f"Example must be JSON object but got JSON {json_type(value)}"
        raise MalformedRequest(words, [Fault(place, "an object", show(value))])
    for name, content in value.items():
        if type(content) not in _PLAIN:
            _check_feature(name, content, f"{place}.{name[:128]}")


def _check_feature(name: str, content: Any, place: str) -> None:
    kind = ""
    for i, value in enumerate(_values(content)):
        where = f"{place}[{i}]" if isinstance(content, list) else place
        found = _kind(name, value, where)
        if kind and found != kind:
            raise InvalidInput.of(Fault(where, f"a value of kind {kind}", show(value)))
        kind = found


def _kind(name: str, value: Any, place: str) -> str:
    if is_b64(value):
        b64_text(value, place)
        return "bytes"
    kind = _KINDS.get(type(value))
    if kind is None:
        words = f"Feature: {name[:128]} has element with unexpected JSON type: {json_type(value)}"
        raise InvalidInput(words, [Fault(place, "a number, a bool or a string", show(value))])
    if kind == "int64" and value > _LARGEST_INT64:
        raise InvalidInput.of(Fault(place, "a whole number below 2**63", show(value)))
    return kind


_KINDS = {int: "int64", bool: "int64", float: "float", str: "bytes"}
_PLAIN = frozenset({bool, float, str})
"""Types of features that need no closer look."""


def _values(content: Any) -> Sequence[Any]:
    return content if isinstance(content, list) else (content,)


def _batch(known: Signatures, examples: Sequence[Example]) -> Batch:
    schema = known.schema
    whole = _whole_row(schema, examples[0])
    if whole is None:
        names = list(schema.names)
    else:
        examples = [_spread(schema, whole, example, row) for row, example in enumerate(examples)]
        names = [f"{whole}[{i}]" for i in range(len(schema.columns))]
    faults: list[Fault] = []
    columns = {}
    for column in schema.columns:
        columns[column.name] = [_value(column, example, row, faults) for row, example in enumerate(examples)]
    refuse(faults)
    return from_columns(schema, columns, lambda row, i: f"examples[{row}].{names[i]}")


def _whole_row(schema: Schema, example: Example) -> str | None:
    """Return the feature that has all of a row, if one does."""
    return next((name for name in forms(schema).by_tensor if name in example and name not in schema.names), None)


def _spread(schema: Schema, whole: str, example: Example, row: int) -> Example:
    """Return a row given as one feature, as a feature for each column. Raises InvalidInput."""
    values = _values(example.get(whole, []))
    width = len(schema.columns)
    if len(values) != width:
        raise InvalidInput.of(Fault(f"examples[{row}].{whole}", f"{width} values", str(len(values))))
    return dict(zip(schema.names, values, strict=True))


def _value(column: Column, example: Example, row: int, faults: list[Fault]) -> Any:
    """Return a column's value of one example as validation takes it; what does not fit goes to ``faults``."""
    if len(faults) >= MOST_FAULTS:
        return None
    values = _values(example.get(column.name, []))
    if not values and column.nullable:
        return None
    if len(values) != 1:
        got = f"a list of {len(values)}" if column.name in example else "nothing"
        faults.append(Fault(f"examples[{row}].{column.name}", expected(column), got))
        return None
    value = values[0]
    if isinstance(value, dict):
        return b64_text(value, f"examples[{row}].{column.name}")
    if column.dtype == "bool" and type(value) is int and value in {0, 1}:
        return bool(value)
    if column.dtype in INTEGERS and type(value) is float:
        faults.append(Fault(f"examples[{row}].{column.name}", expected(column), show(value)))
    return int(value) if isinstance(value, bool) and column.dtype in NUMBERS else value


CLASSIFY = Classify()
REGRESS = Regress()
