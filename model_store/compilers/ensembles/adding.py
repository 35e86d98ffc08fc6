"""Steps that several families of ensembles need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Value, refuse
from model_store.compilers.numeric.common import chosen
from model_store.trees.packing import TreeArrays, pack


@dataclass(frozen=True, slots=True)
class Sums:
    """What trees are added to, ``base`` (columns), and by what the sums are divided; ``flat`` makes a vector of one."""

    base: Array
    over: float = 1
    flat: bool = False


def summed(compilation: Compilation, rows: Value, trees: Iterable[TreeArrays], sums: Sums) -> Value:
    """Add a step that adds what each tree says, in their order.

    Trees of one column, where there are several sums, belong to each in turn.
    """
    width, dtype = len(sums.base), sums.base.dtype.name
    return compilation.add(
        "trees",
        rows,
        arrays={**pack(list(trees), features=rows.width, rows=rows.dtype), "base": sums.base},
        settings={"features": rows.width, "rows": rows.dtype, "over": sums.over, "flat": sums.flat},
        form="vector" if sums.flat else "matrix",
        dtype=dtype,
        width=width,
    )


def answered(compilation: Compilation, rows: Value, trees: Sequence[TreeArrays], *, flat: bool = False) -> Value:
    """Add a step that answers what each tree says, one after the other: (rows, columns of all trees)."""
    return compilation.add(
        "answers_of_trees",
        rows,
        arrays=pack(trees, features=rows.width, rows=rows.dtype),
        settings={"features": rows.width, "rows": rows.dtype, "flat": flat},
        form="vector" if flat else "matrix",
        dtype="float64",
        width=sum(tree.values.shape[1] for tree in trees),
    )


def labelled(compilation: Compilation, estimator: Any, shares: Value) -> Value:
    """Add the label of the greatest share, of several outputs the one of each, whose columns follow each other."""
    if not isinstance(estimator.classes_, list):
        return chosen(compilation, shares, estimator.classes_)
    if len({classes.dtype for classes in estimator.classes_}) != 1:
        refuse("the labels of its outputs are of several types")
    each = [
        chosen(compilation, part, classes)
        for part, classes in zip(by_output(compilation, estimator, shares), estimator.classes_, strict=True)
    ]
    return compilation.add("side_by_side", *each, form="matrix", width=len(each))


def by_output(compilation: Compilation, estimator: Any, shares: Value) -> list[Value]:
    """Add steps that take the columns of each output of a classifier out of those of all."""
    ends = np.cumsum(estimator.n_classes_)
    return [
        compilation.add("span", shares, settings={"start": int(end - count), "stop": int(end)}, width=int(count))
        for end, count in zip(ends, estimator.n_classes_, strict=True)
    ]


def probabilities(compilation: Compilation, estimator: Any, shares: Value) -> dict[str, Value]:
    """Return what ``predict_proba`` answers: several outputs are named by their number."""
    if not isinstance(estimator.classes_, list):
        return {"predict_proba": shares}
    parts = by_output(compilation, estimator, shares)
    return {f"predict_proba_{output}": part for output, part in enumerate(parts)}
