"""A plan in the making."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import BATCH, Step
from model_store.schema import FLOATS, Column

_FEW = 1024
Form = Literal["matrix", "vector", "sparse", "frame"]

_SMALL = 4096


class NotCompiled(Exception):
    """There are no steps for an estimator, or none that are certain to do what it does; the message says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a step makes, as far as it is known before there are rows.

    ``form``: ``matrix`` is a 2-D array (rows, ``width``), ``vector`` a 1-D array, ``sparse`` a
    ``model_store.steps.step.Sparse``; ``frame`` is made by no step and has ``columns``, a vector each, which stand for
    a DataFrame. ``dtype`` is NumPy's name of the numbers' type, ``object`` for texts. ``finite`` says that a step has
    already refused NaN and infinity in these very numbers. ``names`` are the columns' labels if the estimator gets a
    DataFrame. ``column`` is the schema's column of a vector that is still as the batch holds it, ``at`` its place in
    the schema, and ``gap`` the value that an imputer has put where the batch has a missing one.
    """

    place: int
    form: Form
    dtype: str
    width: int = 1
    finite: bool = False
    columns: tuple["Value", ...] = ()
    names: tuple[str | int, ...] = ()
    column: Column | None = None
    at: int = -1
    gap: Any = None


Methods = Mapping[str, Value]
"""By the name of an estimator's method, the value that it answers."""

Compiler = Callable[["Compilation", Any, Value], Methods]
"""Adds the steps of one class of estimators for rows, and returns what its methods answer. Raises NotCompiled."""


