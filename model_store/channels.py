"""Stable, canary, shadow and labels: which version each names, and the history behind it.

The store keeps them as one small document of JSON for each model. A change is computed from what is there, and made
only if nobody else made one meanwhile; otherwise it is computed again.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from model_store.errors import BadChannels, BadName, InQuarantine, NothingToRollBack, PointersMoved
from model_store.names import parse_label
from model_store.stores.store import Store

FORMAT = 1
CHANNELS = ("stable", "canary", "shadow")
_LONGEST_HISTORY = 1000
_TRIES = 100
"""How often a change is computed again before it gives up. Each time, somebody else's change was made."""

Action = Literal["promote", "rollback", "demote", "label", "unlabel", "load", "unload", "quarantine", "release"]


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
class Quarantine:
    """Since when a version is in quarantine, by whom and why, and which version serves ``instead``.

    That may be the version itself, if no other can stand in for it, or none, if it is not to be loaded at all.
    """

    since: str
    by: str
    instead: int | None


@dataclass(frozen=True, slots=True)
class Channels:
    """Where a model's pointers are. ``canary_percent`` is 0 to 100; ``generation`` grows by one with every change.

    What is in quarantine follows from the history, which earlier releases read too: they serve as the pointers say.
    """

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
        """Return the versions that every replica is to have loaded."""
        if self.unloaded:
            return frozenset()
        kept = self.quarantined()
        return frozenset(version for named in self.named() if (version := _serving(named, kept)) is not None)

    def quarantined(self) -> Mapping[int, Quarantine]:
        """Return the versions that are in quarantine."""
        kept: dict[int, Quarantine] = {}
        for move in self.history:
            if move.from_version is not None and move.action == "quarantine":
                kept[move.from_version] = Quarantine(move.at, move.by, move.to_version)
            elif move.from_version is not None and move.action == "release":
                kept.pop(move.from_version, None)
        return kept

    def serving(self, version: int | None) -> int | None:
        """Return the version that serves for a version: itself unless it is in quarantine; None if none is to."""
        return _serving(version, self.quarantined())

    def named(self) -> frozenset[int]:
        """Return the versions that a channel, a label or a load names, also while the model is unloaded."""
        named = {self.stable, self.canary, self.shadow, *self.labels.values(), *self.loaded}
        return frozenset(version for version in named if version is not None)

    def pointer(self, label: str) -> int | None:
        """Return the version that a channel or label names."""
        if label in CHANNELS:
            version: int | None = getattr(self, label)
            return version
        return self.labels.get(label)


def read(store: Store, name: str) -> Channels:
    """Return the model's channels, all unset if nothing was promoted yet. Raises BadName, BadChannels."""
    return parse(name, store.pointers(name).data)


def parse(name: str, data: bytes | None) -> Channels:
    """Return the channels in a model's stored pointers. Raises BadChannels."""
    if data is None:
        return Channels()
    try:
        document: Any = json.loads(data)
        if document.pop("format") != FORMAT:
            raise ValueError("unknown format number")  # noqa: TRY301 - told apart from nothing else
        history = tuple(Move(**move) for move in document.pop("history"))
        loaded = tuple(int(version) for version in document.pop("loaded"))
        return Channels(**document, loaded=loaded, history=history)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadChannels(f"the channels of model {name!r} are unreadable: {error}") from error


def promote(store: Store, name: str, version: int, by: str) -> Channels:
    """Point ``stable`` at a stored version; ``promotion.promote`` checks it first.

    Raises UnknownModel, UnknownVersion, InQuarantine.
    """

    def moved(now: Channels) -> Channels:
        store.require(name, version)
        _check_free(name, version, now)
        changed = replace(now, stable=version, unloaded=False)
        return _noted(changed, _move("stable", now.stable, version, by, "promote"))

    return _change(store, name, moved)


def previous(store: Store, name: str) -> int:
    """Return the version that a rollback would bring back. Raises UnknownModel, NothingToRollBack."""
    return _previous(name, read(store, name), store.versions(name))


def rollback(store: Store, name: str, by: str) -> Channels:
    """Point ``stable`` at the version before; a second rollback goes one further back.

    Raises UnknownModel, NothingToRollBack.
    """

    def moved(now: Channels) -> Channels:
        version = _previous(name, now, store.versions(name))
        changed = replace(now, stable=version, unloaded=False)
        return _noted(changed, _move("stable", now.stable, version, by, "rollback"))

    return _change(store, name, moved)


def demote(store: Store, name: str, by: str) -> Channels:
    """Unset ``stable``, so that no version answers requests that name none; versions with a label go on.

    What was loaded by name, which answers where nothing is stable, is forgotten too. A rollback makes the version that
    was stable so again. Raises UnknownModel.
    """

    def moved(now: Channels) -> Channels:
        store.versions(name)
        if now.stable is None and not now.loaded:
            return now
        changed = replace(now, stable=None, loaded=())
        return _noted(changed, _move("stable", now.stable, None, by, "demote"))

    return _change(store, name, moved)


