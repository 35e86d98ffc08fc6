"""Stable, canary, shadow and labels: which version each names, and the history behind it.

One small file, ``channels.json``, replaced whole under the model's lock. Readers need no lock.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from model_store.directory import Store, write_whole
from model_store.errors import BadChannels, BadName, NothingToRollBack
from model_store.names import parse_label

FORMAT = 1
FILE = "channels.json"
CHANNELS = ("stable", "canary", "shadow")
_LONGEST_HISTORY = 1000

Action = Literal["promote", "rollback", "label", "unlabel", "load", "unload"]


@dataclass(frozen=True, slots=True)
class Move:
    """One change: of which channel or label (none for load and unload), from and to what, when (UTC) and by whom."""

    channel: str
    from_version: int | None
    to_version: int | None
    at: str
    by: str
    action: Action = "promote"


@dataclass(frozen=True, slots=True)
class Channels:
    """Where a model's pointers are. ``canary_percent`` is 0 to 100; ``generation`` grows by one with every change."""

    stable: int | None = None
    canary: int | None = None
    canary_percent: float = 0.0
    shadow: int | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    loaded: tuple[int, ...] = ()
    unloaded: bool = False
    generation: int = 0
    history: tuple[Move, ...] = ()

    def wanted(self) -> frozenset[int]:
        """The versions that every replica shall have loaded."""
        if self.unloaded:
            return frozenset()
        named = {self.stable, self.canary, self.shadow, *self.labels.values(), *self.loaded}
        return frozenset(version for version in named if version is not None)

    def named(self) -> frozenset[int]:
        """The versions that a channel, a label or a load names, also while the model is unloaded."""
        return replace(self, unloaded=False).wanted()

    def pointer(self, label: str) -> int | None:
        """The version that a channel or label names."""
        if label in CHANNELS:
            version: int | None = getattr(self, label)
            return version
        return self.labels.get(label)


def read(store: Store, name: str) -> Channels:
    """The model's channels, all unset where nothing was promoted yet; raises BadName, BadChannels."""
    try:
        data = (store.model_dir(name) / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Channels()
    return _parse(name, data)


def fingerprint(store: Store, name: str) -> tuple[int, ...] | None:
    """What changes whenever the channels do, from one stat of their file; None where there is none."""
    try:
        stat = (store.model_dir(name) / FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def promote(store: Store, name: str, version: int, by: str) -> Channels:
    """Point ``stable`` at a stored version. Only the pointer moves here; ``promotion.promote`` checks first."""
    store.version_dir(name, version)

    def moved(now: Channels) -> Channels:
        store.version_dir(name, version)  # again under the lock: it may have been retired meanwhile
        changed = replace(now, stable=version, unloaded=False)
        return _noted(changed, _move("stable", now.stable, version, by, "promote"))

    return _change(store, name, moved)


def previous(store: Store, name: str) -> int:
    """The version that a rollback would bring back; raises UnknownModel, NothingToRollBack."""
    return _previous(name, read(store, name), store.versions(name))


def rollback(store: Store, name: str, by: str) -> Channels:
    """Point ``stable`` at the version before; a second rollback goes one further back. Raises NothingToRollBack."""
    store.versions(name)

    def moved(now: Channels) -> Channels:
        version = _previous(name, now, store.versions(name))
        changed = replace(now, stable=version, unloaded=False)
        return _noted(changed, _move("stable", now.stable, version, by, "rollback"))

    return _change(store, name, moved)


def set_label(store: Store, name: str, label: str, version: int, by: str) -> Channels:
    """Let a label name a stored version; raises BadName for the names of channels."""
    store.version_dir(name, version)
    _check_label(label)

    def moved(now: Channels) -> Channels:
        store.version_dir(name, version)
        changed = replace(now, labels={**now.labels, label: version})
        return _noted(changed, _move(label, now.labels.get(label), version, by, "label"))

    return _change(store, name, moved)


def remove_label(store: Store, name: str, label: str, by: str) -> Channels:
    """Forget a label; nothing happens where there is none."""
    store.versions(name)
    _check_label(label)

    def moved(now: Channels) -> Channels:
        if label not in now.labels:
            return now
        changed = replace(now, labels={k: v for k, v in now.labels.items() if k != label})
        return _noted(changed, _move(label, now.labels[label], None, by, "unlabel"))

    return _change(store, name, moved)


def load(store: Store, name: str, version: int | None, by: str) -> Channels:
    """Have every replica load the model again after an unload and, if given, this version beside what channels name."""
    if version is not None:
        store.version_dir(name, version)
    else:
        store.versions(name)

    def moved(now: Channels) -> Channels:
        if version is not None:
            store.version_dir(name, version)
        extra = {version} - now.named() if version is not None else set()
        if not (now.unloaded or extra):
            return now
        changed = replace(now, unloaded=False, loaded=tuple(sorted({*now.loaded, *extra})))
        return _noted(changed, _move("", None, version, by, "load"))

    return _change(store, name, moved)


def unload(store: Store, name: str, by: str) -> Channels:
    """Have every replica drop the model, whatever its channels name, until it is loaded or promoted again."""
    store.versions(name)

    def moved(now: Channels) -> Channels:
        if now.unloaded:
            return now
        return _noted(replace(now, unloaded=True, loaded=()), _move("", now.stable, None, by, "unload"))

    return _change(store, name, moved)


def _change(store: Store, name: str, moved: Callable[[Channels], Channels]) -> Channels:
    with store.lock(name) as folder:
        now = read(store, name)
        after = moved(now)
        if after is not now:
            write_whole(folder / FILE, _to_bytes(after))
    return after


def _noted(channels: Channels, move: Move) -> Channels:
    history = (*channels.history, move)[-_LONGEST_HISTORY:]
    return replace(channels, generation=channels.generation + 1, history=history)


def _move(channel: str, old: int | None, new: int | None, by: str, action: Action) -> Move:
    return Move(channel, old, new, datetime.now(UTC).isoformat(timespec="milliseconds"), by, action)


def _previous(name: str, channels: Channels, stored: list[int]) -> int:
    """Promotions pile up, rollbacks take the top off; the next one down that is stored and another is previous."""
    pile: list[int] = []
    for move in channels.history:
        if move.channel != "stable":
            continue
        if move.action == "rollback":
            while pile and pile[-1] != move.to_version:
                pile.pop()
        elif move.to_version is not None:
            pile.append(move.to_version)
    for version in reversed(pile):
        if version != channels.stable and version in stored:
            return version
    raise NothingToRollBack(f"model {name!r} has no earlier stable version that is still stored")


def _check_label(label: str) -> None:
    if parse_label(label) in CHANNELS:
        raise BadName(f"{label!r} is a channel, not a label")


def _to_bytes(channels: Channels) -> bytes:
    document = {"format": FORMAT, **asdict(channels)}
    return (json.dumps(document, indent=1) + "\n").encode()


def _parse(name: str, data: bytes) -> Channels:
    try:
        document: Any = json.loads(data)
        if document.pop("format") != FORMAT:
            raise ValueError("unknown format number")  # noqa: TRY301 - told apart from nothing else
        history = tuple(Move(**move) for move in document.pop("history"))
        loaded = tuple(int(version) for version in document.pop("loaded"))
        return Channels(**document, loaded=loaded, history=history)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadChannels(f"{FILE} of model {name!r} is unreadable: {error}") from error
