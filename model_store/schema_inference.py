"""From a fitted estimator and sample rows to a schema, and the sample as a batch of that schema."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from model_store import outputs
from model_store.batch import Array, Batch, estimator_input, take
from model_store.engines.answers import is_missing
from model_store.engines.estimator import answers
from model_store.errors import BadSample
from model_store.estimators import SEQUENCES, parts
from model_store.samples import Rows
from model_store.schema import FLOATS, INTEGERS, NUMBERS, Column, Held, Layout, Output, Schema, Task, Value

UnknownCategories = Literal["accept", "refuse"]
_MOST_CATEGORIES = 50
_MOST_ENCODED_CATEGORIES = 1000
_TRIAL_ROWS = 8
_IMPUTERS = ("SimpleImputer", "KNNImputer", "IterativeImputer")
_TAKES_NAN = ("HistGradientBoosting", "XGB", "LGBM")
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")


@dataclass(frozen=True, slots=True)
class Inferred:
    """A schema, the whole sample as its batch, and the sample as the caller's own call of the estimator takes it."""

    schema: Schema
    batch: Batch
    rows: Any


def infer(estimator: Any, sample: Rows, unknown_categories: UnknownCategories = "accept") -> Inferred:
    """Read the schema from an estimator and sample rows; raises BadSample where they do not fit each other."""
    rows = _selected(estimator, sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about feature names and the like: what matters is compared later
        schema, values = _first_that_answers(estimator, rows)
        schema, values = _with_missing(estimator, schema, values)
    schema = _with_categories(estimator, schema, values, closed=unknown_categories == "refuse")
    return Inferred(schema, _batch(schema, values), _as_called(schema.layout, rows))


def _first_that_answers(estimator: Any, rows: Rows) -> tuple[Schema, list[Array]]:
    first_error: BadSample | None = None
    for layout in _layouts(estimator, rows):
        columns, values = _columns(layout, rows)
        draft = Schema(layout, columns, (Output("predict", "float64"),), task(estimator))
        few = np.arange(min(len(rows), _TRIAL_ROWS))
        try:
            called_with = estimator_input(draft, take(_batch(draft, values), few))
            return replace(draft, outputs=outputs.discover(estimator, called_with, len(few))), values
        except BadSample as error:
            first_error = first_error or error
    raise first_error or BadSample("no layout fits the sample")


def task(estimator: Any) -> Task:
    """What kind of estimator it is, by scikit-learn's own tests."""
    from sklearn import base

    tests: tuple[tuple[Any, Task], ...] = (
        (base.is_classifier, "classifier"),
        (base.is_regressor, "regressor"),
        (base.is_outlier_detector, "outlier_detector"),
        (base.is_clusterer, "clusterer"),
    )
    for test, kind in tests:
        try:
            if test(estimator):
                return kind
        except Exception:  # noqa: BLE001, S112 - estimators without scikit-learn's tags are of no kind
            continue
    return "transformer" if hasattr(estimator, "transform") and not hasattr(estimator, "predict") else "estimator"


def _selected(estimator: Any, sample: Rows) -> Rows:
    """The columns that the estimator was fitted on, in its order."""
    names = _fitted_names(estimator)
    if isinstance(sample, pd.DataFrame):
        if names is None:
            return sample
        absent = [name for name in names if name not in sample.columns]
        if absent:
            raise BadSample(f"the sample lacks column {absent[0]!r}, which the estimator was fitted on")
        return sample[list(names)]
    if names is not None and sample.ndim == 2:  # noqa: PLR2004 - rows and columns
        if sample.shape[1] != len(names):
            raise BadSample(f"the sample has {sample.shape[1]} columns, the estimator was fitted on {len(names)}")
        return pd.DataFrame(sample, columns=list(names)).infer_objects()
    return sample


def _fitted_names(estimator: Any) -> tuple[str, ...] | None:
    try:
        names = estimator.feature_names_in_
    except Exception:  # noqa: BLE001 - delegated attributes of meta-estimators raise more than AttributeError
        return None
    listed = tuple(str(name) for name in names)
    made_up = tuple(f"Column_{i}" for i in range(len(listed)))  # what LightGBM calls the columns of an array
    return None if listed == made_up and type(_first_step(estimator)).__module__.startswith("lightgbm.") else listed


def _layouts(estimator: Any, rows: Rows) -> tuple[Layout, ...]:
    """How the estimator may want its rows, the likeliest first."""
    if isinstance(rows, np.ndarray):
        return ("series",) if rows.ndim == 1 else ("matrix",)
    if _fitted_names(estimator) is not None:
        return ("table",)
    if all(pd.api.types.is_numeric_dtype(dtype) for dtype in rows.dtypes):
        return ("table", "matrix") if _selects_by_name(estimator) else ("matrix", "table")
    if rows.shape[1] == 1:
        return ("series", "table") if _takes_texts(estimator) else ("table", "series")
    return ("table",)


def _takes_texts(estimator: Any) -> bool:
    first = _first_step(estimator)
    return type(first).__name__ in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer") or (
        type(first).__name__ == "FeatureUnion" and any(_takes_texts(part) for _, part in first.transformer_list)
    )


