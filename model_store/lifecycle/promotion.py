"""Moving the stable channel with a check before: a version that cannot serve never displaces the one that does."""

from model_store import channels
from model_store.capture.options import Progress, silent
from model_store.channels import Channels
from model_store.gate.gate import Gate
from model_store.seal import TrustedKeys
from model_store.stores.store import Store


def promote(  # noqa: PLR0913 - what to move, whom to trust, and what checks it
    store: Store,
    name: str,
    version: int,
    *,
    trusted: TrustedKeys,
    by: str,
    gate: Gate,
    progress: Progress = silent,
) -> Channels:
    """Check the version's seal, have the gate try it, and only then point ``stable`` at it.

    What the gate let pass before, by the sealed manifest, is not tried again where nothing has changed.
    Raises UnknownModel, UnknownVersion, SealBroken, LibraryMismatch or GateRefused, and then nothing has moved.
    """
    progress("checking the seal")
    with store.verified(name, version, trusted) as found:
        if gate.has_tried(found.manifest):
            progress("it was tried when it was published, with the libraries that are here")
        else:
            progress("trying it in a process of its own")
            gate.try_version(found.folder, found.manifest)
    return channels.promote(store, name, version, by)


def rollback(store: Store, name: str, *, trusted: TrustedKeys, by: str) -> Channels:
    """Point ``stable`` at the version before, once its seal has been checked. It has served before: no trial delays it.

    Raises NothingToRollBack, UnknownModel, SealBroken.
    """
    with store.verified(name, channels.previous(store, name), trusted):
        return channels.rollback(store, name, by)