class Compilation:
    """Steps that are added one after the other; compilers call ``compile`` for the estimators inside theirs."""

    def __init__(self, compilers: Mapping[str, Compiler], otherwise: Compiler | None = None) -> None:
        """Compile by the class of an estimator, and by ``otherwise`` what that refuses."""
        self._compilers = compilers
        self._otherwise = otherwise
        self.steps: list[Step] = []
        self._places: dict[str, int] = {}

    def add(
        self,
        kind: str,
        *inputs: Value,
        arrays: Mapping[str, Array] | None = None,
        settings: Mapping[str, Any] | None = None,
        like: Value | None = None,
        **known: Any,
    ) -> Value:
        """Add a step that takes some values, none for the batch, and return the value that it makes.

        What is known of that value are the fields of Value: those given, else those of ``like``, else of the first
        input. Unless said again, it is not known to be finite. A step that is there already is not added again.
        """
        places = tuple(value.place for value in inputs) or (BATCH,)
        held = {name: np.asarray(values, order="C") for name, values in (arrays or {}).items()}
        place = self._place(Step(kind, places, dict(settings or {}), held))
        basis = like or (inputs[0] if inputs else Value(BATCH, "matrix", "float64"))
        fresh = {"finite": False, "column": None, "at": -1, "gap": None, "columns": (), "names": ()}
        return replace(basis, **{**fresh, **known, "place": place})

    def _place(self, step: Step) -> int:
        """Return the place of a step, added unless one that does the same is there."""
        said = _said(step)
        if said in self._places:
            return self._places[said]
        self.steps.append(step)
        if said:
            self._places[said] = len(self.steps)
        return len(self.steps)

    def compile(self, estimator: Any, rows: Value) -> Methods:
        """Add the steps of an estimator for rows, and return what its methods answer. Raises NotCompiled."""
        count = len(self.steps)
        try:
            return self._compiled(estimator, rows)
        except NotCompiled as reason:
            if self._otherwise is None:
                raise
            self._forget(count)
            try:
                return self._otherwise(self, estimator, rows)
            except NotCompiled:
                raise reason from None

    def _compiled(self, estimator: Any, rows: Value) -> Methods:
        kind = class_path(estimator)
        compiler = self._compilers.get(kind)
        if compiler is None:
            refuse(f"{kind} is not known")
        _check_own(estimator)
        try:
            return compiler(self, estimator, rows)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise NotCompiled(f"{kind} is not as it is known: {type(error).__name__}: {error}") from error

    def _forget(self, count: int) -> None:
        """Take back all steps but the first ``count``."""
        del self.steps[count:]
        self._places = {said: place for said, place in self._places.items() if place <= count}

    # what many compilers need

    def matrix(self, rows: Value, dtype: str = "") -> Value:
        """Return rows as one 2-D array, as scikit-learn's checks make one of a DataFrame when they ask for a dtype.

        A matrix stays as it is, and so do numbers that the checks leave to NumPy to cast. Raises NotCompiled.
        """
        if rows.form == "frame":
            found = _checked(rows.columns)
            return _block(self, rows, dtype if dtype and _cast_early(rows.columns) else found)
        if rows.form != "matrix":
            refuse(f"it takes numbers of several columns, and gets a {rows.form}")
        return rows

    def dense(self, value: Value) -> Value:
        """Return a value as an array: 2-D of a sparse matrix, or of a frame as NumPy makes one; else as it is.

        Raises NotCompiled.
        """
        if value.form == "sparse":
            return self._dense(value)
        if value.form == "frame":
            if any(column.dtype == "object" for column in value.columns):
                return _objects(self, value)
            return _block(self, value, _unchecked(value.columns))
        return value

    def floats(self, rows: Value, *, nan: bool = False, dtype: str = "") -> Value:
        """Return rows as floats, refusing what scikit-learn refuses: infinity, and NaN unless ``nan`` allows it.

        float32 and float64 stay what they are, all else becomes float64; ``dtype`` names another type for all.
        """
        rows = self.matrix(self._few(rows) if dtype == "float32" else rows, dtype)
        wanted = dtype or (rows.dtype if rows.dtype in ("float32", "float64") else "float64")
        if rows.dtype == "object":
            refuse("it takes numbers, and gets texts")
        if rows.dtype != wanted:
            return self.add("as_float", rows, settings={"dtype": wanted, "nan": nan}, dtype=wanted, finite=not nan)
        return rows if rows.finite else self.add("finite", rows, settings={"nan": nan}, finite=not nan)

    def cast(self, rows: Value, dtype: str) -> Value:
        """Return rows as floats of a dtype, refusing none: NaN and infinity pass, and what is too large is infinite."""
        rows = self.matrix(rows, dtype)
        if rows.dtype == "object":
            refuse("it takes numbers, and gets texts")
        return rows if rows.dtype == dtype else self.add("cast", rows, settings={"dtype": dtype}, dtype=dtype)

    def numbers(self, rows: Value, *, nan: bool = False) -> Value:
        """Return rows as numbers of the type that they have, sparse ones too; floats are checked as ``floats`` does."""
        if rows.form == "sparse":
            return rows if rows.finite else self.add("sparse_finite", rows, finite=True)
        rows = self.matrix(rows)
        return rows if np.dtype(rows.dtype).kind in "biu" else self.floats(rows, nan=nan)

    def _few(self, rows: Value) -> Value:
        """Return sparse rows of few columns as an array, for trees, which ask for single numbers; else as they are."""
        return self._dense(rows) if rows.form == "sparse" and rows.width <= _FEW else rows

    def _dense(self, value: Value) -> Value:
        """Add a sparse matrix's 2-D array, by the step that makes it at once if there is one."""
        made = self.steps[value.place - 1]
        if made.kind != "one_hot_sparse":
            return self.add("dense", value, form="matrix", finite=value.finite)
        self.steps.append(replace(made, kind="one_hot"))
        return replace(value, place=len(self.steps), form="matrix")


def _check_own(estimator: Any) -> None:
    """Raise NotCompiled for an estimator of which a method was replaced on the object itself."""
    own = [name for name in vars(estimator) if callable(getattr(type(estimator), name, None))]
    if own:
        refuse(f"{class_path(estimator)} has another {own[0]} than its class")


