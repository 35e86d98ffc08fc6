"""Which versions may go: never one that a channel, a label, a load or a quarantine names."""

from model_store import channels
from model_store.errors import InUse
from model_store.stores.store import Store


def retire(store: Store, name: str, version: int) -> None:
    """Remove a version's files; its number is never used again. Raises InUse, UnknownModel, UnknownVersion."""

    def check(pointers: bytes | None) -> None:
        names = _named_by(channels.parse(name, pointers), version)
        if names:
            raise InUse(f"model {name!r} version {version} cannot go: {', '.join(names)} names it")

    store.remove(name, version, check)


def _named_by(now: channels.Channels, version: int) -> list[str]:
    names = [channel for channel in channels.CHANNELS if now.pointer(channel) == version]
    names += [f"label {label}" for label, labelled in now.labels.items() if labelled == version]
    names += [
        f"the quarantine of version {other}" for other, kept in now.quarantined().items() if kept.instead == version
    ]
    return names + (["an explicit load"] if version in now.loaded else [])
