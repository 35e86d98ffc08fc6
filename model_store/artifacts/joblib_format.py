"""joblib: a pickle, which runs the code that it brings along; only for bytes under a trusted seal or made here."""

import io
from typing import Any

import joblib

from model_store.artifacts.wording import words
from model_store.errors import ArtifactUnreadable

NAME = "joblib"


def dump(estimator: Any) -> bytes:
    """Return the estimator as joblib. Raises ArtifactUnreadable if it cannot be pickled (a lambda inside, say)."""
    buffer = io.BytesIO()
    try:
        joblib.dump(estimator, buffer)
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"joblib cannot hold it: {words(error)}") from error
    return buffer.getvalue()


def load(data: bytes) -> Any:
    """Return the estimator. Raises any error that its classes raise."""
    return joblib.load(io.BytesIO(data))
