"""What is loaded in this worker: an immutable snapshot, swapped whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from model_store.channels import Channels
from model_store.replicas.states import VersionState
from service.runtime.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model of the store as this worker sees it.

    ``channels`` are the store's pointers. ``pointers`` are those in effect here, by channel or label name: a pointer
    moves only when the version that it moves to is READY, and stays where it was when that version fails.
    ``versions`` are the READY ones; ``states`` cover every stored version. ``trouble`` says why the pointers could not
    be read, if that is so.
    """

    name: str
    channels: Channels
    versions: Mapping[int, LoadedModel] = field(default_factory=dict)
    states: Mapping[int, VersionState] = field(default_factory=dict)
    pointers: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""

    @property
    def stable(self) -> int | None:
        """The version that answers when a request names none, or None if nothing can."""
        return self.pointers.get("stable")


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """Every model of the store, by name.

    ``settled`` is true from when everything that this worker had to load at its start has been loaded or has failed.
    ``elsewhere`` has the versions, each with its model, that are wanted and not loaded here, but by another worker.
    """

    models: Mapping[str, ServedModel] = field(default_factory=lambda: MappingProxyType({}))
    settled: bool = True
    elsewhere: frozenset[tuple[str, int]] = frozenset()


class Catalog:
    """Holds the current snapshot. Reading needs no lock: a snapshot never changes, and swapping one is atomic."""

    def __init__(self, snapshot: CatalogSnapshot | None = None) -> None:
        self._snapshot = snapshot or CatalogSnapshot()

    def snapshot(self) -> CatalogSnapshot:
        """Return the current snapshot; who holds it sees one consistent state."""
        return self._snapshot

    def swap(self, snapshot: CatalogSnapshot) -> None:
        """Make ``snapshot`` the current one, for all requests that begin from now on."""
        self._snapshot = snapshot
