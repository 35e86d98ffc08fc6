"""Encoders of scikit-learn: categories, known and unknown, turned into numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse, source
from model_store.missing import is_missing
from model_store.plans.places import NOWHERE, REFUSED
from model_store.schema import FLOATS

_UNKNOWN = "unknown"
Places = Callable[[int, Any], int]
"""The place of a category, given by its index or ``_UNKNOWN``, of the i-th column."""


def _one_hot(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    starts = np.cumsum([0, *vars(estimator)["_n_features_outs"]]).tolist()
    width, dtype = starts[-1], np.dtype(estimator.dtype).name

    def place(i: int, index: Any) -> int:
        found = _one_hot_place(estimator, i, index)
        return found if found < 0 else found + starts[i]

    inputs, settings, arrays = _tables(estimator.categories_, rows, place)
    kind, form = ("one_hot_sparse", "sparse") if estimator.sparse_output else ("one_hot", "matrix")
    known: dict[str, Any] = {"form": form, "width": width, "dtype": dtype, "finite": True}
    settings |= {"width": width, "dtype": dtype}
    return {"transform": compilation.add(kind, *inputs, settings=settings, arrays=arrays, **known)}


def _one_hot_place(estimator: Any, i: int, index: Any) -> int:
    """Return the place of a category among those of its column, -1 for none."""
    handling = "infrequent_if_exist" if estimator.handle_unknown == "warn" else estimator.handle_unknown
    valid, code = index is not _UNKNOWN, 0 if index is _UNKNOWN else index
    if not valid and handling == "error":
        return REFUSED
    grouped = _grouped(estimator, i)
    if grouped is not None:
        valid, code = valid or handling == "infrequent_if_exist", int(grouped[code if valid else grouped.argmax()])
    dropped = vars(estimator)["_drop_idx_after_grouping"]
    if dropped is not None and dropped[i] is not None:
        valid, code = valid and code != dropped[i], code - int(code > dropped[i])
    return code if valid else NOWHERE


def _grouped(estimator: Any, i: int) -> Array | None:
    """Return the code of each category of a column, the greatest for all infrequent ones; None if there are none."""
    found: Array | None = vars(estimator).get("_default_to_infrequent_mappings", {i: None})[i]
    return found


def _ordinal(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    dtype = np.dtype(estimator.dtype)
    columns = [_ordinals(estimator, i, dtype) for i in range(len(estimator.categories_))]
    refused = estimator.handle_unknown == "error"
    return {"transform": _look_up(compilation, estimator.categories_, rows, columns, refused=refused)}


def _ordinals(estimator: Any, i: int, dtype: np.dtype[Any]) -> Array:
    """Return the numbers of all categories of a column, that of an unknown one last."""
    codes, grouped = np.arange(len(estimator.categories_[i])), _grouped(estimator, i)
    gap = vars(estimator)["_missing_indices"].get(i)
    if grouped is not None:
        codes[: len(grouped)] = grouped
    made: Array = np.append(codes, 0).astype(dtype)
    if gap is not None:
        made[:-1][codes == gap] = estimator.encoded_missing_value
    if estimator.handle_unknown == "use_encoded_value":
        made[-1] = estimator.unknown_value
    return made.reshape(-1, 1)


def _target(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    width = len(estimator.classes_) if estimator.target_type_ == "multiclass" else 1
    mean = np.asarray(estimator.target_mean_, dtype=np.float64).reshape(1, width)
    encodings = estimator.encodings_
    columns = [
        np.concatenate([np.stack(encodings[i * width : (i + 1) * width], axis=1), mean])
        for i in range(len(estimator.categories_))
    ]
    return {"transform": _look_up(compilation, estimator.categories_, rows, columns, refused=False)}


def _look_up(
    compilation: Compilation, categories: Sequence[Array], rows: Value, columns: Sequence[Array], *, refused: bool
) -> Value:
    """Add a step that finds the rows of each column's array for its values, the last one for unknown ones."""
    ends = np.cumsum([len(numbers) for numbers in columns]).tolist()
    values = np.concatenate(columns)

    def place(i: int, index: Any) -> int:
        if index is _UNKNOWN:
            return REFUSED if refused else int(ends[i]) - 1
        return int(ends[i] - len(columns[i]) + index)

    inputs, settings, arrays = _tables(categories, rows, place)
    known: dict[str, Any] = {"form": "matrix", "width": values.shape[1] * len(columns), "dtype": values.dtype.name}
    known["finite"] = bool(np.isfinite(values).all())
    return compilation.add("look_up", *inputs, settings=settings, arrays={**arrays, "values": values}, **known)


