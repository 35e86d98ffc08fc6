"""One walker over an estimator's parts: steps, branches, fitted members, and all else that they hold."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

CONTAINERS = (list, tuple, set, frozenset, Mapping, np.ndarray)
"""What is looked into by default; of arrays only those of objects."""
SEQUENCES = (list, tuple)
"""Where pipelines, unions and ensembles keep the parts that rows pass through.

Mappings and arrays also hold what a search tried and did not take: ``param_grid``, ``cv_results_``.
"""

NAMES = "feature_names_in_"
"""Where an estimator keeps the names of the columns of a DataFrame that it was fitted on."""

_LOOK_AT_NAMES = frozenset({"ColumnTransformer", "FunctionTransformer"})
_ARRAYS = ("default", None)
_SCALARS = (str, bytes, bool, int, float, complex, type(None))


def parts(estimator: Any, containers: tuple[type, ...] = CONTAINERS) -> Iterator[Any]:
    """Yield the estimator and every estimator inside it, each once."""
    return filter(is_estimator, objects(estimator, containers))


def objects(estimator: Any, containers: tuple[type, ...] = CONTAINERS) -> Iterator[Any]:
    """Yield the estimator and every object inside it that is neither container nor scalar, each once.

    Attributes are followed in estimators and in scikit-learn's own objects, such as those that hold
    the fitted members of ``CalibratedClassifierCV``. What another library keeps in its objects is private to it.
    """
    seen: dict[int, Any] = {}  # holds the objects, so that no id is given twice
    waiting = [estimator]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, _SCALARS) or id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if is_estimator(thing) or not isinstance(thing, CONTAINERS):
            yield thing
        waiting.extend(_inside(thing, containers))


def path_to(estimator: Any, part: Any) -> tuple[str | int, ...] | None:
    """Return how to reach a part from an estimator that holds it: names of attributes and keys, and places in lists.

    The shortest path is returned, None if there is none.
    """
    seen: dict[int, Any] = {}
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), estimator)]
    for path, thing in waiting:
        if thing is part:
            return path
        if isinstance(thing, _SCALARS) or id(thing) in seen:
            continue
        seen[id(thing)] = thing
        waiting.extend(((*path, hop), inside) for hop, inside in _hops(thing))
    return None


def at(estimator: Any, path: Sequence[str | int]) -> Any:
    """Return the part of an estimator that ``path_to`` found. Raises ValueError if there is none."""
    for hop in path:
        inside = dict(_hops(estimator))
        if hop not in inside:
            raise ValueError(f"the estimator has nothing at {list(path)}")
        estimator = inside[hop]
    return estimator


def _hops(thing: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(thing, SEQUENCES):
        return enumerate(thing)
    if is_estimator(thing) or _is_from_scikit_learn(thing):
        return list(getattr(thing, "__dict__", {}).items())
    return [(key, value) for key, value in thing.items() if isinstance(key, str)] if isinstance(thing, dict) else ()


def is_blind(part: Any) -> bool:
    """Return True if it is scikit-learn's own, and neither selects columns by name nor makes tables."""
    return _is_from_scikit_learn(part) and type(part).__name__ not in _LOOK_AT_NAMES and not makes_tables(part)


def makes_tables(part: Any) -> bool:
    """Return whether ``set_output`` was asked for DataFrames."""
    return any(form not in _ARRAYS for form in getattr(part, "_sklearn_output_config", {}).values())


def nameless(part: Any) -> Any:
    """Return the part, or if it knows the names of columns a copy without them: it takes arrays without a warning."""
    if NAMES not in getattr(part, "__dict__", {}):
        return part
    made = copy.copy(part)
    delattr(made, NAMES)
    return made


def is_estimator(thing: Any) -> bool:
    """Return whether it is an estimator by scikit-learn's convention: an object, not a class, with ``get_params``."""
    return hasattr(thing, "get_params") and not isinstance(thing, type)


def _inside(thing: Any, containers: tuple[type, ...]) -> Iterable[Any]:
    if is_estimator(thing):
        return _attributes(thing)
    if isinstance(thing, CONTAINERS):
        return _entries(thing) if isinstance(thing, containers) else ()
    return _attributes(thing) if _is_from_scikit_learn(thing) else ()


def _is_from_scikit_learn(thing: Any) -> bool:
    return type(thing).__module__.partition(".")[0] == "sklearn"


def _entries(container: Any) -> Iterable[Any]:
    if isinstance(container, Mapping):
        return container.values()
    if isinstance(container, np.ndarray):
        return container.flat if container.dtype == object else ()
    return container  # type: ignore[no-any-return]  # a list, tuple or set


def _attributes(estimator: Any) -> Iterator[Any]:
    """Return the values of its attributes, in a dictionary or in slots."""
    yield from getattr(estimator, "__dict__", {}).values()
    for kind in type(estimator).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name != "__dict__" and hasattr(estimator, name):
                yield getattr(estimator, name)
