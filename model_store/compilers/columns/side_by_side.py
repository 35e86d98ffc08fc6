"""Estimators that treat some columns so and others so, and set the results side by side."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, frame, refuse

_PASSING = ("passthrough", None)


def _column_transformer(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if rows.form not in ("frame", "matrix"):
        refuse(f"it takes several columns, and gets a {rows.form}")
    weights = estimator.transformer_weights or {}
    parts = []
    for name, transformer, columns in estimator.transformers_:
        indices = vars(estimator)["_transformer_to_input_indices"][name]
        if len(indices) and not (isinstance(transformer, str) and transformer == "drop"):
            chosen = _chosen(compilation, rows, [int(i) for i in indices], columns)
            parts.append(_weighted(compilation, _transformed(compilation, transformer, chosen), weights.get(name)))
    if not parts:
        refuse("no column is left")
    if estimator.sparse_output_:
        return {"transform": _sparse_beside(compilation, parts)}
    return {"transform": _beside(compilation, [_unsparse(compilation, part) for part in parts], _order(estimator))}


def _union(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    weights = estimator.transformer_weights or {}
    there = [(name, part) for name, part in estimator.transformer_list if not isinstance(part, str) or part != "drop"]
    made = [_weighted(compilation, _transformed(compilation, part, rows), weights.get(name)) for name, part in there]
    if not made:
        refuse("no part is left")
    if any(part.form == "sparse" for part in made):
        return {"transform": _sparse_beside(compilation, made)}
    return {"transform": _beside(compilation, made, _order(estimator))}


def _transformed(compilation: Compilation, transformer: Any, rows: Value) -> Value:
    if transformer is None or isinstance(transformer, str):
        return rows if transformer in _PASSING else refuse(f"{transformer!r} is not known")
    return compilation.compile(transformer, rows)["transform"]


def _chosen(compilation: Compilation, rows: Value, indices: Sequence[int], asked: Any) -> Value:
    """Return the chosen columns: one, if a single name or number asks for it, is a vector."""
    if rows.form == "frame":
        names = tuple(rows.names[i] for i in indices) if rows.names else ()
        columns = tuple(rows.columns[i] for i in indices)
        return columns[0] if np.isscalar(asked) else frame(columns, names)
    if np.isscalar(asked):
        return compilation.add("one_column", rows, settings={"column": indices[0]}, form="vector", width=1)
    names = tuple(rows.names[i] for i in indices) if rows.names else ()
    settings = _selection(rows, indices, asked)
    return compilation.add("select", rows, settings=settings, width=len(indices), names=names, finite=rows.finite)


def _selection(rows: Value, indices: Sequence[int], asked: Any) -> dict[str, Any]:
    """Return how a matrix's columns are chosen: pandas makes a view of those at equal distances, NumPy of slices."""
    by = indices[1] - indices[0] if len(indices) > 1 else 1
    even = by != 0 and all(b - a == by for a, b in pairwise(indices))
    if even and (rows.names or isinstance(asked, slice)):
        stop = indices[-1] + (1 if by > 0 else -1)
        return {"start": indices[0], "stop": stop if stop >= 0 else None, "by": by}
    return {"columns": list(indices), "order": "kept" if rows.names else "F"}


def _weighted(compilation: Compilation, part: Value, weight: float | None) -> Value:
    if weight is None:
        return part
    if part.form not in ("matrix", "sparse") or part.dtype not in ("float64", "int64"):
        refuse("weights of what is no array of floats")
    kind = "sparse_times" if part.form == "sparse" else "times"
    return compilation.add(kind, part, settings={"by": float(weight)}, dtype="float64")


def _unsparse(compilation: Compilation, part: Value) -> Value:
    return compilation.dense(part) if part.form == "sparse" else part


def _beside(compilation: Compilation, parts: Sequence[Value], order: str) -> Value:
    if any(part.form == "frame" and any(column.dtype == "object" for column in part.columns) for part in parts):
        return _table(parts)
    dense = [compilation.dense(part) for part in parts]
    if any(part.form != "matrix" for part in dense):
        refuse("a part that is no matrix")
    if len(dense) == 1 and compilation.steps[dense[0].place - 1].kind != "select":  # NumPy copies what may be a view
        return dense[0]
    known: dict[str, Any] = {"width": sum(part.width for part in dense), "dtype": _common(dense), "form": "matrix"}
    known["finite"] = all(part.finite for part in dense)
    return compilation.add("beside", *dense, settings={"order": order}, **known)


def _table(parts: Sequence[Value]) -> Value:
    """Return texts and other columns side by side: an array of objects, which nothing but encoders takes."""
    if any(part.form != "frame" for part in parts):
        refuse("texts next to what is computed")
    return frame(tuple(column for part in parts for column in part.columns))


def _sparse_beside(compilation: Compilation, parts: Sequence[Value]) -> Value:
    found = [part if part.form == "sparse" else compilation.matrix(part) for part in parts]
    if len(found) == 1 and found[0].form == "sparse":
        return found[0]
    known: dict[str, Any] = {"form": "sparse", "width": sum(part.width for part in found), "dtype": _common(found)}
    known["finite"] = all(part.finite for part in found)
    return compilation.add("sparse_beside", *found, settings={"dtype": known["dtype"]}, **known)


def _common(parts: Sequence[Value]) -> str:
    return str(np.result_type(*(np.dtype(part.dtype) for part in parts)))


def _order(estimator: Any) -> str:
    """Return how the result lies in memory: tables of pandas column by column, arrays as NumPy sets them together."""
    wanted = getattr(estimator, "_sklearn_output_config", {}).get("transform", "default")
    if wanted not in ("default", "pandas", None):
        refuse(f"tables of {wanted}")
    return "F" if wanted == "pandas" else "C"


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.compose._column_transformer.ColumnTransformer": _column_transformer,
    "sklearn.pipeline.FeatureUnion": _union,
}
