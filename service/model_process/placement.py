"""Which versions are predicted in the loop: a place there is earned, since a prediction keeps all others waiting."""

from dataclasses import dataclass

from model_store.manifest import Manifest

LONGEST_SECONDS = 0.05
_ONLY_PARTS_OF_LIBRARIES = "skops"
"""The artifact format that holds nothing but reviewed classes of scikit-learn and other libraries."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The rule, for versions that are executed by their estimator; what is served from arrays always has a place.

    ``longest`` is how many seconds publishing may have measured for one row. With ``apart`` off, all have a place.
    """

    longest: float = LONGEST_SECONDS
    apart: bool = True

    def is_outside(self, manifest: Manifest) -> bool:
        """Return whether the version's estimator runs in a model process."""
        reviewed = manifest.artifact_format == _ONLY_PARTS_OF_LIBRARIES
        return self.apart and not (reviewed and manifest.predict_seconds <= self.longest)