def set_label(store: Store, name: str, label: str, version: int, by: str) -> Channels:
    """Let a label name a stored version. Raises UnknownModel, UnknownVersion, and BadName for the names of channels."""

    def moved(now: Channels) -> Channels:
        store.require(name, version)
        _check_label(label)
        changed = replace(now, labels={**now.labels, label: version})
        return _noted(changed, _move(label, now.labels.get(label), version, by, "label"))

    return _change(store, name, moved)


def remove_label(store: Store, name: str, label: str, by: str) -> Channels:
    """Forget a label; nothing happens if there is none. Raises UnknownModel, BadName."""

    def moved(now: Channels) -> Channels:
        store.versions(name)
        _check_label(label)
        if label not in now.labels:
            return now
        changed = replace(now, labels={k: v for k, v in now.labels.items() if k != label})
        return _noted(changed, _move(label, now.labels[label], None, by, "unlabel"))

    return _change(store, name, moved)


def load(store: Store, name: str, version: int | None, by: str) -> Channels:
    """Have every replica load the model again after an unload and, if given, this version next to what channels name.

    Raises UnknownModel, UnknownVersion.
    """

    def moved(now: Channels) -> Channels:
        if version is None:
            store.versions(name)
        else:
            store.require(name, version)
        extra = {version} - now.named() if version is not None else set()
        if not (now.unloaded or extra):
            return now
        changed = replace(now, unloaded=False, loaded=tuple(sorted({*now.loaded, *extra})))
        return _noted(changed, _move("", None, version, by, "load"))

    return _change(store, name, moved)


def unload(store: Store, name: str, by: str) -> Channels:
    """Have every replica drop the model, all its channels included, until it is loaded or promoted again.

    Raises UnknownModel.
    """

    def moved(now: Channels) -> Channels:
        store.versions(name)
        if now.unloaded:
            return now
        return _noted(replace(now, unloaded=True, loaded=()), _move("", now.stable, None, by, "unload"))

    return _change(store, name, moved)


def quarantine(store: Store, name: str, version: int, *, instead: int | None, by: str) -> Channels:
    """Put a version into quarantine, and let another, itself or none serve ``instead``; nothing if it is there already.

    ``lifecycle.quarantine`` finds which. ``by`` says who and why. Raises UnknownModel, UnknownVersion.
    """

    def moved(now: Channels) -> Channels:
        store.require(name, version)
        return now if version in now.quarantined() else _noted(now, _move("", version, instead, by, "quarantine"))

    return _change(store, name, moved)


def release(store: Store, name: str, version: int, by: str) -> Channels:
    """Let a version out of quarantine, to serve where a channel or label names it; nothing happens if it is not there.

    Raises UnknownModel, UnknownVersion.
    """

    def moved(now: Channels) -> Channels:
        store.require(name, version)
        return _noted(now, _move("", version, None, by, "release")) if version in now.quarantined() else now

    return _change(store, name, moved)


def _change(store: Store, name: str, moved: Callable[[Channels], Channels]) -> Channels:
    """Make a change; what ``moved`` checks of the store still holds when it is made, or it is checked again."""
    for _ in range(_TRIES):
        data, tag = store.pointers(name)
        now = parse(name, data)
        after = moved(now)
        if after is now:
            return now
        with contextlib.suppress(PointersMoved):
            store.swap_pointers(name, _to_bytes(after), tag)
            return after
    raise PointersMoved(f"others kept changing the channels of model {name!r}")


def _noted(channels: Channels, move: Move) -> Channels:
    every = (*channels.history, move)
    history = (*_still_in_force(every[:-_LONGEST_HISTORY]), *every[-_LONGEST_HISTORY:])
    return replace(channels, generation=channels.generation + 1, history=history)


def _still_in_force(moves: tuple[Move, ...]) -> Iterator[Move]:
    """Yield of old moves those that say what is in quarantine."""
    return (move for move in moves if move.action in {"quarantine", "release"})


def _serving(version: int | None, kept: Mapping[int, Quarantine]) -> int | None:
    """Follow what serves instead, from one version in quarantine to the next."""
    seen: set[int] = set()
    while version is not None and version in kept and version not in seen:
        seen.add(version)
        version = kept[version].instead
    return version


def _move(channel: str, old: int | None, new: int | None, by: str, action: Action) -> Move:
    return Move(channel, old, new, datetime.now(UTC).isoformat(timespec="milliseconds"), by, action)


def _previous(name: str, channels: Channels, stored: list[int]) -> int:
    """Return the stored version that was stable before the current one; rollbacks undo promotions, the latest first.

    Raises NothingToRollBack.
    """
    pile: list[int] = []
    stored = [version for version in stored if version not in channels.quarantined()]
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


def _check_free(name: str, version: int, now: Channels) -> None:
    if version in now.quarantined():
        raise InQuarantine(
            f"version {version} of {name!r} is in quarantine, by {now.quarantined()[version].by}: release it first, by "
            f"`python -m model_store release {name} {version}`"
        )


def _check_label(label: str) -> None:
    if parse_label(label) in CHANNELS:
        raise BadName(f"{label!r} is a channel, not a label")


def _to_bytes(channels: Channels) -> bytes:
    document = {"format": FORMAT, **asdict(channels)}
    return (json.dumps(document, indent=1) + "\n").encode()
