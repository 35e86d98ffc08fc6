"""Whether the store is still the one whose models are served: one that is away is not an empty one."""

import contextlib
import logging
from collections.abc import Collection
from pathlib import Path

from model_store import atomic_file
from model_store.stores.store import Store
from service.metrics.instruments import child

log = logging.getLogger(__name__)

_ACT = "models are removed with `demote` and `retire` alone"


class SameStore:
    """Follows one store for one worker. While it is away nothing is dropped, and the store takes no changes.

    ``note`` is a file of the replica's that tells workers which start later which store it serves: it goes with it.
    """

    def __init__(self, store: Store, note: Path | None = None) -> None:
        self._store = store
        self._note = note
        self._known = _noted(note)

    @property
    def lost(self) -> bool:
        """Whether the store that this replica serves is known, and away."""
        return bool(self._known and self._store.away)

    def models(self, serving: Collection[str]) -> set[str] | None:
        """Return the models in the store; None if it is away. ``serving`` are those of it that answer here."""
        names: set[str] = set()
        try:
            names = set(self._store.models())
            away = self._away(names, serving)
        except OSError as error:
            away = f"it cannot be read ({error.strerror})"
        self._tell(away)
        return None if away else names

    def _away(self, names: Collection[str], serving: Collection[str]) -> str:
        """Return why the store is not the one that is served, or an empty string. Raises OSError."""
        if not self._store.is_there():
            return "there is no such folder"
        found = self._store.identity()
        if found is None and names and self._known is None:
            found = self._given()
        if found is not None and self._known is None:
            self._known = found
            self._write_note(found)
        if found != self._known:
            return "it is another store" if found else "it has lost its identity"
        if serving and not names and not any(self._store.pointers(name).data for name in serving):
            return f"it is empty, and {_ACT}"
        return ""

    def _given(self) -> str | None:
        """Give a store of an earlier release its identity; one that cannot be written goes without."""
        try:
            return self._store.identify()
        except OSError as error:
            log.info("the store %s has no identity and cannot be given one: %s", self._store.location, error.strerror)
            return None

    def _write_note(self, known: str) -> None:
        if self._note is not None:
            with contextlib.suppress(OSError):  # a worker that starts later takes the store that it finds
                self._note.parent.mkdir(parents=True, exist_ok=True)
                atomic_file.write(self._note, known.encode(), mode=0o600)

    def _tell(self, away: str) -> None:
        if away and not self._store.away:
            log.error("the store %s is away: %s; what is loaded stays", self._store.location, away)
        elif self._store.away and not away:
            log.info("the store %s is back", self._store.location)
        self._store.away = away
        child("millrace_store_away").set(1 if away else 0)


def _noted(note: Path | None) -> str | None:
    try:
        return note.read_text("ascii") or None if note else None
    except (OSError, UnicodeDecodeError):
        return None
