"""Columns of a table, chosen and set side by side."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.missing import numbers
from model_store.plans.plan import BATCH, Step
from model_store.steps.step import Builder, Run

Columns = Callable[..., list[Array]]
"""Takes the values of a step's inputs and returns its columns, 1-D arrays of one length."""


def columns_of(step: Step) -> Columns:
    """Return what makes a step's columns: those of the batch with its ``names``, or its inputs, or those of a matrix.

    ``places`` are where in the schema the named columns are. Raises ValueError if a step of the batch has no names.
    """
    if "names" in step.settings:
        return _of_the_batch(step)
    if step.inputs == (BATCH,):
        raise ValueError(f"a step of kind {step.kind!r} needs names")
    return _of_a_matrix if step.settings.get("matrix") else lambda *vectors: list(vectors)


def _of_the_batch(step: Step) -> Columns:
    names, places = [str(name) for name in step.settings["names"]], [int(i) for i in step.settings["places"]]

    def run(batch: Batch) -> list[Array]:
        if batch.matrix is not None:
            return [batch.matrix[:, place] for place in places]
        columns = batch.columns or {}
        return [columns[name] for name in names]

    return run


def _of_a_matrix(values: Array) -> list[Array]:
    return list(values.T)


def _block(step: Step) -> Run:
    """Make one array (rows, columns) of ``dtype`` of number columns of the batch, column by column in memory.

    So NumPy makes one of a DataFrame. ``objects`` says which columns may be objects, whose gaps become NaN.
    """
    dtype, columns = np.dtype(str(step.settings["dtype"])), columns_of(step)
    objects = [int(i) for i in step.settings.get("objects", ())]

    def run(batch: Batch) -> Array:
        vectors = columns(batch)
        if batch.rows == 1:
            return np.array([[vector.item() for vector in vectors]], dtype)
        for i in objects:
            vectors[i] = numbers(vectors[i])
        made: Array = np.concatenate(vectors, dtype=dtype)
        return made.reshape(len(vectors), -1).T

    return run


def _select(step: Step) -> Run:
    """Choose columns of a matrix: from ``start`` ``by`` a step up to ``stop`` as a view, else those at ``columns``.

    ``order`` says how the chosen ones lie in memory: ``F`` as when NumPy is asked for a list of columns, ``C`` as when
    pandas is asked for one of a frame whose rows are contiguous.
    """
    if "columns" not in step.settings:
        part = slice(step.settings["start"], step.settings["stop"], step.settings["by"])
        return lambda values: values[:, part]
    chosen = np.array(step.settings["columns"], dtype=np.intp)
    if step.settings["order"] == "C":
        return lambda values: values.take(chosen, axis=1)
    return lambda values: values[:, chosen]


def _one_column(step: Step) -> Run:
    """Choose one column of a matrix, a vector."""
    place = int(step.settings["column"])
    return lambda values: values[:, place]


def _beside(step: Step) -> Run:
    """Set matrices side by side, as NumPy does, or column by column in memory if ``order`` is ``F``, as pandas does."""
    if step.settings.get("order") == "F":
        return lambda *parts: np.concatenate([part.T for part in parts], axis=0).T
    return lambda *parts: np.concatenate(parts, axis=1)


def _times(step: Step) -> Run:
    """Multiply all numbers by one."""
    factor = float(step.settings["by"])
    return lambda values: values * factor


def _texts(step: Step) -> Run:
    """Make one array of objects (rows, columns) of columns; ``gaps`` has the text that stands for a missing one."""
    columns, gaps = columns_of(step), step.arrays["gaps"].tolist()

    def run(*inputs: Any) -> Array:
        vectors = columns(*inputs)
        made = np.empty((len(vectors[0]), len(vectors)), dtype=object)
        for i, (vector, gap) in enumerate(zip(vectors, gaps, strict=True)):
            made[:, i] = [gap if value is None else value for value in vector.tolist()]
        return made

    return run


BUILDERS: Mapping[str, Builder] = {
    "block": _block,
    "select": _select,
    "one_column": _one_column,
    "beside": _beside,
    "times": _times,
    "texts": _texts,
}
