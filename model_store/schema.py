"""What a model takes and answers: columns, dtypes, nullability, ranges, categories, outputs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from model_store.errors import BadSchema

Layout = Literal["matrix", "table", "series"]
Held = Literal["array", "str", "object", "category", "extension"]
Missing = Literal["nan", "none", "na", "nat"]
Task = Literal["classifier", "regressor", "transformer", "clusterer", "outlier_detector", "estimator"]
Order = Literal["C", "F"]
Value = str | int | float | bool

FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS = FLOATS + INTEGERS
UNITS = ("s", "ms", "us", "ns")
DATETIMES = tuple(f"datetime64[{unit}]" for unit in UNITS)
TIMEDELTAS = tuple(f"timedelta64[{unit}]" for unit in UNITS)
DTYPES = (*NUMBERS, "bool", "string", *DATETIMES, *TIMEDELTAS)


@dataclass(frozen=True, slots=True)
class Column:
    """One input column.

    ``nullable``: whether a value may be missing (JSON null, NaN, an empty CSV field). ``minimum`` and ``maximum`` were
    seen in the sample and inform; only if they are ``bounded`` they were declared, and refuse what is outside.
    ``categories`` are the values known at publication, empty where the column is not categorical; ``closed`` refuses
    any other value. An ``optional`` column may be left out of a request: each of its values is missing then. ``unit``
    tells people what a number counts.

    How pandas held the column when the estimator was fitted: ``held`` is ``array`` for the dtype itself, ``str``,
    ``object``, ``category`` (``ordered`` or not), or ``extension`` for a dtype of pandas' own or of Arrow.
    ``extension`` is the exact name of that dtype if ``dtype`` does not say it, and that of the categories if they are
    held as ``category``. ``missing`` is the marker of its missing objects. ``zone`` is the time zone of the
    datetimes, empty for those without. ``label`` is the column's label if that is a whole number and no text.
    """

    name: str
    dtype: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Value, ...] = ()
    closed: bool = False
    held: Held = "array"
    missing: Missing = "nan"
    ordered: bool = False
    zone: str = ""
    extension: str = ""
    label: int | None = None
    optional: bool = False
    bounded: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise BadSchema(f"column {self.name!r} has dtype {self.dtype!r}: expected one of {', '.join(DTYPES)}")

    @property
    def time_unit(self) -> Any:
        """Return the unit of times and durations (``s``, ``ms``, ``us``, ``ns``); empty if the column holds none."""
        return self.dtype[self.dtype.index("[") + 1 : -1] if "[" in self.dtype else ""

    def to_json(self) -> dict[str, Any]:
        """Return the column's fields, without those that the first release did not know if they say nothing."""
        found = asdict(self)
        return {name: value for name, value in found.items() if name not in _LATER or value != _LATER[name]}


_LATER = {
    field.name: field.default
    for field in fields(Column)
    if field.name in {"ordered", "zone", "extension", "label", "optional", "bounded", "unit"}
}


@dataclass(frozen=True, slots=True)
class Output:
    """One thing the model can answer, named after the estimator's method (``predict``, ``predict_proba``, …).

    ``shape`` is that of one row's answer: ``()`` for a scalar, ``(3,)`` for three class probabilities. ``labels`` name
    the entries of the last axis (classes, features, targets), or the classes that a scalar answer is one of.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    labels: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """A model's input columns and outputs.

    ``layout`` says how the estimator takes its rows: ``matrix`` (2-D array), ``table`` (DataFrame) or ``series`` (one
    column as a 1-D sequence, as text vectorizers want). The first of ``outputs`` is the default answer. ``order`` is
    how the numbers of several rows lie in memory: row by row (``C``) or, as in most DataFrames, column by column
    (``F``). Sums that are taken in another order differ in the last bits.
    """

    layout: Layout
    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    task: Task = "estimator"
    order: Order = "C"

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise BadSchema("two columns have the same name")
        if not self.outputs:
            raise BadSchema("a model without any output answers nothing")

    @property
    def homogeneous(self) -> bool:
        """Return whether every column is of one and the same number type and held so: rows fit a 2-D array."""
        first = self.columns[0].dtype if self.columns else ""
        plain = all(c.dtype == first and c.held == "array" and not c.extension for c in self.columns)
        return self.layout != "series" and first in NUMBERS and plain

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names, in the order that the estimator was fitted on."""
        return tuple(column.name for column in self.columns)

    def output(self, name: str) -> Output | None:
        """Return the output of that name, or None."""
        return next((output for output in self.outputs if output.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready form that ``from_json`` reads back."""
        document = {**asdict(self), "columns": [column.to_json() for column in self.columns]}
        if self.order == "C":
            del document["order"]  # the first release does not know it
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Schema":
        """Return the schema that ``to_json`` wrote. Raises BadSchema if it is none."""
        try:
            return cls(
                layout=document["layout"],
                columns=tuple(Column(**{**c, "categories": tuple(c["categories"])}) for c in document["columns"]),
                outputs=tuple(
                    Output(o["name"], o["dtype"], tuple(o["shape"]), tuple(o["labels"])) for o in document["outputs"]
                ),
                task=document["task"],
                order=document.get("order", "C"),
            )
        except (KeyError, TypeError) as error:
            raise BadSchema(f"not a schema: {error}") from error
