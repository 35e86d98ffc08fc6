"""Products of columns, and powers that make numbers normal."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.numeric.normals import box_cox
from model_store.steps.step import Builder, Run

_FEW = 32
"""Rows up to which columns are gathered for one product of all, rather than multiplied one after the other."""


def _products(step: Step) -> Run:
    """Make ``width`` columns: a one if ``bias``, the columns themselves, then products, degree by degree.

    Each row of ``spans_i`` says from which column, up to which, those that are there are multiplied with which of the
    rows' columns. The last ``kept`` columns are the answer, behind the bias; ``order`` is how it lies in memory.
    """
    width, bias = int(step.settings["width"]), bool(step.settings["bias"])
    order, kept = str(step.settings["order"]), int(step.settings["kept"])
    levels = [step.arrays[f"spans_{i}"].tolist() for i in range(int(step.settings["levels"]))]
    gathered = [_gathered(spans) for spans in levels]

    def run(values: Array) -> Array:
        made = np.empty((len(values), width), values.dtype, order)  # type: ignore[call-overload]
        made[:, :bias] = 1
        end = bias + values.shape[1]
        made[:, bias:end] = values
        if len(values) <= _FEW:
            _multiply_gathered(made, values, end, gathered)
        else:
            _multiply_spans(made, values, end, levels)
        return made if kept == width else _last(made, kept, bias=bias, order=order)

    return run


def _gathered(spans: Sequence[tuple[int, int, int]]) -> tuple[Array, Array]:
    """Return the columns of both factors of all products of a degree."""
    left = np.concatenate([np.arange(start, stop) for start, stop, _ in spans])
    return left, np.repeat([column for *_, column in spans], [stop - start for start, stop, _ in spans])


def _multiply_gathered(made: Array, values: Array, end: int, levels: Sequence[tuple[Array, Array]]) -> None:
    for left, right in levels:
        np.multiply(made[:, left], values[:, right], made[:, end : end + len(left)])
        end += len(left)


def _multiply_spans(made: Array, values: Array, end: int, levels: Sequence[Sequence[tuple[int, int, int]]]) -> None:
    for start, stop, column in chain.from_iterable(levels):
        after = end + stop - start
        np.multiply(made[:, start:stop], values[:, column : column + 1], made[:, end:after])
        end = after


def _last(made: Array, kept: int, *, bias: bool, order: str) -> Array:
    if not bias:
        return np.array(made[:, made.shape[1] - kept :], made.dtype, order="K")
    found: Array = np.empty((len(made), kept), made.dtype, order)  # type: ignore[call-overload]
    found[:, 0] = 1
    found[:, 1:] = made[:, made.shape[1] - kept + 1 :]
    return found


def _yeo_johnson(step: Step) -> Run:
    """Raise each column to the power of its ``lambdas``, as Yeo and Johnson (2000) do it."""
    lambdas = list(step.arrays["lambdas"])

    def run(values: Array) -> Array:
        made = np.empty_like(values)
        for i, power in enumerate(lambdas):
            made[:, i] = _raised(values[:, i], power)
        return made

    return run


def _box_cox(step: Step) -> Run:
    """Raise each column to the power of its ``lambdas``, as Box and Cox (1964) do it; refuse what is not positive."""
    lambdas = step.arrays["lambdas"].tolist()

    def run(values: Array) -> Array:
        if (values <= 0).any():
            raise ValueError("The Box-Cox transformation can only be applied to strictly positive data")
        made = np.empty_like(values)
        for i, power in enumerate(lambdas):
            made[:, i] = box_cox(values[:, i], power)
        return made

    return run


def _raised(column: Array, power: np.floating) -> Array:
    dtype = np.result_type(column, power)
    found, positive = np.zeros_like(column, dtype=dtype), column >= 0
    up, down, least = column[positive], column[~positive], np.finfo(dtype).eps
    found[positive] = np.log1p(up) if abs(power) < least else np.expm1(power * np.log1p(up)) / power
    if abs(power - 2) > least:
        found[~positive] = -np.expm1((2 - power) * np.log1p(-down)) / (2 - power)
    else:
        found[~positive] = -np.log1p(-down)
    return found


BUILDERS: Mapping[str, Builder] = {"products": _products, "yeo_johnson": _yeo_johnson, "box_cox": _box_cox}
