"""The newest snapshot in a file, for workers that start while the database is down."""

import logging
from dataclasses import replace
from pathlib import Path

from model_store import atomic_file
from service.auth.snapshot import AccessSnapshot, from_json

_NAME = "access-snapshot.json"

_LOG = logging.getLogger(__name__)


class SnapshotFile:
    """A file in the replica's own folder. Only its owner reads it: it holds digests of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, snapshot: AccessSnapshot, now: float) -> None:
        """Replace the file by a snapshot that is current at ``now``; a folder that refuses is logged."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            atomic_file.write(self._folder / _NAME, replace(snapshot, read_at=now).to_json(), mode=0o600)
        except OSError as error:
            _LOG.warning("the state of access cannot be stored in %s: %s", self._folder, error)

    def read(self) -> AccessSnapshot | None:
        """Return the snapshot in the file; None if there is no file, or one of another form."""
        try:
            return from_json((self._folder / _NAME).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None
