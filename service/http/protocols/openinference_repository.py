"""Triton's model repository extension: which versions are stored, and having models loaded and unloaded.

Load and unload move the store's pointers, which every worker of every replica follows; the answer waits for them.
"""

import errno
from collections.abc import Callable, Iterator
from typing import Any

from model_store import channels
from model_store.channels import Channels
from model_store.errors import BadName, UnknownModel
from model_store.stores.store import Store
from service.errors import Conflict, MalformedRequest, ModelNotFound, ModelNotReady
from service.runtime.catalog import ServedModel
from service.runtime.convergence import Convergence
from service.runtime.states import ON_THE_WAY, State, VersionState
from service.validation.words import show

READY = "READY"
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def entries(model: ServedModel) -> Iterator[dict[str, str]]:
    """The model's entries of the repository index: every stored version, in this worker's view."""
    for version, state in sorted(model.states.items()):
        said, reason = _state(model, version, state)
        yield {"name": model.name, "version": str(version), "state": said, "reason": reason}


def only_ready(document: Any) -> bool:
    """Whether an index request asks for READY versions alone; raises MalformedRequest."""
    wanted = document.get("ready", False)
    if not isinstance(wanted, bool):
        raise MalformedRequest(f"ready: expected true or false, got {show(wanted)}")
    return wanted


def load(store: Store, convergence: Convergence, name: str, by: str, document: Any) -> None:
    """Have the model loaded: what its channels name, or else the newest version. Does nothing if it is loaded.

    Raises MalformedRequest, ModelNotFound, Conflict if it cannot be loaded, and ModelNotReady if not every worker has
    followed in time.
    """
    _check_load(_parameters(document))

    def move() -> None:
        named = channels.read(store, name).named()
        channels.load(store, name, None if named else store.versions(name)[-1], by)

    _change(convergence, name, move)


def unload(store: Store, convergence: Convergence, name: str, by: str, document: Any) -> None:
    """Have the model unloaded until it is loaded or promoted again; raises what ``load`` does."""
    _check_unload(_parameters(document))
    _change(convergence, name, lambda: channels.unload(store, name, by))


def _state(model: ServedModel, version: int, state: VersionState) -> tuple[str, str]:
    if state.state is State.READY:
        return READY, ""
    if state.state is State.FAILED:
        return "UNAVAILABLE", state.reason
    if state.state in ON_THE_WAY:
        return "LOADING", state.reason
    if state.state is State.DRAINING:
        return "UNLOADING", ""
    return "UNAVAILABLE", _why_away(model.channels, version)


def _why_away(pointers: Channels, version: int) -> str:
    if pointers.unloaded:
        return "unloaded"
    if version in pointers.wanted():
        return "not loaded yet"
    return "not loaded: no channel or label names it"


def _change(convergence: Convergence, name: str, move: Callable[[], object]) -> None:
    try:
        move()
    except (UnknownModel, BadName):
        raise ModelNotFound(f"there is no model {name[:128]!r}") from None
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        raise Conflict("the store cannot be written from here; use python -m model_store where it can") from error
    if convergence.wait(name):
        return
    failed = convergence.failures(name)
    if failed:
        reasons = "; ".join(f"version {version}: {reason}" for version, reason in sorted(failed.items()))
        raise Conflict(f"failed to load '{name}', {reasons}")
    raise ModelNotReady(f"model {name!r} is being changed, and not every worker has followed yet", retry_after=1)


def _parameters(document: Any) -> dict[str, Any]:
    given = document.get("parameters") or {}
    if not isinstance(given, dict):
        raise MalformedRequest(f"parameters: expected an object, got {show(given)}")
    return given


def _check_load(given: dict[str, Any]) -> None:
    for key in given:
        if key == "config" or key.startswith("file:"):
            raise MalformedRequest(
                f"parameters.{key[:64]}: models are not sent with a load request: a version is published, checked and "
                "sealed in the store first, and then loaded as it is"
            )
        raise MalformedRequest(f"parameters.{key[:64]}: load takes no parameters")


def _check_unload(given: dict[str, Any]) -> None:
    for key, value in given.items():
        if key != "unload_dependents":
            raise MalformedRequest(f"parameters.{key[:64]}: expected 'unload_dependents' or nothing")
        if not isinstance(value, bool):
            raise MalformedRequest(f"parameters.unload_dependents: expected true or false, got {show(value)}")
