"""skops: an estimator's types and values without its code, of types that were reviewed."""

from typing import Any

import skops.io

from model_store.artifacts.trusted_types import TRUSTED_TYPES
from model_store.artifacts.wording import words
from model_store.errors import ArtifactUnreadable

NAME = "skops"


def dump(estimator: Any) -> bytes:
    """Return the estimator as skops. Raises ArtifactUnreadable if skops cannot hold it within the trusted types."""
    try:
        data: bytes = skops.io.dumps(estimator)
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"skops cannot hold it: {words(error)}") from error
    _refuse_untrusted(data)
    return data


def load(data: bytes) -> Any:
    """Return the estimator. Raises ArtifactUnreadable for types that are not trusted, and any error of skops."""
    _refuse_untrusted(data)
    return skops.io.loads(data, trusted=sorted(TRUSTED_TYPES))


def types_beyond_default(data: bytes) -> list[str]:
    """Return the types in skops bytes that skops itself does not trust and the reviewed list does."""
    return sorted(set(skops.io.get_untrusted_types(data=data)) & TRUSTED_TYPES)


def _refuse_untrusted(data: bytes) -> None:
    untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - TRUSTED_TYPES)
    if untrusted:
        shown = ", ".join(untrusted[:5])
        raise ArtifactUnreadable(f"it holds types that are not on the reviewed list: {shown}")
