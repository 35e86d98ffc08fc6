"""All estimators that are compiled, and how a whole one becomes a plan."""

from collections.abc import Mapping
from typing import Any

from model_store.compilers import composition
from model_store.compilers.compilation import Compilation, Compiler, Value, refuse
from model_store.compilers.ensembles import boosting, forests, hist_boosting
from model_store.compilers.numeric.families import FAMILIES as NUMERIC
from model_store.plans.plan import Plan, pruned
from model_store.schema import Schema

_MODULES = (composition, forests, boosting, hist_boosting, *NUMERIC)

COMPILERS: Mapping[str, Compiler] = {kind: made for module in _MODULES for kind, made in module.COMPILERS.items()}


def compile_plan(estimator: Any, schema: Schema) -> Plan:
    """Return a plan that answers all outputs of a schema as the estimator would. Raises NotCompiled."""
    compilation = Compilation(COMPILERS)
    methods = compilation.compile(estimator, _source(compilation, schema))
    missing = [output.name for output in schema.outputs if output.name not in methods]
    if missing:
        refuse(f"there are no steps for {missing[0]}")
    places = {output.name: compilation.dense(methods[output.name]).place for output in schema.outputs}
    return pruned(Plan(tuple(compilation.steps), places))


def _source(compilation: Compilation, schema: Schema) -> Value:
    if any(column.nullable and column.dtype.startswith(("int", "uint")) for column in schema.columns):
        refuse("whole numbers with gaps")
    if schema.homogeneous:
        settings = {"order": schema.order}
        return compilation.add("matrix", settings=settings, dtype=schema.columns[0].dtype, width=len(schema.columns))
    columns = tuple(
        compilation.add(
            "column",
            settings={"place": place, "name": column.name},
            form="vector",
            dtype="object" if column.dtype == "string" else column.dtype,
            column=column,
        )
        for place, column in enumerate(schema.columns)
    )
    if schema.layout == "series":
        return columns[0]
    labels = tuple(column.name if column.label is None else column.label for column in schema.columns)
    return Value(0, "frame", "object", len(columns), columns=columns, names=labels)
