"""Which presence is meant by a location: a folder, or the word `database`."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from service.database.connection import Database
from service.presence.database import DatabasePresence
from service.presence.first_release import BesideFirstRelease, first_presence, first_recent_folders
from service.presence.folder import FolderPresence
from service.presence.presence import Presence, Unreachable
from service.presence.replica import ReplicaPresence


def own_presence(run_dir: Path) -> Presence:
    """Return what a replica alone uses, in its own folder for run files."""
    return FolderPresence(run_dir)


def presence_at(location: Path | str, run_dir: Path, store: Path, url: Callable[[], sa.URL]) -> ReplicaPresence:
    """Return what the replica of this folder for run files uses, with what all use: a folder, or else the database.

    ``store`` is the store's root, where replicas of the first release look.
    """
    shared = FolderPresence(location) if isinstance(location, Path) else DatabasePresence(Database(url()))
    return ReplicaPresence(own_presence(run_dir), BesideFirstRelease(shared, store))


def withdraw_dead(location: Path | str, run_dir: Path, store: Path, replica: str, pid: int) -> None:
    """Take back the record of a worker that died, in its master, which waits for no database: a row goes stale."""
    folders = [FolderPresence(root) for root in (run_dir, location) if isinstance(root, Path)]
    for folder in (*folders, first_presence(store)):
        with contextlib.suppress(Unreachable):  # it goes stale then
            folder.withdraw(replica, pid)


def recent_folders(location: Path | str, run_dir: Path, store: Path) -> tuple[Path, ...]:
    """Return where recent predictions are kept: the first of these folders that can be written."""
    roots = (location, run_dir) if isinstance(location, Path) else (run_dir,)
    return (*(root / "recent" for root in roots), *first_recent_folders(store))
