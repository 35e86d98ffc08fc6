"""Moving the stable channel with a check before: a version that cannot serve never displaces the one that does."""

from collections.abc import Callable

from model_store import channels, gate
from model_store.channels import Channels
from model_store.seal import TrustedKeys
from model_store.stores.store import Store


def promote(  # noqa: PLR0913 - what to move, whom to trust, and what the check may take
    store: Store,
    name: str,
    version: int,
    *,
    trusted: TrustedKeys,
    by: str,
    seconds: float = gate.SECONDS,
    memory: int = gate.MEMORY,
    row_seconds: float = gate.ROW_SECONDS,
    progress: Callable[[str], None] | None = None,
) -> Channels:
    """Check the version's seal, try it in a separate process, and only then point ``stable`` at it.

    Raises UnknownModel, UnknownVersion, SealBroken, LibraryMismatch or GateRefused, and then nothing has moved.
    """
    report_step = progress or (lambda _: None)
    report_step("checking the seal")
    with store.verified(name, version, trusted) as found:
        report_step("trying it in a process of its own")
        gate.try_candidate(
            found.folder, manifest=found.manifest, seconds=seconds, memory=memory, row_seconds=row_seconds
        )
    return channels.promote(store, name, version, by)


def rollback(store: Store, name: str, *, trusted: TrustedKeys, by: str) -> Channels:
    """Point ``stable`` at the version before, once its seal has been checked. It has served before: no trial delays it.

    Raises NothingToRollBack, UnknownModel, SealBroken.
    """
    with store.verified(name, channels.previous(store, name), trusted):
        return channels.rollback(store, name, by)
