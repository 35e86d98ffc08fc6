"""All estimators that are compiled, and how a whole one becomes a plan."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers import neighbours, support_vectors
from model_store.compilers.calling import caller
from model_store.compilers.columns.families import FAMILIES as COLUMNS
from model_store.compilers.compilation import Compilation, Compiler, Value, frame, refuse
from model_store.compilers.compositions.families import FAMILIES as COMPOSITIONS
from model_store.compilers.ensembles.families import FAMILIES as ENSEMBLES
from model_store.compilers.numeric.families import FAMILIES as NUMERIC
from model_store.compilers.sparing import spared
from model_store.compilers.summing import summed
from model_store.plans.plan import Plan, pruned
from model_store.schema import FLOATS, INTEGERS, NUMBERS, Column, Output, Schema

_MODULES = (support_vectors, neighbours, *COMPOSITIONS, *ENSEMBLES, *NUMERIC, *COLUMNS)
_NUMBERS_OF_PANDAS = tuple(name.replace("i", "I").replace("uI", "UI").replace("f", "F") for name in NUMBERS)
_PANDAS_OWN = frozenset(("boolean", "string[python]", "string[pyarrow]", *_NUMBERS_OF_PANDAS))
"""Dtypes of pandas' own whose values a batch holds as it holds NumPy's."""

COMPILERS: Mapping[str, Compiler] = {kind: made for module in _MODULES for kind, made in module.COMPILERS.items()}


def compile_plan(estimator: Any, schema: Schema) -> Plan:
    """Return a plan that answers all outputs of a schema as the estimator would. Raises NotCompiled."""
    return _plan(estimator, schema, Compilation(COMPILERS))


def compile_with_calls(estimator: Any, schema: Schema) -> Plan:
    """Return such a plan, which calls the parts of the estimator that there are no steps for. Raises NotCompiled."""
    return _plan(estimator, schema, Compilation(COMPILERS, caller(estimator)))


def _plan(estimator: Any, schema: Schema, compilation: Compilation) -> Plan:
    methods = compilation.compile(estimator, _source(compilation, schema))
    missing = [output.name for output in schema.outputs if output.name not in methods]
    if missing:
        refuse(f"there are no steps for {missing[0]}")
    places = {output.name: _answer(compilation, methods[output.name], output).place for output in schema.outputs}
    return pruned(summed(spared(pruned(Plan(tuple(compilation.steps), places)))))


def _answer(compilation: Compilation, value: Value, output: Output) -> Value:
    made = compilation.dense(value)
    if output.name == "transform" and output.dtype == "string" and np.dtype(made.dtype).kind in "biuf":
        refuse(f"{output.name} has numbers of several types, as objects")
    if output.dtype in INTEGERS and made.dtype in FLOATS and output.name == "transform":
        refuse(f"{output.name} has whole numbers, and their gaps need floats")
    return made


def _source(compilation: Compilation, schema: Schema) -> Value:
    tight = frozenset(column.name for column in schema.columns if _is_tight(column))
    if tight and any(column.dtype == "float32" for column in schema.columns):
        refuse("whole numbers with gaps next to float32")
    if tight and schema.homogeneous and schema.layout == "table" and schema.order == "C":
        refuse("whole numbers with gaps, row by row in memory")
    names = tuple(column.name if column.label is None else column.label for column in schema.columns)
    if schema.homogeneous and not (tight and schema.layout == "table"):
        return _matrix(compilation, schema, names if schema.layout == "table" else (), tight=bool(tight))
    columns = tuple(_column(compilation, place, column) for place, column in enumerate(schema.columns))
    return columns[0] if schema.layout == "series" else frame(columns, names if schema.layout == "table" else ())


def _is_tight(column: Column) -> bool:
    """Return whether a column's type has no room for its gaps: where it has one it becomes floats."""
    return column.nullable and column.held == "array" and column.dtype in (*INTEGERS, "bool")


def _matrix(compilation: Compilation, schema: Schema, labels: tuple[str | int, ...], *, tight: bool) -> Value:
    dtype, settings = schema.columns[0].dtype, dict[str, Any](order=schema.order)
    if tight:
        dtype, settings = "float64", {**settings, "dtype": "float64", "names": list(schema.names)}
    return compilation.add("matrix", settings=settings, dtype=dtype, width=len(schema.columns), names=labels)


def _column(compilation: Compilation, place: int, column: Column) -> Value:
    known = {"extension": _PANDAS_OWN, "category": frozenset({"", "object", "str"})}
    settings = {"place": place, "name": column.name}
    dtype = "object" if column.dtype == "string" else "float64" if _is_tight(column) else column.dtype
    if column.time_unit or column.extension not in known.get(column.held, frozenset({""})):
        dtype = "void"  # nothing takes it
    return compilation.add("column", settings=settings, form="vector", dtype=dtype, column=column, at=place)
