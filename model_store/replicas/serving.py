"""Whether every worker of every replica answers with a version, and waiting until all do."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model_store import channels
from model_store.channels import Channels
from model_store.errors import NotServed
from model_store.replicas.announcements import AnnouncedModel, Announcement
from model_store.replicas.states import State
from model_store.stores.store import Store

WAIT_SECONDS = 120.0
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Standing:
    """Which ``replicas`` there are, how many ``workers`` they have, and how many of these answer with a version.

    ``failed`` says why workers could not load it.
    """

    replicas: tuple[str, ...]
    workers: int
    serving: int
    failed: tuple[str, ...] = ()


def wait(  # noqa: PLR0913 - which version of which store, who tells, and how long
    store: Store,
    announced: Callable[[], Sequence[Announcement]],
    name: str,
    version: int,
    *,
    seconds: float = WAIT_SECONDS,
    progress: Callable[[str], None],
) -> Standing:
    """Wait until every worker answers with the stable version ``version`` of a model, and return how many there are.

    Return at once if ``announced``, which gives what workers say now, gives nothing. Raises NotServed if a worker could
    not load it, another version was made stable, or ``seconds`` are over.
    """
    deadline, told = time.monotonic() + seconds, ""
    while True:
        now = channels.read(store, name)
        found = standing(announced(), name, version, now)
        if found.serving == found.workers:
            return found
        count = f"{found.serving} of {found.workers} workers answer with version {version}"
        if count != told:
            progress(told := count)
        _check(found, name, version, now)
        if time.monotonic() >= deadline:
            raise NotServed(
                f"{name} {version} is stable, and after {seconds:g} s {count}: the others still load it, as "
                f"`GET /admin/models/{name}` shows"
            )
        time.sleep(_PAUSE)


def standing(announced: Sequence[Announcement], name: str, version: int, now: Channels) -> Standing:
    """Return how far workers are with a version that ``now`` has stable."""
    told = [(worker, worker.models.get(name)) for worker in announced]
    return Standing(
        replicas=tuple(sorted({worker.replica for worker in announced})),
        workers=len(announced),
        serving=sum(model is not None and _serves(model, version) for _, model in told),
        failed=tuple(
            f"{worker.replica}, process {worker.pid}: {model.states[version].reason}"
            for worker, model in told
            if model is not None and _failed(model, version, now)
        ),
    )


def _serves(model: AnnouncedModel, version: int) -> bool:
    return model.stable == version and version in model.loaded


def _failed(model: AnnouncedModel, version: int, now: Channels) -> bool:
    """Return True if the version failed since the pointers were moved; what was told of earlier ones is old."""
    state = model.states.get(version)
    return model.generation == now.generation and state is not None and state.state is State.FAILED


def _check(found: Standing, name: str, version: int, now: Channels) -> None:
    """Raise NotServed if waiting is in vain."""
    if now.stable != version:
        instead = "no version" if now.stable is None else f"version {now.stable}"
        raise NotServed(f"{name} {version} is stored, and {instead} was made stable meanwhile")
    if found.failed:
        raise NotServed(
            f"{name} {version} is stable, and {len(found.failed)} of {found.workers} workers cannot load it: "
            f"{found.failed[0]}. What answered before, if anything did, goes on: `rollback {name}` goes back to it, "
            f"`demote {name}` unsets what is stable"
        )
