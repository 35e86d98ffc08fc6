"""An artifact's estimator, by the format that the manifest names, and set to one thread."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from model_store import seal
from model_store.artifacts import joblib_format, skops_format
from model_store.artifacts.wording import missing_code, words
from model_store.errors import ArtifactUnreadable
from model_store.estimators import objects
from model_store.manifest import ANY_LIBRARY_VERSION, Manifest

Loader = Callable[[bytes], Any]

_LOADERS: Mapping[str, Loader] = {skops_format.NAME: skops_format.load, joblib_format.NAME: joblib_format.load}


def load(folder: Path, manifest: Manifest) -> Any:
    """Return the version's estimator, set to one thread (``n_jobs=1`` throughout).

    The file is read once; exactly the bytes that were compared with the manifest's SHA-256 are loaded, by the format
    that the manifest names and no other. Raises SealBroken if they differ, ArtifactUnreadable if they hold no
    estimator that may be loaded here.
    """
    loader = _LOADERS.get(manifest.artifact_format)
    if loader is None:
        raise ArtifactUnreadable(f"no loader for artifacts of format {manifest.artifact_format!r}")
    data = seal.read_sealed(folder, manifest.artifact, manifest)
    return _loaded(loader, data, any_version=bool(manifest.options.get(ANY_LIBRARY_VERSION)))


def load_own(path: Path, *, any_version: bool = False) -> Any:
    """Return an estimator from a file that its owner vouches for: skops, else joblib or pickle (which run its code).

    Raises ArtifactUnreadable.
    """
    loader = skops_format.load if path.suffix == ".skops" else joblib_format.load
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactUnreadable(f"{path} cannot be read: {error.strerror}") from error
    return _loaded(loader, data, any_version=any_version)


def from_skops(data: bytes) -> Any:
    """Return the estimator in skops bytes that this process has just written. Raises ArtifactUnreadable."""
    return _loaded(skops_format.load, data, any_version=False)


def single_threaded(estimator: Any) -> Any:
    """Return the same estimator with ``n_jobs=1`` on it and on everything inside: requests never start thread pools."""
    for thing in objects(estimator):
        if isinstance(getattr(thing, "__dict__", None), dict) and thing.__dict__.get("n_jobs", 1) != 1:
            thing.n_jobs = 1
        if type(thing).__module__ == "xgboost.core" and hasattr(thing, "set_param"):
            thing.set_param({"nthread": 1})
    return estimator


def _loaded(loader: Loader, data: bytes, *, any_version: bool) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning  # here: importing scikit-learn takes most of a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if any_version else "error", InconsistentVersionWarning)
        try:
            estimator = loader(data)
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
    return single_threaded(estimator)
