"""Which versions may go: never one that a channel, a label or a load names."""

from model_store import channels
from model_store.directory import Store
from model_store.errors import InUse


def retire(store: Store, name: str, version: int) -> None:
    """Remove a version's files; its number is never used again. Raises InUse, UnknownModel, UnknownVersion."""

    def may_go() -> None:
        names = _named_by(channels.read(store, name), version)
        if names:
            raise InUse(f"model {name!r} version {version} cannot go: {', '.join(names)} names it")

    store.remove(name, version, may_go)


def _named_by(now: channels.Channels, version: int) -> list[str]:
    names = [channel for channel in channels.CHANNELS if now.pointer(channel) == version]
    names += [f"label {label}" for label, labelled in now.labels.items() if labelled == version]
    return names + (["an explicit load"] if version in now.loaded else [])