def _selects_by_name(estimator: Any) -> bool:
    """Whether it starts with a step of the user's own, which may ask a DataFrame for its columns."""
    first = _first_step(estimator)
    return type(first).__name__ == "FunctionTransformer" or not type(first).__module__.startswith(
        ("sklearn.", "xgboost.", "lightgbm.")
    )


def _first_step(estimator: Any) -> Any:
    steps = getattr(estimator, "steps", None)
    best = getattr(estimator, "best_estimator_", None)
    if steps:
        return _first_step(steps[0][1])
    return _first_step(best) if best is not None else estimator


def _as_called(layout: Layout, rows: Rows) -> Any:
    if layout == "series" and isinstance(rows, pd.DataFrame):
        return rows.iloc[:, 0].to_numpy(dtype=object)
    return rows.to_numpy() if layout == "matrix" and isinstance(rows, pd.DataFrame) else rows


def _columns(layout: Layout, rows: Rows) -> tuple[tuple[Column, ...], list[Array]]:
    if isinstance(rows, np.ndarray):
        frame = _frame_of(layout, rows)
    elif layout == "matrix":
        common = np.asarray(rows)
        frame = pd.DataFrame(common, columns=[str(name) for name in rows.columns])
    else:
        frame = rows
    if len(set(map(str, frame.columns))) != frame.shape[1]:
        raise BadSample("two columns of the sample have the same name")
    read = [_column(str(frame.columns[i]), frame.iloc[:, i]) for i in range(frame.shape[1])]
    return tuple(column for column, _ in read), [values for _, values in read]


def _frame_of(layout: Layout, rows: Array) -> pd.DataFrame:
    if layout == "series":
        return pd.DataFrame({"text": pd.Series(rows, dtype=object)})
    names = [f"x{i}" for i in range(rows.shape[1])]
    return pd.DataFrame({name: pd.Series(rows[:, i], dtype=rows.dtype) for i, name in enumerate(names)})


def _column(name: str, series: "pd.Series[Any]") -> tuple[Column, Array]:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, series)
    gaps = series.isna().to_numpy()
    if pd.api.types.is_object_dtype(series.dtype) or pd.api.types.is_string_dtype(series.dtype):
        return _objects(name, series, gaps)
    nullable = bool(gaps.any())
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        plain = series.dt.tz_convert(None) if isinstance(series.dtype, pd.DatetimeTZDtype) else series
        return Column(name, "datetime64[ns]", nullable), plain.to_numpy().astype("datetime64[ns]")
    if pd.api.types.is_bool_dtype(series.dtype):
        return _bools(name, series, gaps)
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        return _numbers(name, series, nullable=nullable)
    raise BadSample(f"column {name!r} is of type {series.dtype}, which no request can carry")


