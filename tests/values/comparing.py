"""What the publisher's own call answers, and where a served answer differs from it."""

import copy
import warnings

import numpy as np
import pandas as pd

ROUNDING = 1e-13
"""Relative to each number and to the largest: what another order of the same additions brings."""
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
NUMBERS = "biuf"
EXACT = 2**53


def own_answers(estimator, rows) -> dict[str, np.ndarray]:
    """Return every output of the publisher's own calls, each on rows of its own.

    Lists, one entry a target, are told apart by numbers, as the schema does.
    """
    found = {}
    for method in METHODS:
        if not hasattr(estimator, method):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = getattr(estimator, method)(copy.deepcopy(rows))
        except Exception:
            if method == "predict" or (method == "transform" and not found):
                raise
            continue
        if answer is NotImplemented:  # what some libraries answer where a method makes no sense
            continue
        if isinstance(answer, list) and all(np.ndim(part) == 2 for part in answer):
            found |= {f"{method}_{i}": dense(part) for i, part in enumerate(answer)}
        else:
            found[method] = dense(answer)
    return found


def dense(answer) -> np.ndarray:
    """Return an answer as an array: of a table, a sparse matrix, or a list."""
    if hasattr(answer, "toarray"):
        return answer.toarray()
    return answer.to_numpy() if hasattr(answer, "to_numpy") else np.asarray(answer)


def difference(own: np.ndarray, served: np.ndarray) -> str:
    """Return the first place where two answers differ, in words; empty if they are equal to the last bit.

    NaN equals NaN. Objects that are no text are answered as text, and a column of labels as a flat list.
    """
    if own.shape == (*served.shape, 1) and served.ndim == 1:
        own = own[:, 0]  # a column of labels, as some libraries answer, is a label a row
    if own.shape != served.shape:
        return f"shape {list(served.shape)} for {list(own.shape)}"
    if own.dtype.kind in NUMBERS and served.dtype.kind in NUMBERS:
        return _numbers(own, served)
    pairs = zip(own.ravel().tolist(), served.ravel().tolist(), strict=True)
    if own.dtype.kind in "mM" or served.dtype.kind in "mM":
        pairs = zip(own.ravel(), served.ravel(), strict=True)
    return next((f"entry {i}: {s!r} for {o!r}" for i, (o, s) in enumerate(pairs) if not _equal(o, s)), "")


def _numbers(own, served):
    if own.dtype != served.dtype and not _holds(own, served):
        return f"{served.dtype} for {own.dtype}: {served.ravel()[:3]} for {own.ravel()[:3]}"
    equal = (own == served) | ((own != own) & (served != served))  # noqa: PLR0124 - NaN
    if equal.all():
        return ""
    row = int(np.flatnonzero(~equal.reshape(len(equal), -1).all(axis=1))[0])
    count = int((~equal.reshape(len(equal), -1).all(axis=1)).sum())
    place = int(np.flatnonzero(~equal.ravel())[0])
    return f"{count} of {len(own)} rows, row {row}: {served.ravel()[place]!r} for {own.ravel()[place]!r}"


def rounded(own: np.ndarray, served: np.ndarray) -> bool:
    """Return whether two answers differ by no more than the last bits of sums taken in another order.

    Matrix products add in an order that depends on how rows lie in memory: a frame that was read from a file lies
    otherwise than one made of an array.
    """
    if own.shape != served.shape or own.dtype != served.dtype or own.dtype.kind != "f":
        return False
    tolerance = ROUNDING * (2.0**29 if own.dtype.itemsize < 8 else 1.0)
    scale = np.abs(own[np.isfinite(own)]).max(initial=0.0)
    return bool(np.allclose(own, served, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _holds(own, served):
    """Return whether a wider float type was declared, which holds every one of these numbers."""
    if served.dtype.kind != "f" or own.dtype.kind == "b":
        return False
    return own.dtype.kind == "f" or own.size == 0 or int(np.abs(own.astype(object)).max()) <= EXACT


def _equal(own, served):
    if _missing(own) or _missing(served):
        return _missing(own) and _missing(served)
    if isinstance(own, (np.datetime64, np.timedelta64, pd.Timestamp, pd.Timedelta)):
        return bool(own == served)
    return own == served or str(own) == served


def _missing(value):
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)  # noqa: PLR0124 - NaN
