"""Which presence and recent rows are meant by a location: a folder, or the word `database`."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from model_store.replicas.folder import FolderPresence
from model_store.replicas.locations import first_presence
from model_store.replicas.presence import Presence, Unreachable
from service.database.connection import Database
from service.presence.database import DatabasePresence
from service.presence.database_rows import DatabaseRows
from service.presence.first_release import (
    BesideFirstRelease,
    RowsBesideFirstRelease,
    first_recent_folders,
)
from service.presence.folder_rows import FolderRows
from service.presence.recent_rows import RecentRows
from service.presence.replica import ReplicaPresence


@dataclass(frozen=True, slots=True)
class Places:
    """Where a replica shares what its workers say: in ``shared``, a folder or else the database.

    ``run_dir`` is its own folder for run files; ``store`` is the store's root, where replicas of 0.1.0 look.
    """

    shared: Path | str
    run_dir: Path
    store: Path


def own_presence(run_dir: Path) -> Presence:
    """Return what a replica alone uses, in its own folder for run files."""
    return FolderPresence(run_dir)


def presence_at(places: Places, url: Callable[[], sa.URL]) -> ReplicaPresence:
    """Return what a replica uses, with what all use; ``url`` gives the database's address."""
    location = places.shared
    shared = FolderPresence(location) if isinstance(location, Path) else DatabasePresence(Database(url()))
    return ReplicaPresence(own_presence(places.run_dir), BesideFirstRelease(shared, places.store))


def withdraw_dead(places: Places, replica: str, pid: int) -> None:
    """Take back the record of a worker that died, in its master, which waits for no database: a row goes stale."""
    folders = [FolderPresence(root) for root in (places.run_dir, places.shared) if isinstance(root, Path)]
    for folder in (*folders, first_presence(places.store)):
        with contextlib.suppress(Unreachable):  # it goes stale then
            folder.withdraw(replica, pid)


def recent_rows_at(places: Places, url: Callable[[], sa.URL], *, replica: str, records: int) -> RecentRows:
    """Return where workers keep recent rows: the database, or the first of the folders that can be written.

    ``records`` is how many rows of each worker are kept; those that replicas of the first release keep are found too.
    """
    first = first_recent_folders(places.store)
    if isinstance(places.shared, Path):
        folders = (places.shared / "recent", places.run_dir / "recent", *first)
        return FolderRows(folders, replica=replica, records=records)
    rows = DatabaseRows(Database(url()), records=records)
    return RowsBesideFirstRelease(rows, FolderRows(first, replica=replica, records=records)) if first else rows