def _numbers(name: str, series: "pd.Series[Any]", *, nullable: bool) -> tuple[Column, Array]:
    dtype = str(series.dtype).lower()
    if dtype not in NUMBERS or (nullable and dtype in INTEGERS):
        dtype = "float32" if dtype == "float16" else "float64"
    values = series.to_numpy(dtype=dtype, na_value=np.nan) if nullable else series.to_numpy().astype(dtype)
    low, high = _range(values)
    return Column(name, dtype, nullable, low, high), values


def _bools(name: str, series: "pd.Series[Any]", gaps: Array) -> tuple[Column, Array]:
    if not gaps.any():
        return Column(name, "bool"), series.to_numpy().astype(bool)
    return Column(name, "bool", nullable=True, held="object"), np.where(gaps, None, series.to_numpy(dtype=object))  # type: ignore[call-overload]


def _objects(name: str, series: "pd.Series[Any]", gaps: Array) -> tuple[Column, Array]:
    """Strings or objects: all strings, all bools, all numbers or all dates; anything else no request can carry."""
    raw = series.to_numpy(dtype=object)
    there = raw[~gaps]
    kinds = {type(value) for value in there.tolist()}
    held: Held = "object" if series.dtype == object else "str"
    missing: Literal["nan", "none"] = "none" if any(value is None for value in raw.tolist()) else "nan"
    nullable = bool(gaps.any())
    if kinds <= {str}:
        values = np.where(gaps, None, raw)  # type: ignore[call-overload]
        return Column(name, "string", nullable, held=held, missing=missing), values
    if kinds <= {bool, np.bool_}:
        if not nullable:
            return Column(name, "bool", held=held), raw.astype(bool)
        return Column(name, "bool", nullable, held=held, missing=missing), np.where(gaps, None, raw)  # type: ignore[call-overload]
    if all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds):
        return _numbers(name, pd.to_numeric(series), nullable=nullable)
    try:
        if all(hasattr(value, "isoformat") for value in there.tolist()):
            return _column(name, pd.to_datetime(series))
    except (ValueError, TypeError) as error:
        raise BadSample(f"column {name!r} holds dates that cannot be read: {error}") from error
    words = ", ".join(sorted(kind.__name__ for kind in kinds)[:4])
    raise BadSample(f"column {name!r} holds values of type {words}: expected strings, bools, numbers or dates alone")


def _categorical(name: str, series: "pd.Series[Any]") -> tuple[Column, Array]:
    column, values = _column(name, pd.Series(series.to_numpy(), name=name))
    categories = tuple(_plain(value) for value in series.cat.categories.tolist())
    return replace(column, held="category", categories=categories), values


def _plain(value: Any) -> Value:
    return value if isinstance(value, (str, bool, int, float)) else str(value)


def _range(values: Array) -> tuple[float | None, float | None]:
    there = values[np.isfinite(values)]
    return (float(there.min()), float(there.max())) if len(there) else (None, None)


def _batch(schema: Schema, values: Sequence[Array]) -> Batch:
    rows = len(values[0])
    if schema.homogeneous:
        return Batch(rows, matrix=np.ascontiguousarray(np.column_stack(list(values))))
    return Batch(rows, columns=dict(zip(schema.names, values, strict=True)))


def _with_missing(estimator: Any, schema: Schema, values: list[Array]) -> tuple[Schema, list[Array]]:
    """Mark the columns whose gaps the estimator takes: it has a part made for gaps, and a trial succeeds."""
    if not any(_takes_missing(part) for part in parts(estimator, SEQUENCES)):
        return schema, values
    few = np.arange(min(len(values[0]), _TRIAL_ROWS))
    columns, arrays = list(schema.columns), list(values)
    for i, column in enumerate(schema.columns):
        if column.nullable or column.dtype not in (*NUMBERS, "string"):
            continue
        opened, holed = _with_gap(column, values[i][few])
        trial_columns = (*schema.columns[:i], opened, *schema.columns[i + 1 :])
        trial_values = [array[few] for array in values]
        trial_values[i] = holed
        if _answers(estimator, replace(schema, columns=trial_columns), trial_values):
            columns[i] = opened
            arrays[i] = values[i].astype(opened.dtype) if opened.dtype in FLOATS else values[i]
    if schema.layout == "matrix" and schema.homogeneous and len({column.dtype for column in columns}) > 1:
        columns = [replace(column, dtype="float64") for column in columns]
        arrays = [array.astype("float64") for array in arrays]
    return replace(schema, columns=tuple(columns)), arrays


