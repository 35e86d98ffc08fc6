"""Which loaded version answers a request."""

from typing import NamedTuple

from model_store.replicas.states import ON_THE_WAY, State, VersionState
from model_store.request_errors import RequestError
from service.errors import LabelNotFound, ModelNotFound, ModelNotLoaded, ModelNotReady, VersionNotFound
from service.runtime.catalog import Catalog, CatalogSnapshot, ServedModel
from service.runtime.loaded import LoadedModel
from service.wire import Target

RETRY_SECONDS = 1
"""When to ask again for a version that is being loaded."""

STABLE = "stable"
PINNED = "pinned"
"""What stands for a channel if the request itself names a version or a label."""

_UNKNOWN = VersionState()


class Chosen(NamedTuple):
    """The version that answers, the channel that led to it, and versions that predict as well, unseen by the caller.

    A version stays usable for as long as somebody holds it. A named tuple, because one is made for every prediction.
    """

    model: LoadedModel
    channel: str
    shadows: tuple[LoadedModel, ...] = ()


class Router:
    """Chooses by version, by label or channel, or else the stable version."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def choose(self, target: Target, key: str = "") -> Chosen:  # noqa: ARG002 - a canary's share goes by it
        """Return the version that answers, and the channel that led to it.

        Raises ModelNotFound, VersionNotFound or LabelNotFound if the store has no such thing or nobody asked to load
        it, ModelNotLoaded if another worker has it, and ModelNotReady if it is wanted but cannot answer now. ``key``
        tells callers apart, so that one caller's requests can keep to one version.
        """
        snapshot = self._catalog.snapshot()
        model = snapshot.models.get(target.model)
        if model is None:
            raise ModelNotFound(f"there is no model {target.model[:128]!r}")
        version = target.version
        if version is None:
            version = model.pointers.get(target.label or STABLE)
        loaded = model.versions.get(version) if version is not None else None
        if loaded is None:
            raise _why_not(model, target, snapshot)
        return Chosen(loaded, STABLE if target.version is None and target.label is None else PINNED)


def _why_not(model: ServedModel, target: Target, snapshot: CatalogSnapshot) -> RequestError:
    """Return the error for a target that no loaded version answers."""
    if target.version is not None and target.version not in model.states:
        return VersionNotFound(f"model {model.name!r} has no version {target.version}")
    if model.channels.unloaded:
        return ModelNotFound(f"model {model.name!r} is unloaded")
    if target.version is not None and (kept := model.channels.quarantined().get(target.version)):
        return ModelNotReady(f"version {target.version} of model {model.name!r} is in quarantine since {kept.since}")
    if target.version is not None:
        return _version_away(model, target.version, snapshot)
    return _pointer_away(model, target.label, snapshot)


def _pointer_away(model: ServedModel, label: str | None, snapshot: CatalogSnapshot) -> RequestError:
    version = model.channels.pointer(label or STABLE)
    if version is not None and model.channels.serving(version) is None:
        return ModelNotReady(f"version {version} of model {model.name!r} is in quarantine, and none serves instead")
    if version is not None:
        return _not_ready(model, model.channels.serving(version) or version, snapshot)
    if model.trouble:
        return ModelNotReady(f"model {model.name!r}: {model.trouble}", retry_after=RETRY_SECONDS)
    if label is not None:
        return LabelNotFound(f"model {model.name!r} has no label {label[:64]!r}")
    return ModelNotReady(f"model {model.name!r} has no stable version: promote one")


def _version_away(model: ServedModel, version: int, snapshot: CatalogSnapshot) -> RequestError:
    if version in model.channels.wanted():
        return _not_ready(model, version, snapshot)
    return VersionNotFound(
        f"version {version} of model {model.name!r} is stored but not loaded: no channel or label names it. To pin it, "
        f"have its operator give it a label: python -m model_store label {model.name} LABEL {version}"
    )


def _not_ready(model: ServedModel, version: int, snapshot: CatalogSnapshot) -> ModelNotReady:
    state = model.states.get(version, _UNKNOWN)
    what = f"version {version} of model {model.name!r}"
    if version not in model.states:
        return ModelNotReady(f"{what} is named but not stored")
    if (model.name, version) in snapshot.elsewhere:
        return ModelNotLoaded(f"{what} is loaded by others, and not yet by this worker", retry_after=RETRY_SECONDS)
    if state.state is State.FAILED:
        return ModelNotReady(f"{what} could not be loaded: {state.reason}")
    doing = "is being loaded" if state.state in ON_THE_WAY else "is not loaded yet"
    return ModelNotReady(f"{what} {doing}", retry_after=RETRY_SECONDS)
