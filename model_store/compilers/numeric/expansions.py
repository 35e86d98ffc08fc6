"""Columns made of columns: bins, products, splines, powers, quantiles."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse

_MODULE = "sklearn.preprocessing"


def _bins(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    dtype = "" if estimator.dtype is None else np.dtype(estimator.dtype).name
    inner = [edges[1:-1] for edges in estimator.bin_edges_]
    table = np.full((len(inner), max(map(len, inner))), np.inf)
    for row, edges in zip(table, inner, strict=True):
        row[: len(edges)] = edges
    found = compilation.add("bins", compilation.floats(rows, dtype=dtype), arrays={"edges": table}, finite=True)
    if estimator.encode == "ordinal":
        return {"transform": found}
    counts = estimator.n_bins_
    kind, form = ("sparse_ones", "sparse") if estimator.encode == "onehot" else ("ones", "matrix")
    offsets, width = (np.cumsum(counts) - counts).astype(np.intp), int(counts.sum())
    settings = {"width": width}
    ones = compilation.add(
        kind, found, arrays={"offsets": offsets}, settings=settings, form=form, width=width, finite=True
    )
    return {"transform": ones}


def _polynomial(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows)
    degrees = estimator._min_degree, estimator._max_degree  # noqa: SLF001 - they are said nowhere else
    if degrees[1] == 0:
        refuse("products of no columns")
    bias, width, kept = estimator.include_bias, estimator._n_out_full, estimator.n_output_features_  # noqa: SLF001
    levels = _levels(rows.width, degrees[1], int(bias), together=not estimator.interaction_only)
    arrays = {f"spans_{i}": np.array(spans, np.int64) for i, spans in enumerate(levels)}
    whole = degrees[0] <= 1
    settings = {
        "width": int(width),
        "bias": bool(bias),
        "order": estimator.order,
        "kept": int(width if whole else kept),
        "levels": len(levels),
    }
    return {"transform": compilation.add("products", rows, arrays=arrays, settings=settings, width=settings["kept"])}


def _levels(columns: int, degree: int, first: int, *, together: bool) -> list[list[tuple[int, int, int]]]:
    """Return for each degree from 2 on which columns that are there are multiplied with which of the rows' columns.

    A product of columns is followed by those with the same column again only if they may be ``together``.
    """
    levels, begins, end = [], list(range(first, first + columns)), first + columns
    for _ in range(2, degree + 1):
        starts = [begins[column] if together else _next(begins, column, end) for column in range(columns)]
        sizes = [end - start for start in starts]
        levels.append([(start, end, column) for column, start in enumerate(starts) if start < end])
        begins = [end + sum(sizes[:column]) for column in range(columns)]
        end += sum(sizes)
    return [spans for spans in levels if spans]


def _next(begins: list[int], column: int, end: int) -> int:
    return begins[column + 1] if column + 1 < len(begins) else end


def _splines(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    degree, splines = int(estimator.degree), estimator.bsplines_
    if estimator.sparse_output or estimator.handle_missing != "error" or degree == 0:
        refuse("sparse splines, splines of missing numbers, or steps")
    outside, height = estimator.extrapolation, splines[0].c.shape[1]
    if height <= degree or (outside == "linear" and degree == 1):
        refuse("splines that meet themselves, or whose ends depend on the column before")
    ends = [(spline(spline.t[degree]), spline(spline.t[-degree - 1])) for spline in splines]
    slopes = [(spline(spline.t[degree], nu=1), spline(spline.t[-degree - 1], nu=1)) for spline in splines]
    arrays = {"knots": np.stack([spline.t for spline in splines])}
    if outside in ("constant", "linear"):
        arrays |= {"least": np.stack([end[0] for end in ends]), "most": np.stack([end[1] for end in ends])}
    if outside == "linear":
        arrays |= {"falling": np.stack([s[0] for s in slopes]), "rising": np.stack([s[1] for s in slopes])}
    settings = {"degree": degree, "height": height, "outside": outside, "order": estimator.order}
    rows = compilation.numbers(rows)
    dtype = rows.dtype if rows.dtype in ("float32", "float64") else "float64"
    made = compilation.add("splines", rows, arrays=arrays, settings=settings, width=height * len(splines), dtype=dtype)
    if estimator.include_bias:
        return {"transform": made}
    kept = np.array([place for place in range(made.width) if (place + 1) % height != 0], np.intp)
    return {"transform": compilation.add("pick", made, arrays={"columns": kept}, width=len(kept))}


def _power(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows, kind = compilation.floats(rows, nan=True), estimator.method.replace("-", "_")
    if kind not in ("yeo_johnson", "box_cox"):
        refuse(f"the method is {estimator.method}")
    made = compilation.add(kind, rows, arrays={"lambdas": np.asarray(estimator.lambdas_)})
    if not estimator.standardize:
        return {"transform": made}
    return compilation.compile(estimator._scaler, made)  # noqa: SLF001 - it is part of the estimator


def _quantiles(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows, nan=True)
    normal = estimator.output_distribution == "normal"
    arrays = {"quantiles": estimator.quantiles_, "references": estimator.references_}
    return {"transform": compilation.add("quantiles", rows, arrays=arrays, settings={"normal": normal})}


COMPILERS: Mapping[str, Compiler] = {
    f"{_MODULE}._discretization.KBinsDiscretizer": _bins,
    f"{_MODULE}._polynomial.PolynomialFeatures": _polynomial,
    f"{_MODULE}._polynomial.SplineTransformer": _splines,
    f"{_MODULE}._data.PowerTransformer": _power,
    f"{_MODULE}._data.QuantileTransformer": _quantiles,
}
