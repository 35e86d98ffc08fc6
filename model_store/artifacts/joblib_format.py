"""joblib: a pickle, which runs the code that it brings along; only for bytes under a trusted seal or made here."""

import io
from pathlib import Path
from typing import Any

import joblib
from joblib.numpy_pickle import NumpyUnpickler

from model_store.artifacts.wording import words
from model_store.errors import ArtifactUnreadable

NAME = "joblib"
_PICKLE = b"\x80"
"""How a pickle begins that is not compressed."""
_BUILD = ord("b")
"""The instruction of a pickle that gives an object its state."""


def dump(estimator: Any, path: Path) -> None:
    """Write the estimator as joblib, piece by piece. Raises ArtifactUnreadable if it cannot be pickled."""
    try:
        joblib.dump(estimator, path)
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"joblib cannot hold it: {words(error)}") from error


def load(file: io.RawIOBase) -> Any:
    """Return the estimator in a file, which is read from its start to its end. Raises any error of its classes."""
    buffered = io.BufferedReader(file)
    if not buffered.peek(1).startswith(_PICKLE):
        return joblib.load(buffered)  # compressed
    return _Unpickler("", buffered, ensure_native_byte_order=True).load()


class _Unpickler(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
    """joblib's own, which lets go of the arrays that scikit-learn's trees have copied.

    An unpickler keeps all that it has made until its end, so that a forest takes its memory twice.
    """

    dispatch = NumpyUnpickler.dispatch.copy()

    def load_build(self) -> None:
        state = self.stack[-1]
        super().load_build()
        if type(self.stack[-1]).__module__ == "sklearn.tree._tree" and isinstance(state, dict):
            state.clear()

    dispatch[_BUILD] = load_build
