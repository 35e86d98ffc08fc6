"""Functions of numbers whose last bits are those of the C library, and checks that take one pass over an array.

``numpy.exp`` has vector code, whose last bits differ from the C library's ``exp``, which SciPy, LightGBM and XGBoost
call. Without the extension the same bits come more slowly.
"""

import ctypes
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.extension.loader import kernels

_TAKEN = frozenset((np.dtype(np.float32), np.dtype(np.float64)))


def exp(values: Array) -> Array:
    """Return the C library's ``exp`` (or ``expf``) of float64 (or float32) values, as a new array of their shape."""
    return _applied("exp", values)


def expit(values: Array) -> Array:
    """Return 1 / (1 + exp(-x)) of float64 or float32 values, as ``scipy.special.expit`` computes it, as a new array."""
    return _applied("expit", values)


def all_finite(values: Array) -> bool:
    """Return whether no value of an array of numbers is NaN or infinite."""
    module = kernels()
    if module is None or not _is_plain(values):
        return bool(np.isfinite(values).all())
    return bool(module.all_finite(values))


def none_infinite(values: Array) -> bool:
    """Return whether no value of an array of numbers is infinite; NaN may be there."""
    module = kernels()
    if module is None or not _is_plain(values):
        return not np.isinf(values).any()
    return bool(module.none_infinite(values))


def _is_plain(values: Array) -> bool:
    """Return whether the extension takes an array: float32 or float64, in one piece, at addresses of their size."""
    return values.dtype in _TAKEN and values.flags.forc and values.flags.aligned


def added_in_order(terms: Array) -> Array:
    """Return the sums over the first axis, each number added to those before it: (terms, …) becomes (…).

    ``numpy.add.reduce`` does so, but adds in pairs where the terms of a sum lie next to each other in memory.
    """
    terms = np.ascontiguousarray(terms)
    single = len(terms) > 0 and terms[0].size == 1
    added: Array = np.add.accumulate(terms, axis=0)[-1] if single else np.add.reduce(terms, axis=0)
    return added


def _applied(name: str, values: Array) -> Array:
    module = kernels()
    if module is None:
        return _FALLBACKS[name](values)
    values = np.ascontiguousarray(values)
    out = np.empty_like(values)
    getattr(module, name)(values, out)
    return out


def _exp(values: Array) -> Array:
    library = ctypes.CDLL(None)
    function: Any = library.expf if values.dtype == np.float32 else library.exp
    number = ctypes.c_float if values.dtype == np.float32 else ctypes.c_double
    function.argtypes, function.restype = [number], number
    return np.array([function(x) for x in values.ravel().tolist()], values.dtype).reshape(values.shape)


def _expit(values: Array) -> Array:
    import scipy.special  # only without the extension: a worker that has it never needs SciPy

    made: Array = scipy.special.expit(values)
    return made


_FALLBACKS = {"exp": _exp, "expit": _expit}
