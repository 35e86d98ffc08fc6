"""Support vector machines, with the arithmetic of LIBSVM: scalar products by BLAS, sums in the order of the vectors."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import added_in_order, exp
from model_store.plans.plan import Step
from model_store.steps.compositions.deciding import of_pairs
from model_store.steps.step import Builder, Run

_MOST_AT_ONCE = 2**16
_ROWS_AT_ONCE = 64
"""So many stay in the processor's cache."""
_LEAST = 1e-7
_ITERATIONS = 100

_Kernel = Callable[[Array], Array]


def _in_common(step: Step) -> Run:
    """Return what each of ``vectors`` has in common with each row, as (rows, vectors) of float64.

    ``kernel`` is linear, poly, rbf or sigmoid, with ``gamma``, ``coef0`` and ``degree``.
    """
    vectors = np.ascontiguousarray(step.arrays["vectors"], dtype=np.float64)
    kernel = _KERNELS[str(step.settings["kernel"])](step, vectors)
    block = max(1, _MOST_AT_ONCE // max(vectors.size, 1))

    def run(values: Array) -> Array:
        values = np.ascontiguousarray(values)[:, np.newaxis, :]
        if len(values) <= block:
            return kernel(values)
        return np.concatenate([kernel(values[start : start + block]) for start in range(0, len(values), block)])

    return run


def _linear(_step: Step, vectors: Array) -> _Kernel:
    return lambda values: np.vecdot(values, vectors)


def _poly(step: Step, vectors: Array) -> _Kernel:
    gamma, coef0, degree = _numbers(step)
    return lambda values: _power(gamma * np.vecdot(values, vectors) + coef0, int(degree))


def _power(values: Array, degree: int) -> Array:
    """Multiply by squares of squares, as LIBSVM does: ``pow`` rounds otherwise."""
    made, square = np.ones_like(values), values
    while degree > 0:
        if degree % 2:
            made = made * square
        square = square * square
        degree //= 2
    return made


def _rbf(step: Step, vectors: Array) -> _Kernel:
    gamma, _, _ = _numbers(step)

    def kernel(values: Array) -> Array:
        apart = values - vectors
        return exp(-gamma * np.vecdot(apart, apart))

    return kernel


def _sigmoid(step: Step, vectors: Array) -> _Kernel:
    gamma, coef0, _ = _numbers(step)

    def kernel(values: Array) -> Array:
        scaled = gamma * np.vecdot(values, vectors) + coef0
        return np.array([math.tanh(x) for x in scaled.ravel().tolist()]).reshape(scaled.shape)

    return kernel


_KERNELS: Mapping[str, Callable[[Step, Array], _Kernel]] = {
    "linear": _linear,
    "poly": _poly,
    "rbf": _rbf,
    "sigmoid": _sigmoid,
}


def _numbers(step: Step) -> tuple[float, float, float]:
    gamma, coef0, degree = (step.settings[name] for name in ("gamma", "coef0", "degree"))
    return float(gamma), float(coef0), float(degree)


def _machine(step: Step) -> Run:
    """Return for each row the sum of its similarities times ``weights``, and ``plus``, as a vector."""
    weights, plus = step.arrays["weights"], step.arrays["plus"]

    def run(similar: Array) -> Array:
        return _in_order(_by_vectors(similar), weights) + plus

    return run


def _machines(step: Step) -> Run:
    """Return a machine's number for each two classes, as (rows, pairs).

    ``counts`` says how many of the vectors each class has. Those of class i have in the row j - 1 of ``weights`` what
    they weigh against a later class j; those of j have it in row i.
    """
    weights, plus = step.arrays["weights"], step.arrays["plus"]
    ends = np.cumsum(step.arrays["counts"]).tolist()
    parts = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    pairs = [
        (parts[i], parts[j], np.concatenate((weights[j - 1, parts[i]], weights[i, parts[j]])))
        for i, j in combinations(range(len(parts)), 2)
    ]

    def run(similar: Array) -> Array:
        made = np.empty((len(similar), len(pairs)))
        for start in range(0, len(similar), _ROWS_AT_ONCE):
            turned = _by_vectors(similar[start : start + _ROWS_AT_ONCE])
            for place, (one, other, both) in enumerate(pairs):
                summed = _in_order(np.concatenate((turned[one], turned[other])), both)
                made[start : start + _ROWS_AT_ONCE, place] = summed
        return made + plus

    return run


def _by_vectors(similar: Array) -> Array:
    """Return similarities as (vectors, rows), so that many rows are summed at once."""
    return np.ascontiguousarray(similar.T)


def _in_order(turned: Array, weights: Array) -> Array:
    """Return for each column the sum of its numbers times ``weights``, added from first to last."""
    return added_in_order(turned * weights[:, np.newaxis]) + 0.0


def _voted(step: Step) -> Run:
    """Return the label that most of the machines of two classes vote for, the first of several."""
    labels = step.arrays["labels"]
    pairs = list(combinations(range(len(labels)), 2))

    def run(decisions: Array) -> Array:
        votes = np.zeros((len(decisions), len(labels)), dtype=np.intp)
        for place, (first, second) in enumerate(pairs):
            for_first = decisions[:, place] > 0
            votes[:, first] += for_first
            votes[:, second] += ~for_first
        chosen: Array = labels[votes.argmax(axis=1)]
        return chosen

    return run


def _against_rest(step: Step) -> Run:
    """Return a number for each of ``width`` classes, of the numbers for each two of them."""
    width = int(step.settings["width"])

    def run(decisions: Array) -> Array:
        return of_pairs(list((decisions < 0).T), list(-decisions.T), width)

    return run


def _coupled(step: Step) -> Run:
    """Return probabilities of ``width`` classes, of each two of which a sigmoid makes some.

    Source: LIBSVM, by method 2 of Wu, Lin and Weng, Probability Estimates for Multi-class Classification by Pairwise
    Coupling, 2004.
    """
    slopes, offsets = step.arrays["slopes"], step.arrays["offsets"]
    width = int(step.settings["width"])

    def run(decisions: Array) -> Array:
        scaled = (decisions * slopes + offsets).tolist()
        return np.array([_shares([_sigmoid_of(x) for x in row], width) for row in scaled])

    return run


def _sigmoid_of(number: float) -> float:
    """Return 1 / (1 + exp(x)), at least a little off 0 and 1."""
    if number >= 0:
        small = math.exp(-number)
        share = small / (1.0 + small)
    else:
        share = 1.0 / (1 + math.exp(number))
    return min(max(share, _LEAST), 1 - _LEAST)


def _shares(of_two: list[float], width: int) -> list[float]:
    """Return the shares of all classes that fit those of each two of them best, by iterating until they hardly move."""
    matrix = _matrix(of_two, width)
    shares = [1.0 / width] * width
    for _ in range(max(_ITERATIONS, width)):
        products = [_dot(row, shares) for row in matrix]
        total = _dot(shares, products)
        if max(abs(product - total) for product in products) < 0.005 / width:
            break
        for place, row in enumerate(matrix):
            step = (-products[place] + total) / row[place]
            shares[place] += step
            total = (total + step * (step * row[place] + 2 * products[place])) / (1 + step) / (1 + step)
            products = [(product + step * entry) / (1 + step) for product, entry in zip(products, row, strict=True)]
            shares = [share / (1 + step) for share in shares]
    return shares


def _matrix(of_two: list[float], width: int) -> list[list[float]]:
    share = [[0.0] * width for _ in range(width)]
    for (i, j), first in zip(combinations(range(width), 2), of_two, strict=True):
        share[i][j], share[j][i] = first, 1 - first
    return [
        [
            _dot(others, others) if j == i else -share[max(i, j)][min(i, j)] * share[min(i, j)][max(i, j)]
            for j in range(width)
        ]
        for i, others in enumerate([share[j][i] for j in range(width) if j != i] for i in range(width))
    ]


def _dot(one: list[float], other: list[float]) -> float:
    total = 0.0
    for a, b in zip(one, other, strict=True):
        total += a * b
    return total


BUILDERS: Mapping[str, Builder] = {
    "in_common": _in_common,
    "machine": _machine,
    "machines": _machines,
    "voted": _voted,
    "against_rest": _against_rest,
    "coupled": _coupled,
}
