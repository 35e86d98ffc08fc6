"""An artifact's estimator, by the format that the manifest names, and set to one thread."""

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from model_store import seal
from model_store.artifacts.spending import SpentBytes
from model_store.artifacts.wording import missing_code, words
from model_store.errors import ArtifactUnreadable
from model_store.estimators import objects
from model_store.manifest import ANY_LIBRARY_VERSION, Manifest

Loader = Callable[[io.RawIOBase], Any]
Versions = Literal["error", "ignore", "always"]
"""What becomes of the warning that another scikit-learn fitted the estimator."""


def _joblib(file: io.RawIOBase) -> Any:
    from model_store.artifacts import joblib_format  # here: joblib, which versions served as arrays do not need

    return joblib_format.load(file)


def _skops(file: io.RawIOBase) -> Any:
    from model_store.artifacts import skops_format  # here: skops and scikit-learn, as in _joblib

    return skops_format.load(file)


_LOADERS: Mapping[str, Loader] = {"joblib": _joblib, "skops": _skops}


def load(folder: Path, manifest: Manifest) -> Any:
    """Return the version's estimator, set to one thread (``n_jobs=1`` throughout).

    The file is read once; exactly the bytes that were compared with the manifest's SHA-256 are loaded, by the format
    that the manifest names and no other. They leave the memory while the estimator comes into it. Raises SealBroken if
    they differ, ArtifactUnreadable if they hold no estimator that may be loaded here.
    """
    loader = _LOADERS.get(manifest.artifact_format)
    if loader is None:
        raise ArtifactUnreadable(f"no loader for artifacts of format {manifest.artifact_format!r}")
    blocks = seal.read_sealed_blocks(folder, manifest.artifact, manifest)
    file = SpentBytes(blocks, spending=loader is _joblib)
    del blocks
    return _loaded(loader, file, "ignore" if manifest.options.get(ANY_LIBRARY_VERSION) else "error")


def load_own(path: Path, *, any_version: bool = False) -> tuple[Any, str | None]:
    """Return the estimator in a file that its owner vouches for: skops, else joblib or pickle (which run its code).

    With it comes the other scikit-learn that it says it was fitted with, None if that is the one here. Raises
    ArtifactUnreadable, also for an estimator of another scikit-learn unless ``any_version``.
    """
    loader = _skops if path.suffix == ".skops" else _joblib
    try:
        with path.open("rb", buffering=0) as file, warnings.catch_warnings(record=True) as given:
            estimator = _loaded(loader, file, "always" if any_version else "error")
    except OSError as error:
        raise ArtifactUnreadable(f"{path} cannot be read: {error.strerror}") from error
    return estimator, next(filter(None, (_other_sklearn(one.message) for one in given)), None)


def from_skops(path: Path) -> tuple[Any, list[str]]:
    """Return the estimator in a skops file that this process has just written, and its types that skops does not trust.

    Raises ArtifactUnreadable.
    """
    from model_store.artifacts import skops_format  # here: as in _skops

    with path.open("rb", buffering=0) as file:
        estimator, beyond_default = _opened(skops_format.load_with_types, file, "error")
    return single_threaded(estimator), beyond_default


def single_threaded(estimator: Any) -> Any:
    """Return the same estimator with ``n_jobs=1`` on it and on everything inside: requests never start thread pools."""
    for thing in objects(estimator):
        if isinstance(getattr(thing, "__dict__", None), dict) and thing.__dict__.get("n_jobs", 1) != 1:
            thing.n_jobs = 1
        if type(thing).__module__ == "xgboost.core" and hasattr(thing, "set_param"):
            thing.set_param({"nthread": 1})
    return estimator


def _loaded(loader: Loader, file: io.RawIOBase, versions: Versions) -> Any:
    return single_threaded(_opened(loader, file, versions))


def _opened(loader: Loader, file: io.RawIOBase, versions: Versions) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning  # here: importing scikit-learn takes most of a second

    with warnings.catch_warnings():
        warnings.simplefilter(versions, InconsistentVersionWarning)
        try:
            return loader(file)
        except ArtifactUnreadable:
            raise
        except InconsistentVersionWarning as error:
            raise ArtifactUnreadable(
                f"it was fitted with scikit-learn {error.original_sklearn_version} and this is "
                f"{error.current_sklearn_version}: fit it again, or force it"
            ) from error
        except MemoryError:
            raise
        except Exception as error:  # damaged or foreign bytes raise anything
            raise ArtifactUnreadable(missing_code(error) or f"it cannot be loaded: {words(error)}") from error


def _other_sklearn(warning: Warning | str) -> str | None:
    """Return the version of scikit-learn that fitted an estimator, in the warning that it was another one."""
    version = getattr(warning, "original_sklearn_version", None)
    return None if version is None else str(version)