def _tables(
    categories: Sequence[Array], rows: Value, place: Places
) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Array]]:
    """Return inputs, settings and arrays of a step that finds the places of values."""
    columns = rows.columns if rows.form == "frame" else (None,) * rows.width
    if len(columns) != len(categories) or rows.form not in ("frame", "matrix"):
        refuse(f"it encodes {len(categories)} columns, and gets a {rows.form} of {len(columns)}")
    if any(column is not None and np.dtype(column.dtype).kind not in "biufO" for column in columns):
        refuse("categories of times, or of a type that is not known")
    arrays: dict[str, Array] = {}
    gaps, others = [], []
    for i, (column, known) in enumerate(zip(columns, categories, strict=True)):
        table = _table(known.tolist(), column, lambda index, i=i: place(i, index))  # type: ignore[misc]
        arrays |= {f"keys_{i}": table.keys, f"places_{i}": table.places}
        gaps.append(table.gap)
        others.append(table.other)
    arrays |= {"gaps": np.array(gaps), "others": np.array(others)}
    arrays["infinite"] = np.array([column is not None and column.dtype == "object" for column in columns])
    arrays["floats"] = np.array(list(map(_is_float, columns, categories)))
    if rows.form == "matrix":
        return (rows,), {"matrix": True}, arrays
    return (*source(rows.columns), arrays)


def _is_float(column: Value | None, categories: Array) -> bool:
    """Return whether a column's whole numbers or bools are floats when they are looked at."""
    held = None if column is None else column.column
    if held is None or held.dtype in (*FLOATS, "string"):
        return False
    return held.held == "extension" or (held.held == "array" and categories.dtype.kind == "f")


class _Table:
    """Where the values of a column go, as a batch holds them."""

    def __init__(self, keys: Sequence[Any], places: Sequence[int], gap: int, other: int) -> None:
        self.keys, self.places = _array(keys), np.array(places, dtype=np.int64)
        self.gap, self.other = gap, other


def _table(categories: Sequence[Any], column: Value | None, place: Callable[[Any], int]) -> _Table:
    indices = {category: i for i, category in enumerate(categories) if not is_missing(category)}
    gap = place(_gap_index(categories, indices, column))
    places = {category: place(index) for category, index in indices.items()}
    other = place(_UNKNOWN)
    if column is not None and column.column is not None and column.column.held == "category":
        places = {value: places.get(value, other) for value in column.column.categories}
        other = gap  # pandas makes a missing value of a category that it does not know
    return _Table(list(places), list(places.values()), gap, other)


def _gap_index(categories: Sequence[Any], indices: Mapping[Any, int], column: Value | None) -> Any:
    """Return the index of the category that a missing value is, or ``_UNKNOWN``."""
    if column is not None and column.gap is not None:
        return indices.get(column.gap, _UNKNOWN)
    marker = _marker(column)
    fitting = [i for i, known in enumerate(categories) if is_missing(known) and (known is None) == (marker == "none")]
    return fitting[0] if fitting and marker != "na" else _UNKNOWN


def _marker(column: Value | None) -> str:
    """Return what pandas has for a missing value of a column: ``nan``, ``none``, ``na``."""
    if column is None or column.column is None or column.column.held in ("array", "str", "category"):
        return (
            "none"
            if column and column.column and (column.column.held, column.column.dtype) == ("array", "bool")
            else "nan"
        )
    if column.column.held == "object":
        return column.column.missing
    return "na" if column.column.dtype == "string" else "nan"


def _array(keys: Sequence[Any]) -> Array:
    """Return keys of one type as an array that a plan holds."""
    kinds = {type(key) for key in keys}
    if len(kinds) > 1 or not kinds <= {str, int, float, bool}:
        refuse(f"categories of several types, or of one that is no text or number: {sorted(map(str, kinds))}")
    return np.array(keys, dtype=_TYPES[kinds.pop() if kinds else int](keys))


_TYPES: Mapping[type, Callable[[Sequence[Any]], Any]] = {
    str: lambda _: np.object_,
    float: lambda _: np.float64,
    bool: lambda _: np.bool_,
    int: lambda keys: np.uint64 if max(keys, default=0) > np.iinfo(np.int64).max else np.int64,
}
"""The dtype of keys of one type, which holds each exactly. NumPy's own choice for large whole numbers is floats."""

_KNOWN = {"OneHotEncoder": _one_hot, "OrdinalEncoder": _ordinal}
COMPILERS: Mapping[str, Compiler] = {
    **{f"sklearn.preprocessing._encoders.{name}": made for name, made in _KNOWN.items()},
    "sklearn.preprocessing._target_encoder.TargetEncoder": _target,
}
