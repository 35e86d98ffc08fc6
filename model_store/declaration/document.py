"""The document in which an owner declares a model's columns and outputs: read, and checked by itself.

``{"columns": {"age": {"type": "int64", "nullable": true, "minimum": 0, "maximum": 120, "unit": "years"}, …},
"outputs": ["predict_proba", …]}``, with only what is to be declared. The column ``*`` stands for every column; what a
column's own entry says beats it. A list of columns declares them in their order. A signature of MLflow is read too.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from model_store.declaration import mlflow_signature, reading
from model_store.errors import BadSchema
from model_store.schema import DTYPES, Value

ALL = "*"
"""The name that stands for every column."""
TYPES = (*DTYPES, "datetime", "timedelta")
"""Types of a column: ``datetime`` and ``timedelta`` leave the unit and the time zone to the sample."""


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """What is declared of a column; None is what is not.

    ``type`` is one of TYPES. ``minimum`` and ``maximum`` refuse what is outside. ``categories`` are the values that the
    column knows, ``unknown`` is ``refuse`` or ``accept`` for others. An ``optional`` column may be left out; then it is
    ``nullable``, too. ``unit`` tells people what a number counts.
    """

    type: str | None = None
    nullable: bool | None = None
    optional: bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Value, ...] | None = None
    unknown: str | None = None
    unit: str | None = None

    def over(self, other: "DeclaredColumn") -> "DeclaredColumn":
        """Return what one of both declares, or this one where both do."""
        names = [each.name for each in fields(self)]
        own = {name: getattr(self, name) for name in names}
        return DeclaredColumn(**{name: getattr(other, name) if own[name] is None else own[name] for name in names})


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared: of columns by name, or of all of them ``in_order`` if that is not None.

    ``everywhere`` is declared of each column. Without ``outputs`` all are served.
    """

    columns: Mapping[str, DeclaredColumn] = field(default_factory=dict)
    everywhere: DeclaredColumn = field(default_factory=DeclaredColumn)
    in_order: tuple[DeclaredColumn, ...] | None = None
    outputs: tuple[str, ...] = ()


def load(given: Any) -> dict[str, Any]:
    """Return a document as plain JSON: from a mapping, the path of a JSON file, or a ``ModelSignature`` of MLflow.

    Raises BadSchema if it can be found wrong without the model.
    """
    if isinstance(given, str | os.PathLike):
        document = _from_file(Path(given))
    else:
        document = _plain(given.to_dict() if hasattr(given, "to_dict") else given)
    read(document)
    return document


def read(document: Mapping[str, Any]) -> Declaration:
    """Return what a document declares. Raises BadSchema, which names the place that is wrong."""
    if mlflow_signature.is_one(document):
        document = mlflow_signature.translated(document)
    _check_keys("", document, ("columns", "outputs"))
    outputs = _outputs(document["outputs"]) if "outputs" in document else ()
    found = document.get("columns", {})
    if isinstance(found, list):
        entries = enumerate(reading.listed("columns", found))
        return Declaration(in_order=tuple(_column(f"columns[{i}]", entry) for i, entry in entries), outputs=outputs)
    columns = {name: _column(f"columns.{name}", entry) for name, entry in reading.mapping("columns", found).items()}
    return Declaration(columns, columns.pop(ALL, DeclaredColumn()), outputs=outputs)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadSchema(f"there is no declared schema {path}") from error
    except (ValueError, RecursionError) as error:
        raise BadSchema(
            f"the declared schema {path} is not JSON: {error}. From an MLmodel file, which is YAML, take the JSON of "
            "mlflow.models.get_model_info(…).signature.to_dict()"
        ) from error
    return dict(reading.mapping("", document))


def _plain(given: Any) -> dict[str, Any]:
    try:
        document = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadSchema(f"the declared schema holds what no JSON can: {error}") from error
    return dict(reading.mapping("", document))


def _check_keys(place: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in entry:
        reading.known_name(f"{place}.{key}".lstrip("."), key, known, "key")


def _outputs(found: Any) -> tuple[str, ...]:
    names = tuple(reading.text(f"outputs[{i}]", name) for i, name in enumerate(reading.listed("outputs", found)))
    return tuple(str(name) for name in reading.values("outputs", list(names)))


def _column(place: str, entry: Any) -> DeclaredColumn:
    found = reading.mapping(place, entry)
    _check_keys(place, found, tuple(_READERS))
    column = DeclaredColumn(**{key: _READERS[key](f"{place}.{key}", value) for key, value in found.items()})
    if column.optional and column.nullable is False:
        raise reading.wrong(f"{place}.nullable", "true, because a column that is left out is missing", False)
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        raise reading.wrong(f"{place}.maximum", f"a number from {column.minimum:g}, the minimum", column.maximum)
    return column


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "type": lambda place, value: reading.one_of(place, value, TYPES),
    "nullable": reading.flag,
    "optional": reading.flag,
    "minimum": reading.number,
    "maximum": reading.number,
    "categories": reading.values,
    "unknown": lambda place, value: reading.one_of(place, value, ("accept", "refuse")),
    "unit": reading.text,
}