def _with_gap(column: Column, values: Array) -> tuple[Column, Array]:
    holed = values.copy()
    if column.dtype == "string":
        holed[0] = None
        return replace(column, nullable=True), holed
    dtype = column.dtype if column.dtype in FLOATS else "float64"
    holed = holed.astype(dtype)
    holed[0] = np.nan
    return replace(column, dtype=dtype, nullable=True), holed


def _answers(estimator: Any, schema: Schema, values: list[Array]) -> bool:
    name = schema.outputs[0].name
    try:
        answer = answers(estimator, schema, _batch(schema, values), [name])[name]
    except Exception:  # noqa: BLE001 - whatever it raises, it does not take the gap
        return False
    return answer.dtype.kind != "f" or bool(np.isfinite(answer[0]).all())


def _takes_missing(part: Any) -> bool:
    kind = type(part).__name__
    return kind in _IMPUTERS or kind.startswith(_TAKES_NAN)


def _with_categories(estimator: Any, schema: Schema, values: list[Array], *, closed: bool) -> Schema:
    encoded = _encoded_categories(estimator, schema)
    columns = []
    for column, array in zip(schema.columns, values, strict=True):
        categories = column.categories or encoded.get(column.name) or _few_distinct(column, array)
        columns.append(replace(column, categories=categories, closed=closed and bool(categories)))
    return replace(schema, columns=tuple(columns))


def _few_distinct(column: Column, values: Array) -> tuple[Value, ...]:
    if column.dtype != "string":
        return ()
    distinct = {value for value in values.tolist() if value is not None}
    few = len(distinct) <= _MOST_CATEGORIES and 2 * len(distinct) <= max(len(values), 2)
    return tuple(sorted(distinct)) if few else ()


def _encoded_categories(estimator: Any, schema: Schema) -> Mapping[str, tuple[Value, ...]]:
    """The categories that fitted encoders know, for columns that reach them through nothing but imputers."""
    found: dict[str, tuple[Value, ...]] = {}
    for transformer, names in _column_routes(_first_step(estimator), schema.names):
        encoder = _encoder_behind_imputers(transformer)
        known = getattr(encoder, "categories_", None)
        if not isinstance(known, list) or len(known) != len(names):
            continue
        for name, categories in zip(names, known, strict=True):
            listed = [value for value in np.asarray(categories).tolist() if not is_missing(value)]
            if len(listed) <= _MOST_ENCODED_CATEGORIES and all(isinstance(v, (str, bool, int, float)) for v in listed):
                found[name] = tuple(listed)
    dtypes = {column.name: column.dtype for column in schema.columns}
    return {
        name: known
        for name, known in found.items()
        if all(isinstance(v, str) for v in known) == (dtypes[name] == "string")
    }


def _column_routes(first: Any, names: Sequence[str]) -> Iterator[tuple[Any, list[str]]]:
    if type(first).__name__ != "ColumnTransformer":
        yield first, list(names)
        return
    for name, transformer, _ in first.transformers_:
        picked = getattr(first, "_transformer_to_input_indices", {}).get(name, [])
        yield transformer, [names[i] for i in picked if i < len(names)]


def _encoder_behind_imputers(transformer: Any) -> Any:
    for _, step in getattr(transformer, "steps", [("", transformer)]):
        if type(step).__name__ in _ENCODERS:
            return step
        if type(step).__name__ != "SimpleImputer" or getattr(step, "add_indicator", False):
            return None
    return None
