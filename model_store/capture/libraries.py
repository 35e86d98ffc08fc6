"""Which libraries made an estimator, and in which versions."""

import platform
from importlib import metadata
from typing import Any

from model_store.estimators import objects

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "skops", "pandas")
_BY_MODULE = {"xgboost": ("xgboost", "xgboost-cpu"), "lightgbm": ("lightgbm",)}


def libraries_of(estimator: Any) -> dict[str, str]:
    """Return the versions of Python, of the usual libraries, and of what else the estimator is made of."""
    found = {"python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}
    modules = {type(thing).__module__.partition(".")[0] for thing in objects(estimator)}
    for module, distributions in _BY_MODULE.items():
        if module in modules:
            found[module] = next((v for v in map(_version, distributions) if v), "unknown")
    return found


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
