"""Which store is meant by a location."""

from pathlib import Path

from model_store.stores.folder import FolderStore
from model_store.stores.store import Store


def store_at(location: Path | str) -> Store:
    """Return the store at a location: a folder's path."""
    return FolderStore(Path(location))