def frame(columns: tuple[Value, ...], names: tuple[str | int, ...] = ()) -> Value:
    """Return columns, a vector each, as what stands for a DataFrame."""
    return Value(BATCH, "frame", "object", len(columns), columns=columns, names=names)


def source(columns: tuple[Value, ...]) -> tuple[tuple[Value, ...], dict[str, Any]]:
    """Return inputs and settings of a step that reads columns: from the batch itself if all are as it holds them."""
    if all(value.column is not None for value in columns):
        names = [value.column.name for value in columns if value.column is not None]
        return (), {"names": names, "places": [value.at for value in columns]}
    return columns, {}


def _block(compilation: Compilation, rows: Value, dtype: str) -> Value:
    inputs, settings = source(rows.columns)
    held = enumerate(value.column for value in rows.columns)
    objects = [i for i, column in held if column and column.nullable and column.dtype not in FLOATS]
    known: dict[str, Any] = {"form": "matrix", "dtype": dtype, "width": len(rows.columns)}
    if inputs:
        return compilation.add("stack", *inputs, settings={"dtype": dtype}, **known)
    return compilation.add("block", settings={**settings, "dtype": dtype, "objects": objects}, **known)


def _objects(compilation: Compilation, rows: Value) -> Value:
    inputs, settings = source(rows.columns)
    gaps = np.array([value.gap for value in rows.columns], dtype=object)
    if not all(gap is None or isinstance(gap, str) for gap in gaps.tolist()):
        refuse("gaps that become numbers among texts")
    known: dict[str, Any] = {"form": "matrix", "dtype": "object", "width": len(rows.columns)}
    return compilation.add("texts", *inputs, settings=settings, arrays={"gaps": gaps}, **known)


def _checked(columns: tuple[Value, ...]) -> str:
    """Return the type of the array that scikit-learn's checks make of columns: pandas' own become float64."""
    _check_numbers(columns)
    held = {value.column.held for value in columns if value.column}
    if "object" in held and any(value.column.nullable for value in columns if value.column):
        refuse("objects next to numbers with gaps")
    return "float64" if {"object", "extension"} & held else _common(columns)


def _unchecked(columns: tuple[Value, ...]) -> str:
    """Return the type of the array that NumPy makes of columns; one of objects is as good as one of float64."""
    _check_numbers(columns)
    held = [value.column for value in columns if value.column]
    if any(column.nullable and column.held in ("object", "extension") for column in held):
        refuse("numbers with gaps become an array of objects")
    is_bool = {value.dtype == "bool" for value in columns}
    return "float64" if len(is_bool) > 1 or any(column.held != "array" for column in held) else _common(columns)


def _cast_early(columns: tuple[Value, ...]) -> bool:
    """Return whether scikit-learn casts column by column: not the array that NumPy makes of all of them."""
    return any(value.dtype == "bool" or (value.column and value.column.held == "extension") for value in columns)


def _common(columns: tuple[Value, ...]) -> str:
    return str(np.result_type(*(np.dtype(value.dtype) for value in columns)))


def _check_numbers(columns: tuple[Value, ...]) -> None:
    for value in columns:
        if np.dtype(value.dtype).kind not in "biuf":
            refuse("it takes numbers, and gets a column of something else")
        if value.column and value.column.held == "category":
            refuse("it takes numbers, and gets a category")


def _said(step: Step) -> str:
    """Return all of a step as text if its arrays are small, else nothing."""
    if any(values.nbytes > _SMALL or values.dtype.kind == "O" for values in step.arrays.values()):
        return ""
    arrays = {name: (values.dtype.str, values.shape, values.tolist()) for name, values in step.arrays.items()}
    return json.dumps([step.kind, step.inputs, step.settings, arrays])


def class_path(estimator: Any) -> str:
    """Return an estimator's exact class, as the tables of compilers name it."""
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def refuse(reason: str) -> NoReturn:
    """Raise NotCompiled."""
    raise NotCompiled(reason)
