"""What many compilers of numbers need."""

from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Methods, Value, refuse


def stored(weights: Array) -> tuple[Array, bool]:
    """Return weights as a plan keeps them, C-ordered, and whether a step turns them to have them as they were."""
    turned = weights.ndim > 1 and weights.strides[0] < weights.strides[1]
    return np.ascontiguousarray(weights.T if turned else weights), turned


def laid_out(weights: Array) -> tuple[Array, dict[str, Any]]:
    """Return weights as a plan keeps them, and the settings of a step that lays them out as they were.

    A slice of a larger array keeps the distance of its rows: BLAS adds in another order for another distance.
    """
    turned = weights.ndim > 1 and abs(weights.strides[0]) < abs(weights.strides[1])
    kept = weights.T if turned else weights
    distance, left_over = divmod(kept.strides[0], weights.itemsize)
    is_slice = (
        kept.ndim > 1 and kept.strides[1] == weights.itemsize and abs(distance) >= kept.shape[1] and not left_over
    )
    stride = {"stride": distance} if is_slice and distance != kept.shape[1] and len(kept) > 1 else {}
    return np.ascontiguousarray(kept), {"turned": turned, **stride}


def weighed(
    compilation: Compilation, rows: Value, weights: Array, *, plus: Any = None, flat: bool = False, **more: Array
) -> Value:
    """Add ``rows @ weights + plus``; ``more`` are other arrays that a ``project`` step takes."""
    if rows.form == "sparse":
        return _weighed_sparse(compilation, rows, weights, plus, flat=flat or weights.ndim == 1)
    dtype = np.result_type(np.dtype(rows.dtype), weights.dtype)
    kept, layout = laid_out(weights)
    arrays = {**more, "weights": kept}
    if plus is not None:
        arrays["plus"] = added(plus, dtype)
        dtype = np.result_type(dtype, arrays["plus"].dtype)
    vector = flat or weights.ndim == 1
    return compilation.add(
        "project" if more else "dot",
        rows,
        arrays=arrays,
        settings={**layout, "flat": flat},
        form="vector" if vector else "matrix",
        dtype=dtype.name,
        width=1 if vector else weights.shape[1],
    )


def _weighed_sparse(compilation: Compilation, rows: Value, weights: Array, plus: Any, *, flat: bool) -> Value:
    """Add what SciPy does: it takes the numbers of a row one after the other. Raises NotCompiled for float32."""
    if rows.dtype == "float32" or weights.dtype != np.float64:
        refuse("sparse rows or weights of float32")
    arrays = {"weights": np.ascontiguousarray(weights.T)}
    if plus is not None:
        arrays["plus"] = added(plus, np.dtype(np.float64))
    known: dict[str, Any] = {"form": "vector" if flat else "matrix", "width": 1 if flat else weights.shape[1]}
    known["dtype"] = "float64"
    return compilation.add("sparse_dot", rows, arrays=arrays, settings={"flat": flat}, **known)


def added(number: Any, dtype: Any) -> Array:
    """Return what is added as an array: numbers of Python take the dtype of the other ones, as NumPy decides."""
    return np.asarray(number, dtype if isinstance(number, int | float) and not isinstance(number, np.generic) else None)


def scaled(compilation: Compilation, rows: Value, **arrays: Array) -> Value:
    """Add a ``scale`` step that keeps the dtype of the rows; rows as they are if there is nothing to do."""
    if not arrays:
        return rows
    wider = any(np.result_type(np.dtype(rows.dtype), array.dtype) != np.dtype(rows.dtype) for array in arrays.values())
    return compilation.add("scale", rows, arrays=arrays, settings={"within": True} if wider else {})


def function(compilation: Compilation, values: Value, name: str, dtype: str = "") -> Value:
    """Add a function of each number."""
    return compilation.add("each", values, settings={"name": name}, dtype=dtype or values.dtype)


def ufunc_name(given: Any) -> str:
    """Return the name of one of NumPy's functions of single numbers; empty for any other function."""
    name = str(getattr(given, "__name__", ""))
    ours = isinstance(given, np.ufunc) and (given.nin, given.nout) == (1, 1) and getattr(np, name, None) is given
    return name if ours else ""


def chosen(
    compilation: Compilation, scores: Value, classes: Array, *, than: float = 0.0, or_equal: bool = False
) -> Value:
    """Add the class of the greatest score; of one score, the second class if it is greater than ``than``, or equal."""
    kind = "above" if scores.form == "vector" else "most"
    settings = {"than": than, "or_equal": or_equal} if kind == "above" else {}
    classes = classes.astype(object) if classes.dtype.kind == "U" else classes  # as a plan that is read has them
    dtype = "object" if classes.dtype.kind in "OS" else classes.dtype.name
    return compilation.add(
        kind, scores, arrays={"labels": classes}, settings=settings, form="vector", width=1, dtype=dtype
    )


def both(compilation: Compilation, shares: Value) -> Value:
    """Add the shares of both classes, of those of the second."""
    return compilation.add("two", shares, form="matrix", width=2)


def classified(compilation: Compilation, scores: Value, classes: Array) -> Methods:
    """Return a classifier's ``predict`` and ``decision_function``."""
    return {"predict": chosen(compilation, scores, classes), "decision_function": scores}
