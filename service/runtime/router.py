"""Which loaded version answers a request."""

from service.errors import LabelNotFound, ModelNotFound, ModelNotReady, ServiceError, VersionNotFound
from service.runtime.catalog import Catalog, ServedModel
from service.runtime.loaded import LoadedModel
from service.runtime.states import ON_THE_WAY, State, VersionState
from service.wire import Target

RETRY_SECONDS = 1
"""When to ask again for a version that is being loaded."""

_UNKNOWN = VersionState()


class Router:
    """Chooses by version, by label or channel, or else the stable version."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def choose(self, target: Target, key: str | None = None) -> LoadedModel:  # noqa: ARG002 - a canary's share goes by it
        """The version that answers; it stays usable for as long as the caller holds it.

        Raises ModelNotFound, VersionNotFound or LabelNotFound where the store has no such thing or nobody asked to
        load it, and ModelNotReady where it is wanted but cannot answer now. ``key`` tells callers apart, so that one
        caller's requests can keep to one version.
        """
        model = self._catalog.snapshot().models.get(target.model)
        if model is None:
            raise ModelNotFound(f"there is no model {target.model[:128]!r}")
        version = target.version
        if version is None:
            version = model.pointers.get(target.label or "stable")
        loaded = model.versions.get(version) if version is not None else None
        if loaded is None:
            raise _why_not(model, target)
        return loaded


def _why_not(model: ServedModel, target: Target) -> ServiceError:
    """The error for a target that no loaded version answers."""
    if target.version is not None and target.version not in model.states:
        return VersionNotFound(f"model {model.name!r} has no version {target.version}")
    if model.channels.unloaded:
        return ModelNotFound(f"model {model.name!r} is unloaded")
    if target.version is not None:
        return _version_away(model, target.version)
    return _pointer_away(model, target.label)


def _pointer_away(model: ServedModel, label: str | None) -> ServiceError:
    version = model.channels.pointer(label or "stable")
    if version is not None:
        return _not_ready(model, version)
    if model.trouble:
        return ModelNotReady(f"model {model.name!r}: {model.trouble}", retry_after=RETRY_SECONDS)
    if label is not None:
        return LabelNotFound(f"model {model.name!r} has no label {label[:64]!r}")
    return ModelNotReady(f"model {model.name!r} has no stable version: promote one")


def _version_away(model: ServedModel, version: int) -> ServiceError:
    if version in model.channels.wanted():
        return _not_ready(model, version)
    return VersionNotFound(
        f"version {version} of model {model.name!r} is stored but not loaded: no channel or label names it"
    )


def _not_ready(model: ServedModel, version: int) -> ModelNotReady:
    state = model.states.get(version, _UNKNOWN)
    what = f"version {version} of model {model.name!r}"
    if version not in model.states:
        return ModelNotReady(f"{what} is named but not stored")
    if state.state is State.FAILED:
        return ModelNotReady(f"{what} could not be loaded: {state.reason}")
    doing = "is being loaded" if state.state in ON_THE_WAY else "is not loaded yet"
    return ModelNotReady(f"{what} {doing}", retry_after=RETRY_SECONDS)
