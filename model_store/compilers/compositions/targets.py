"""Regressors of transformed targets, whose answers are transformed back."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, class_path, refuse
from model_store.compilers.compositions.responses import answer, as_columns, flat
from model_store.compilers.numeric.common import function, scaled, ufunc_name

_Inverse = Callable[[Compilation, Any, Value], Value]


def _transformed(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    found = answer(compilation.compile(estimator.regressor_, rows), "predict")
    back = _inverse(compilation, estimator.transformer_, as_columns(compilation, found))
    one = back.width == 1 and estimator._training_dim == 1  # noqa: SLF001 - nothing else says it
    return {"predict": flat(compilation, back) if one else back}


def _inverse(compilation: Compilation, transformer: Any, values: Value) -> Value:
    kind = class_path(transformer)
    return _INVERSES[kind](compilation, transformer, values) if kind in _INVERSES else refuse(f"inverse of {kind}")


def _of_function(compilation: Compilation, transformer: Any, values: Value) -> Value:
    if transformer.validate:
        values = compilation.floats(values)
    if transformer.inverse_func is None:
        return values
    name = ufunc_name(transformer.inverse_func)
    if transformer.inv_kw_args or not name:
        refuse("an inverse function that is none of NumPy's own")
    return function(compilation, values, name)


def _of_standard(compilation: Compilation, transformer: Any, values: Value) -> Value:
    values = compilation.floats(values, nan=True)
    arrays = {}
    if transformer.with_std:
        arrays["times"] = transformer.scale_.astype(values.dtype)
    if transformer.with_mean:
        arrays["plus"] = transformer.mean_.astype(values.dtype)
    return scaled(compilation, values, **arrays)


def _of_robust(compilation: Compilation, transformer: Any, values: Value) -> Value:
    arrays = {}
    if transformer.with_scaling:
        arrays["times"] = transformer.scale_
    if transformer.with_centering:
        arrays["plus"] = transformer.center_
    return scaled(compilation, compilation.floats(values, nan=True), **arrays)


def _of_greatest(compilation: Compilation, transformer: Any, values: Value) -> Value:
    return scaled(compilation, compilation.floats(values, nan=True), times=transformer.scale_)


def _of_range(compilation: Compilation, transformer: Any, values: Value) -> Value:
    return scaled(compilation, compilation.floats(values, nan=True), minus=transformer.min_, by=transformer.scale_)


def _of_power(compilation: Compilation, transformer: Any, values: Value) -> Value:
    if transformer.method != "yeo-johnson":
        refuse(f"inverse of {transformer.method}")
    values = compilation.floats(values, nan=True)
    if transformer.standardize:
        values = _of_standard(compilation, transformer._scaler, values)  # noqa: SLF001 - nothing else has it
    return compilation.add("from_yeo_johnson", values, arrays={"powers": np.asarray(transformer.lambdas_)})


def _of_quantiles(compilation: Compilation, transformer: Any, values: Value) -> Value:
    if transformer.output_distribution != "uniform":
        refuse("inverse of quantiles of a normal distribution")
    arrays = {"quantiles": transformer.quantiles_, "references": transformer.references_}
    return compilation.add("from_quantiles", compilation.floats(values, nan=True), arrays=arrays)


_DATA = "sklearn.preprocessing._data."
_INVERSES: Mapping[str, _Inverse] = {
    "sklearn.preprocessing._function_transformer.FunctionTransformer": _of_function,
    f"{_DATA}StandardScaler": _of_standard,
    f"{_DATA}RobustScaler": _of_robust,
    f"{_DATA}MaxAbsScaler": _of_greatest,
    f"{_DATA}MinMaxScaler": _of_range,
    f"{_DATA}PowerTransformer": _of_power,
    f"{_DATA}QuantileTransformer": _of_quantiles,
}

COMPILERS: Mapping[str, Compiler] = {"sklearn.compose._target.TransformedTargetRegressor": _transformed}
