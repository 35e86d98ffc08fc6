"""Taking a version out of service because it harms, and what serves then.

That is decided once and stored, so every replica does the same.
"""

from dataclasses import replace

from model_store import channels
from model_store.channels import Channels
from model_store.errors import StoreError
from model_store.schema import Column, Schema
from model_store.stores.store import Store

_LONGEST_REASON = 200


def quarantine(  # noqa: PLR0913 - what, by whom, why, and how
    store: Store, name: str, version: int, *, by: str, reason: str, loads: bool = True
) -> Channels:
    """Put a version into quarantine until it is released by hand; nothing happens if it is there already.

    Instead, the latest version that was stable before it and takes and gives the same serves. Without one, the version
    itself goes on, or nothing if it does not even load (``loads``). Raises UnknownModel, UnknownVersion, BadChannels.
    """
    store.require(name, version)
    instead = _stand_in(store, name, version)
    if instead is None and loads:
        instead = version
    why = f"{by}: {' '.join(reason.split())[:_LONGEST_REASON]}"
    return channels.quarantine(store, name, version, instead=instead, by=why)


def consequence(version: int, instead: int | None) -> str:
    """Say in words what serves for a version that is in quarantine."""
    if instead is None:
        return "nothing serves instead"
    if instead == version:
        return "no earlier version has an equal schema, so it goes on serving"
    return f"version {instead} serves instead"


def equal(one: Schema, other: Schema) -> bool:
    """Return whether two schemas take the same requests and give the same outputs.

    What a sample has merely shown, such as the least value of a column, may differ.
    """
    return _exchanged(one) == _exchanged(other)


def _exchanged(schema: Schema) -> Schema:
    return replace(schema, columns=tuple(map(_declared, schema.columns)))


def _declared(column: Column) -> Column:
    known = column if column.bounded else replace(column, minimum=None, maximum=None)
    return replace(known if column.closed else replace(known, categories=()), held="array", label=None, unit="")


def _stand_in(store: Store, name: str, version: int) -> int | None:
    """Return the latest stable version that is stored and free and has an equal schema; None without."""
    now, stored = channels.read(store, name), set(store.versions(name))
    free = stored - {version} - now.quarantined().keys()
    stable = [now.stable, *(move.from_version for move in reversed(now.history) if move.channel == "stable")]
    fit = (v for v in dict.fromkeys(stable) if v is not None and v in free and _fits(store, name, version, v))
    return next(fit, None)


def _fits(store: Store, name: str, version: int, other: int) -> bool:
    try:
        return equal(store.manifest(name, version).schema, store.manifest(name, other).schema)
    except StoreError:
        return False
