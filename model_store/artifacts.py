"""Estimator to bytes and back. The only file that unpickles, and only bytes that a manifest names."""

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import joblib
import skops.io

from model_store import seal
from model_store.errors import ArtifactUnreadable
from model_store.estimators import objects
from model_store.manifest import Manifest
from model_store.trusted_types import TRUSTED_TYPES

SKOPS = "skops"
JOBLIB = "joblib"
ANY_LIBRARY_VERSION = "any_library_version"  # an option in the manifest: the publisher forced a library mismatch


def load(version_dir: Path, manifest: Manifest) -> Any:
    """The version's estimator, set to one thread (``n_jobs=1`` throughout).

    The file is read once; exactly the bytes that were compared with the manifest's SHA-256 are loaded, by the format
    that the manifest names and no other. Raises SealBroken where they differ, ArtifactUnreadable where they hold no
    estimator that may be loaded here.
    """
    loader = _LOADERS.get(manifest.artifact_format)
    if loader is None:
        raise ArtifactUnreadable(f"no loader for artifacts of format {manifest.artifact_format!r}")
    data = seal.read_sealed(version_dir, manifest.artifact, manifest)
    return _loaded(loader, data, any_version=bool(manifest.options.get(ANY_LIBRARY_VERSION)))


def load_own(path: Path, *, any_version: bool = False) -> Any:
    """An estimator from a file that its owner vouches for: ``.skops``, else joblib or pickle (which run its code)."""
    loader = _load_skops if path.suffix == ".skops" else _load_joblib
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactUnreadable(f"{path} cannot be read: {error.strerror}") from error
    return _loaded(loader, data, any_version=any_version)


def dump_skops(estimator: Any) -> bytes:
    """The estimator as skops; raises ArtifactUnreadable where skops cannot hold it within the trusted types."""
    try:
        data: bytes = skops.io.dumps(estimator)
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"skops cannot hold it: {_words(error)}") from error
    _refuse_untrusted(data)
    return data


def dump_joblib(estimator: Any) -> bytes:
    """The estimator as joblib; raises ArtifactUnreadable where it cannot be pickled (a lambda inside, say)."""
    buffer = io.BytesIO()
    try:
        joblib.dump(estimator, buffer)
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"joblib cannot hold it: {_words(error)}") from error
    return buffer.getvalue()


def from_skops(data: bytes) -> Any:
    """The estimator in skops bytes that this process has just written."""
    return _loaded(_load_skops, data, any_version=False)


def types_beyond_default(data: bytes) -> list[str]:
    """The types in skops bytes that skops itself does not trust and the reviewed list does."""
    return sorted(set(skops.io.get_untrusted_types(data=data)) & TRUSTED_TYPES)


def single_threaded(estimator: Any) -> Any:
    """The same estimator with ``n_jobs=1`` on it and on everything fitted inside: requests never start thread pools."""
    for thing in objects(estimator):
        if isinstance(getattr(thing, "__dict__", None), dict) and thing.__dict__.get("n_jobs", 1) != 1:
            thing.n_jobs = 1
        if type(thing).__module__ == "xgboost.core" and hasattr(thing, "set_param"):
            thing.set_param({"nthread": 1})
    return estimator


def modules_of(estimator: Any) -> set[str]:
    """The top-level modules that the estimator's parts come from."""
    return {type(thing).__module__.partition(".")[0] for thing in objects(estimator)}


def _loaded(loader: Callable[[bytes], Any], data: bytes, *, any_version: bool) -> Any:
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
            raise ArtifactUnreadable(f"it cannot be loaded: {_words(error)}") from error
    return single_threaded(estimator)


def _load_joblib(data: bytes) -> Any:
    return joblib.load(io.BytesIO(data))


def _load_skops(data: bytes) -> Any:
    _refuse_untrusted(data)
    return skops.io.loads(data, trusted=sorted(TRUSTED_TYPES))


def _refuse_untrusted(data: bytes) -> None:
    untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES)
    if untrusted:
        shown = ", ".join(untrusted[:5])
        raise ArtifactUnreadable(f"it holds types that are not on the reviewed list: {shown}")


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


_LOADERS: Mapping[str, Callable[[bytes], Any]] = {SKOPS: _load_skops, JOBLIB: _load_joblib}
