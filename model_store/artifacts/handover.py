"""Sample rows from the publisher's process to the throw-away process that it starts, exactly as they are.

They are pickled, so that no type is lost. Only a path that ``write`` of this program has just returned is read.
"""

from pathlib import Path
from typing import Any

from model_store.artifacts import joblib_format
from model_store.errors import ArtifactUnreadable, BadSample


def write(sample: Any, folder: Path) -> Path:
    """Write sample rows into a private folder, and return the file. Raises BadSample if they cannot be pickled."""
    path = folder / "sample.joblib"
    try:
        joblib_format.dump(sample, path)
    except ArtifactUnreadable as error:
        raise BadSample(f"the sample cannot be handed to the process that loads the estimator: {error}") from error
    return path


def read(path: Path) -> Any:
    """Return the sample rows that ``write`` wrote. Raises what their classes raise."""
    with path.open("rb", buffering=0) as file:
        return joblib_format.load(file)
