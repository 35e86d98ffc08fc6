"""Where the workers that serve a store leave word, and what they say there."""

from pathlib import Path

from model_store.replicas import announcements
from model_store.replicas.announcements import Announcement
from model_store.replicas.folder import FolderPresence

FIRST_RELEASE = ".replicas"
"""The folder of the store in which replicas of 0.1.0 leave word."""


def presence_beside(root: Path) -> Path:
    """Return the folder in which replicas leave word unless PRESENCE says another: ``presence`` next to the store."""
    return root.parent / "presence"


def first_presence(root: Path) -> FolderPresence:
    """Return where replicas of 0.1.0 leave word, which is in the store."""
    return FolderPresence(root, folder=FIRST_RELEASE)


def announced(root: Path, place: Path) -> list[Announcement]:
    """Return what all workers say that leave word in the folder ``place`` or, of 0.1.0, in the store at ``root``."""
    found = {(one.replica, one.pid): one for one in announcements.read(first_presence(root))}
    found |= {(one.replica, one.pid): one for one in announcements.read(FolderPresence(place))}
    return [found[key] for key in sorted(found)]
