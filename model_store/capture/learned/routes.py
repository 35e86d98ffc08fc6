"""Each input column on its way through an estimator: which parts it meets, and where it comes out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from model_store.capture.learned.boosters import boosted_gaps
from model_store.capture.learned.native import Known, native_categories
from model_store.capture.learned.parts import part_gaps
from model_store.capture.learned.places import Gaps, Places
from model_store.capture.learned.trees import tree_gaps
from model_store.estimators import is_estimator

Found = dict[int, Any]
"""What was found, by the place of the input column."""
Reader = Callable[[Any, Places], Found]
"""Reads one part of an estimator, which sees the columns at these places."""

_READERS = (part_gaps, tree_gaps, boosted_gaps)
_ON_ANSWERS = "final_estimator_"
"""The fitted member of a stack that sees answers and no columns."""


def learned_gaps(estimator: Any, width: int) -> Gaps:
    """Return, by place, the input columns in which a fitted estimator shows that it learned gaps.

    ``width`` is the number of input columns. A column that the estimator only could take with gaps is not among them:
    trees and boosters answer to any gap, with what some rule of theirs has for values that they never saw.
    """
    return _learned(estimator, tuple(range(width)), _READERS)


def learned_categories(estimator: Any, width: int) -> dict[int, Known]:
    """Return, by place, the categories of the input columns that a fitted estimator takes as category columns."""
    return _learned(estimator, tuple(range(width)), (native_categories,))


def _learned(part: Any, places: Places, readers: Sequence[Reader]) -> Found:
    if hasattr(part, "steps"):
        return _in_steps([step for _, step in part.steps], places, readers)
    if hasattr(part, "_transformer_to_input_indices"):
        return _merged(_learned(branch, picked, readers) for branch, picked, _ in _branches(part, places))
    if hasattr(part, "transformer_list"):
        return _merged(_learned(branch, places, readers) for _, branch in part.transformer_list)
    own = _merged(read(part, places) for read in readers)
    return own | _merged(_learned(member, seen, readers) for member, seen in _members(part, places))


def _in_steps(steps: Iterable[Any], places: Places, readers: Sequence[Reader]) -> Found:
    found: Found = {}
    let_through: Places = ()
    for step in steps:
        found |= _learned(step, places, readers)
        if part_gaps in readers and hasattr(step, "categories_"):
            found |= part_gaps(step, let_through)
        let_through = places if _lets_through(step) else ()
        places = _behind(step, places)
    return found


def _lets_through(step: Any) -> bool:
    """Return whether gaps may come through an imputer, each in its column: it has one marker, NaN and not None."""
    if type(step).__name__ != "SimpleImputer" or not hasattr(step, "statistics_"):
        return False
    return len(step.get_feature_names_out()) == len(step.statistics_)


def _behind(part: Any, places: Places) -> Places:
    """Return which input column each column behind a part is, as far as it is one that keeps its gaps."""
    if _passes_on(part):
        return places
    if hasattr(part, "_transformer_to_input_indices"):
        return tuple(place for branch in _branches(part, places) for place in _padded(*branch))
    if hasattr(part, "get_support"):
        return tuple(np.array(places, dtype=object)[part.get_support()]) if len(places) == part.n_features_in_ else ()
    if hasattr(part, "steps"):
        for _, step in part.steps:
            places = _behind(step, places)
        return places
    return ()


def _passes_on(part: Any) -> bool:
    from sklearn.base import OneToOneFeatureMixin  # here: importing scikit-learn takes most of a second

    if part is None or part == "passthrough":
        return True
    if type(part).__name__ == "FunctionTransformer":
        return part.func is None
    return isinstance(part, OneToOneFeatureMixin)


def _branches(part: Any, places: Places) -> Iterator[tuple[Any, Places, int]]:
    """Yield each fitted branch of a ColumnTransformer, the columns that it sees, and how many come out of it."""
    for name, branch, _ in part.transformers_:
        picked = part._transformer_to_input_indices.get(name, ())  # noqa: SLF001 - nothing public says it by place
        out = part.output_indices_.get(name, slice(0, 0))
        yield branch, tuple(places[i] for i in picked if i < len(places)), out.stop - out.start


def _padded(branch: Any, places: Places, width: int) -> Places:
    behind = _behind(branch, places)
    return behind if len(behind) == width else (None,) * width


def _members(part: Any, places: Places) -> Iterator[tuple[Any, Places]]:
    """Yield the fitted members of a meta-estimator that see its columns, and which ones each sees."""
    if hasattr(part, "estimators_features_"):
        for member, picked in zip(part.estimators_, part.estimators_features_, strict=True):
            yield member, tuple(places[i] for i in picked if i < len(places))
        return
    for name, value in getattr(part, "__dict__", {}).items():
        if name.endswith("_") and name != _ON_ANSWERS:
            yield from ((member, _seen(part, member, places)) for member in _estimators(value))


def _seen(part: Any, member: Any, places: Places) -> Places:
    width = getattr(member, "n_features_in_", None)
    if width == len(places):
        return places
    behind = _behind(part, places)
    return behind if width == len(behind) else ()


def _estimators(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        for entry in _flat(value):
            yield from _estimators(entry)
    elif is_estimator(value):
        yield value
    elif is_estimator(getattr(value, "estimator", None)) and type(value).__module__.startswith("sklearn."):
        yield value.estimator  # of a CalibratedClassifierCV


def _flat(values: Sequence[Any] | np.ndarray[Any, Any]) -> Iterable[Any]:
    return values.flat if isinstance(values, np.ndarray) else values


def _merged(found: Iterable[Found]) -> Found:
    merged: Found = {}
    for one in found:
        merged |= one
    return merged
