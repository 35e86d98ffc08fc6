"""The port: what a store of models can do, wherever it keeps them."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from model_store import seal
from model_store.errors import BadManifest, StoreAway, UnknownVersion
from model_store.manifest import Manifest
from model_store.names import ModelName, parse_version
from model_store.seal import MANIFEST, TrustedKeys


class Pointers(NamedTuple):
    """A model's pointers as they are stored, None if there are none yet, and the tag to swap them with.

    The tag is opaque. It is another one after each change of the pointers, and after a version was removed.
    """

    data: bytes | None
    tag: str


class Fingerprint(NamedTuple):
    """What differs once something has changed. ``settled`` is false while a later change might not show in it."""

    value: Hashable
    settled: bool


@dataclass(frozen=True, slots=True)
class VerifiedVersion:
    """A version whose seal is whole, in a local folder for as long as it is held."""

    folder: Path
    manifest: Manifest

    def read(self, file: str) -> bytes:
        """Return a file's bytes, which are those that were sealed. Raises SealBroken."""
        return seal.read_sealed(self.folder, file, self.manifest)

    def copy(self, file: str, target: BinaryIO) -> None:
        """Write a file's bytes to another while they are checked; see ``seal.copy_sealed``. Raises SealBroken."""
        seal.copy_sealed(self.folder, file, self.manifest, target)


class Store(ABC):
    """Models, their immutable versions, and each model's pointers. Every method may raise OSError and BadName.

    What implements it inherits the tests in ``tests/model_store/stores/contract.py``.
    """

    away = ""
    """Why this is not the store that is served, if somebody who serves it found that: no change is made then."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Where the store is, in words for people."""

    @property
    @abstractmethod
    def disk(self) -> Path:
        """A local folder on the disk that fills as versions come."""

    @abstractmethod
    def is_there(self) -> bool:
        """Return True if the store can be reached; one that was never written to cannot."""

    @abstractmethod
    def identity(self) -> str | None:
        """Return what tells this store from every other one; None if it has not been given that."""

    @abstractmethod
    def identify(self) -> str | None:
        """Give the store an identity unless it has one, and return the one that it has then."""

    def check_here(self) -> None:
        """Raise StoreAway if this is not the store whose models are served."""
        if self.away:
            raise StoreAway(
                f"the store {self.location} is away: {self.away}. Nothing is changed until the store that is served is "
                "back; to serve another one, restart the replicas"
            )

    @abstractmethod
    def models(self) -> list[ModelName]:
        """Return the models that have a version, sorted by name; none if the store is not there."""

    @abstractmethod
    def versions(self, name: str) -> list[int]:
        """Return the model's versions, ascending. Raises UnknownModel."""

    @abstractmethod
    def read(self, name: str, version: int, file: str) -> bytes:
        """Return one file of a version, unverified: for listings. Raises UnknownModel, UnknownVersion."""

    @abstractmethod
    def local(self, name: str, version: int) -> AbstractContextManager[Path]:
        """Give a local folder ``…/<name>/<version>`` with the version's files, unverified, for as long as it is held.

        Raises UnknownModel, UnknownVersion.
        """

    @abstractmethod
    def staging(self, name: str) -> AbstractContextManager[Path]:
        """Give a new empty local folder to write a version in; it is gone at the end unless ``add`` took it."""

    @abstractmethod
    def add(self, name: str, staging: Path, finish: Callable[[int], None]) -> int:
        """Make a staged folder the model's next version, whole or not at all, and return its number.

        ``finish(number)`` writes what depends on the number (manifest and seal) into the folder. It is called again
        where somebody else took the first number. A number is never given twice.
        """

    @abstractmethod
    def remove(self, name: str, version: int, check: Callable[[bytes | None], None]) -> None:
        """Remove a version. Raises UnknownModel, UnknownVersion, and what ``check`` raises.

        ``check(pointers)`` is given the pointers that are in force as the version goes, and raises if it has to stay.
        """

    @abstractmethod
    def pointers(self, name: str) -> Pointers:
        """Return the model's pointers and their tag."""

    @abstractmethod
    def swap_pointers(self, name: str, data: bytes, expected: str) -> str:
        """Replace the model's pointers if their tag is still ``expected``, and return the new tag.

        Raises UnknownModel, and PointersMoved if they were changed, or a version was removed, since the tag was read.
        """

    @abstractmethod
    def fingerprint(self, name: str) -> Fingerprint:
        """Return what differs once the model's versions or pointers have changed; cheap. Raises UnknownModel."""

    @abstractmethod
    def files_fingerprint(self, name: str, version: int) -> Hashable:
        """Return what differs once a version's files have. Raises UnknownModel, UnknownVersion."""

    @contextlib.contextmanager
    def verified(
        self, name: str, version: int, trusted: TrustedKeys, needed: seal.Needed = seal.every_file
    ) -> Iterator[VerifiedVersion]:
        """Give a version whose seal has been checked, and those of its files that are ``needed``, by default all.

        The others are checked as they are read. Raises SealBroken, BadManifest and what ``local`` does.
        """
        with self.local(name, version) as folder:
            yield VerifiedVersion(folder, seal.verify(folder, trusted, needed))

    def manifest(self, name: str, version: int) -> Manifest:
        """Return a version's manifest for listings: parsed, not verified. Raises BadManifest and what ``read`` does."""
        try:
            return Manifest.from_bytes(self.read(name, version, MANIFEST))
        except OSError as error:
            raise BadManifest(f"{MANIFEST} of model {name!r} {version} cannot be read: {error.strerror}") from error

    def require(self, name: str, version: int) -> None:
        """Raise UnknownModel or UnknownVersion unless the version is stored."""
        if parse_version(version) not in self.versions(name):
            raise UnknownVersion(f"model {name!r} has no version {version}")
