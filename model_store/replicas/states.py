"""The life of one version in one worker: its states, and which may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a version stands in this worker."""

    NEW = "NEW"
    """Stored, and nothing has been done with it here."""
    VERIFYING = "VERIFYING"
    """Its seal and its libraries are being checked; nothing of it has run."""
    LOADING = "LOADING"
    """Its estimator is being built from the artifact."""
    WARMING = "WARMING"
    """It predicts its golden rows, and the answers are compared with the stored ones."""
    READY = "READY"
    """It answers requests."""
    DRAINING = "DRAINING"
    """It takes no new requests; those that began with it still hold it."""
    RETIRED = "RETIRED"
    """It was loaded once and is out of memory."""
    FAILED = "FAILED"
    """It could not be brought to READY; the reason says why."""


LEGAL: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset({State.VERIFYING, State.FAILED}),
    State.VERIFYING: frozenset({State.LOADING, State.FAILED}),
    State.LOADING: frozenset({State.WARMING, State.FAILED}),
    State.WARMING: frozenset({State.READY, State.FAILED}),
    State.READY: frozenset({State.DRAINING, State.FAILED}),
    State.DRAINING: frozenset({State.RETIRED, State.READY, State.FAILED}),  # READY: wanted again while still held
    State.RETIRED: frozenset({State.VERIFYING, State.FAILED}),  # VERIFYING: wanted again
    State.FAILED: frozenset({State.VERIFYING}),  # tried again
}

ON_THE_WAY = frozenset({State.VERIFYING, State.LOADING, State.WARMING})
"""The states of a version that is being loaded now."""


class IllegalMove(RuntimeError):
    """A state was asked to follow one that it may not follow."""


@dataclass(frozen=True, slots=True)
class VersionState:
    """A state, and for FAILED the reason in words that a user may read; it stays while the version is tried again."""

    state: State = State.NEW
    reason: str = ""

    def to(self, state: State, reason: str = "") -> "VersionState":
        """Return the state after a move.

        Raises IllegalMove if the move is not legal, ValueError for a FAILED without reason.
        """
        if state not in LEGAL[self.state]:
            raise IllegalMove(f"{self.state} cannot become {state}")
        if state is State.FAILED and not reason:
            raise ValueError("a version that failed carries a reason")
        return VersionState(state, reason or (self.reason if state in ON_THE_WAY else ""))
