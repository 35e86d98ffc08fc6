"""What should become of one model's versions in a worker. The law: one that fails never displaces one that serves."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from model_store.channels import Channels
from model_store.replicas.states import State, VersionState

CHANNELS = ("stable", "canary", "shadow")


@dataclass(frozen=True, slots=True)
class Plan:
    """``load`` these versions, let these ``pointers`` be in effect, and ``drop`` these versions."""

    load: frozenset[int]
    pointers: Mapping[str, int]
    drop: frozenset[int]


def plan(channels: Channels, states: Mapping[int, VersionState], before: Mapping[str, int]) -> Plan:
    """Plan for a model whose stored versions have these ``states``; ``before`` are the pointers in effect.

    A pointer follows the store once its version, or what serves for it, is READY; until then it stays where it is. What
    is in quarantine and has nothing that serves for it counts as FAILED. The stable pointer of a
    worker that has just started, whose version has FAILED, falls back to the one before it in the history. ``load``
    names everything wanted that is not READY: also what is on its way or has failed.
    """
    loaded = {version for version, state in states.items() if state.state is State.READY}
    if channels.unloaded:
        return Plan(frozenset(), {}, frozenset(loaded))
    refused = {version for version in channels.quarantined() if channels.serving(version) is None}
    ready = loaded - refused
    pointers = {name: v for name, target in _targets(channels) if (v := _effect(target, before.get(name), ready))}
    wanted = channels.wanted() & states.keys()
    fallback = None if "stable" in pointers or channels.stable is None else _fallback(channels, states, refused)
    if fallback in ready and fallback is not None:
        pointers["stable"] = fallback
    elif fallback is not None:
        wanted |= {fallback}
    if "stable" not in pointers and channels.stable is None and (named := ready & set(channels.loaded)):
        pointers["stable"] = max(named)  # nothing was promoted: the newest that was loaded by name answers
    return Plan(frozenset(wanted - ready), pointers, frozenset(loaded - wanted - set(pointers.values())))


def _targets(channels: Channels) -> Iterator[tuple[str, int]]:
    for name in (*channels.labels, *CHANNELS):
        version = channels.pointer(name)
        if version is not None:
            yield name, channels.serving(version) or version


def _effect(target: int, before: int | None, ready: Collection[int]) -> int | None:
    if target in ready:
        return target
    return before if before in ready else None


def _fallback(channels: Channels, states: Mapping[int, VersionState], refused: Collection[int]) -> int | None:
    """Return the latest earlier stable version that has not failed, once the stable one has; None without one."""
    if channels.stable not in refused and not _failed(channels.serving(channels.stable), states):
        return None
    earlier = (move.from_version for move in reversed(channels.history) if move.channel == "stable")
    return next((v for v in earlier if v is not None and v not in refused and not _failed(v, states)), None)


def _failed(version: int | None, states: Mapping[int, VersionState]) -> bool:
    """Return True if a version has failed, also while it is tried again; one that is not stored counts as failed."""
    return version is not None and (version not in states or bool(states[version].reason))
