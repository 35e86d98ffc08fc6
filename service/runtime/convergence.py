"""Whether every worker of every replica does with a model what the store says."""

import logging
import time
from collections.abc import Sequence

from model_store import channels as pointers_of
from model_store.channels import Channels
from model_store.errors import StoreError, UnknownModel
from model_store.replicas.announcements import AnnouncedModel, Announcement, read
from model_store.replicas.presence import Unreachable
from model_store.replicas.states import State
from model_store.stores.store import Store
from service.presence.replica import ReplicaPresence

log = logging.getLogger(__name__)

_POLL = 0.05


def converged(store: Store, announcements: Sequence[Announcement], model: str) -> bool:
    """Return True if every live worker does with the model what the store says; False if there is no live worker."""
    told = [announcement.models.get(model) for announcement in announcements]
    try:
        store.versions(model)
        channels = pointers_of.read(store, model)
    except UnknownModel:
        return bool(told) and not any(told)
    except StoreError:
        return False
    return bool(told) and all(one is not None and _follows(one, channels) for one in told)


def failures(store: Store, announcements: Sequence[Announcement], model: str) -> dict[int, str]:
    """Return the wanted versions of the model that a worker failed to load, with the reason.

    What workers announced of earlier pointers does not count.
    """
    try:
        channels = pointers_of.read(store, model)
    except StoreError:
        return {}
    present = [one for a in announcements if (one := a.models.get(model)) and one.generation == channels.generation]
    wanted = channels.wanted()
    return {
        version: state.reason
        for one in present
        for version, state in one.states.items()
        if version in wanted and state.state is State.FAILED
    }


class Convergence:
    """Waits, up to ``seconds``, until every worker of every replica does what the store says."""

    def __init__(self, store: Store, presence: ReplicaPresence, seconds: float = 20.0) -> None:
        self.seconds = seconds
        self._store = store
        self._presence = presence

    def announcements(self) -> list[Announcement]:
        """Return the announcements of all workers, or those of this replica's while others cannot be reached."""
        try:
            return read(self._presence)
        except Unreachable as error:
            log.warning("only this replica's own workers are known: %s", error)
            return read(self._presence.own)

    def wait(self, model: str) -> bool:
        """Wait until every live worker does with the model what the store says, and return whether that came to be.

        Gives up early if a worker has failed to load a wanted version: see ``failures``.
        """
        deadline = time.monotonic() + self.seconds
        while True:
            announced = self._all_announcements()
            if converged(self._store, announced, model):
                return True
            if time.monotonic() >= deadline or failures(self._store, announced, model):
                return False
            time.sleep(_POLL)

    def failures(self, model: str) -> dict[int, str]:
        """Return the wanted versions of the model that a worker failed to load, with the reason."""
        return failures(self._store, self.announcements(), model)

    def _all_announcements(self) -> list[Announcement]:
        """Return what is announced; nothing, with which nothing has converged, while that cannot be read."""
        try:
            return read(self._presence)
        except Unreachable:
            return []


def _follows(told: AnnouncedModel, channels: Channels) -> bool:
    if told.generation != channels.generation or told.trouble:
        return False
    wanted = frozenset() if channels.unloaded else channels.wanted()
    return told.loaded == wanted and (channels.unloaded or channels.serving(channels.stable) in {None, told.stable})
