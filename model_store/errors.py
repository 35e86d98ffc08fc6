"""What can go wrong in the store. Each error has a stable, machine-readable ``code``."""

from typing import ClassVar


class StoreError(Exception):
    """Base of every error that the store raises on purpose; ``str(error)`` is fit for a user's eyes."""

    code: ClassVar[str] = "store_error"


class BadName(StoreError):
    """A model name or version number that cannot be one."""

    code = "bad_name"


class UnknownModel(StoreError):
    """No model of that name is in the store."""

    code = "unknown_model"


class UnknownVersion(StoreError):
    """The model has no such version."""

    code = "unknown_version"


class BadSample(StoreError):
    """Sample rows that no schema can be read from, or that the estimator does not take."""

    code = "bad_sample"


class UndeclaredAnswer(StoreError):
    """The estimator answered what the schema's output does not hold: another shape, or values of another type."""

    code = "undeclared_answer"


class BadSchema(StoreError):
    """A schema that is not well-formed."""

    code = "bad_schema"


class BadPayloadLog(StoreError):
    """The options of a payload log cannot be met."""

    code = "bad_payload_log"


class BadManifest(StoreError):
    """A manifest that is missing, unreadable, or of an unknown format number."""

    code = "bad_manifest"


class SealBroken(StoreError):
    """A file is missing, altered or foreign, or the seal is absent or made with a key that is not trusted."""

    code = "seal_broken"


class NoKey(StoreError):
    """The key to seal with, or the folder of trusted keys, is missing or unreadable."""

    code = "no_key"


class BadChannels(StoreError):
    """A model's channel file is unreadable or of an unknown format number."""

    code = "bad_channels"


class PointersMoved(StoreError):
    """Somebody else changed the model's pointers at the same time; read them again."""

    code = "pointers_moved"


class ArtifactUnreadable(StoreError):
    """The artifact holds no estimator that this process can or may load."""

    code = "artifact_unreadable"


class LibraryMismatch(StoreError):
    """The version was made with another major.minor of a library than the one installed."""

    code = "library_mismatch"


class GateRefused(StoreError):
    """The candidate was tried in its own process and crashed, hung, or did not answer as it should."""

    code = "gate_refused"


class DiedLoading(GateRefused):
    """The process that loaded the version ended, or did not come to an end, before it was ready."""

    code = "died_loading"


class InUse(StoreError):
    """The version cannot go: a channel or label names it."""

    code = "in_use"


class InQuarantine(StoreError):
    """The version was taken out of service because it harmed; somebody has to release it first."""

    code = "in_quarantine"


class NothingToRollBack(StoreError):
    """The channel's history has no earlier version that is still stored."""

    code = "nothing_to_roll_back"


class StoreAway(StoreError):
    """The store in this place is not the one whose models are served: it is missing, another one, or was emptied."""

    code = "store_away"


class NotServed(StoreError):
    """The version is stored and stable, and not every worker came to answer with it."""

    code = "not_served"


def of_code(code: str, said: str, otherwise: type[StoreError]) -> StoreError:
    """Return the error with this code, as another process told it; one of the kind ``otherwise`` if there is none."""
    kinds = {kind.code: kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, StoreError)}
    return kinds.get(code, otherwise)(said)
