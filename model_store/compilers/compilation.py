"""A plan in the making."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import BATCH, Step
from model_store.schema import Column

Form = Literal["matrix", "vector", "sparse", "frame"]


class NotCompiled(Exception):
    """There are no steps for an estimator, or none that are certain to do what it does; the message says why."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a step makes, as far as it is known before there are rows.

    ``form``: ``matrix`` is a 2-D array (rows, ``width``), ``vector`` a 1-D array, ``sparse`` a
    ``model_store.steps.step.Sparse``; ``frame`` is made by no step and has ``columns``, a vector each, which stand for
    a DataFrame. ``dtype`` is NumPy's name of the numbers' type, ``object`` for texts. ``finite`` says that a step has
    already refused NaN and infinity in these very numbers. ``column`` is the schema's column of a vector that is still
    as the batch holds it.
    """

    place: int
    form: Form
    dtype: str
    width: int = 1
    finite: bool = False
    columns: tuple["Value", ...] = ()
    names: tuple[str | int, ...] = ()
    column: Column | None = None


Methods = Mapping[str, Value]
"""By the name of an estimator's method, the value that it answers."""

Compiler = Callable[["Compilation", Any, Value], Methods]
"""Adds the steps of one class of estimators for rows, and returns what its methods answer. Raises NotCompiled."""


class Compilation:
    """Steps that are added one after the other; compilers call ``compile`` for the estimators inside theirs."""

    def __init__(self, compilers: Mapping[str, Compiler]) -> None:
        self._compilers = compilers
        self.steps: list[Step] = []

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
        input. Unless said again, it is not known to be finite.
        """
        places = tuple(value.place for value in inputs) or (BATCH,)
        self.steps.append(Step(kind, places, dict(settings or {}), dict(arrays or {})))
        basis = like or (inputs[0] if inputs else Value(BATCH, "matrix", "float64"))
        fresh = {"finite": False, "column": None, "columns": (), "names": ()}
        return replace(basis, **{**fresh, **known, "place": len(self.steps)})

    def compile(self, estimator: Any, rows: Value) -> Methods:
        """Add the steps of an estimator for rows, and return what its methods answer. Raises NotCompiled."""
        kind = class_path(estimator)
        compiler = self._compilers.get(kind)
        if compiler is None:
            refuse(f"{kind} is not known")
        try:
            return compiler(self, estimator, rows)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise NotCompiled(f"{kind} is not as it is known: {type(error).__name__}: {error}") from error

    # what many compilers need

    def matrix(self, rows: Value, dtype: str = "") -> Value:
        """Return rows as one 2-D array, as NumPy makes one of a DataFrame, of a dtype if one is asked for.

        A matrix stays as it is. Raises NotCompiled.
        """
        if rows.form == "frame":
            return _stacked(self, rows, dtype)
        if rows.form != "matrix":
            refuse(f"it takes numbers of several columns, and gets a {rows.form}")
        return rows

    def dense(self, value: Value) -> Value:
        """Return a value as an array: 2-D of a sparse matrix or a frame, else as it is. Raises NotCompiled."""
        if value.form == "sparse":
            return self.add("dense", value, form="matrix")
        return _stacked(self, value) if value.form == "frame" else value

    def floats(self, rows: Value, *, nan: bool = False, dtype: str = "") -> Value:
        """Return rows as floats, refusing what scikit-learn refuses: infinity, and NaN unless ``nan`` allows it.

        float32 and float64 stay what they are, all else becomes float64; ``dtype`` names another type for all.
        """
        rows = self.matrix(rows, dtype)
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
        """Return rows as numbers of the type that they have; floats are checked as ``floats`` does."""
        rows = self.matrix(rows)
        return rows if np.dtype(rows.dtype).kind in "biu" else self.floats(rows, nan=nan)


def _stacked(compilation: Compilation, rows: Value, wanted: str = "") -> Value:
    dtypes = {value.dtype for value in rows.columns}
    if not rows.columns or not all(np.dtype(dtype).kind in "biuf" for dtype in dtypes):
        refuse("columns that are no numbers become an array of objects")
    dtype = wanted or str(np.result_type(*(np.dtype(name) for name in dtypes)))
    if len(dtypes) > 1 and "bool" in dtypes:
        refuse("bools and numbers together become an array of objects")
    return compilation.add(
        "stack", *rows.columns, settings={"dtype": dtype}, form="matrix", dtype=dtype, width=len(rows.columns)
    )


def class_path(estimator: Any) -> str:
    """Return an estimator's exact class, as the tables of compilers name it."""
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def refuse(reason: str) -> NoReturn:
    """Raise NotCompiled."""
    raise NotCompiled(reason)
