"""Whether this replica can serve, judged by what its workers announce. Read in gunicorn's master."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from model_store.replicas.announcements import Announcement
from model_store.replicas.states import State


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of /readyz: ``reason`` says what is awaited, or "ready"; ``loading`` workers have yet to settle.

    ``models`` are the versions that every worker serves, ``failed`` the reasons why others do not serve.
    ``confinement`` says for each part whether processes that run a model's own code have it, ``store`` why the store is
    away, which makes no replica unready: what is loaded serves.
    """

    ready: bool
    reason: str
    workers: int
    loading: int
    models: dict[str, list[int]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    confinement: Mapping[str, bool] = field(default_factory=dict)
    store: str = ""


class Assessor:
    """Assesses one replica, which has so many ``workers`` while it does not stop, again and again.

    A worker counts as ready from when all that it is to load has been loaded or has failed. It stays so while
    later versions load, because those before them serve on. A version that failed makes no replica unready: all
    replicas would be, at once.
    """

    def __init__(self, replica: str, workers: int = 1, confinement: Mapping[str, bool] | None = None) -> None:
        self._replica = replica
        self._workers = workers
        self._confinement = dict(confinement or {})
        self._settled: set[int] = set()

    def assess(self, pids: Collection[int], announcements: Sequence[Announcement]) -> Readiness:
        """Assess the replica whose live workers have these process ids."""
        own = {a.pid: a for a in announcements if a.replica == self._replica and a.pid in pids}
        self._settled = {pid for pid in pids if pid in self._settled or (pid in own and own[pid].settled)}
        loading = sum(pid not in own or pid not in self._settled for pid in pids)
        reason = _missing(pids, own, loading, self._workers)
        away = next((announcement.store for announcement in own.values() if announcement.store), "")
        return Readiness(
            not reason, reason or "ready", len(pids), loading, _served(own), _failed(own), self._confinement, away
        )


def _missing(pids: Collection[int], own: dict[int, Announcement], loading: int, workers: int) -> str:
    """Return what is awaited; empty if nothing is."""
    if not pids:
        return "no worker is running"
    if len(pids) < workers:
        return f"{len(pids)} of {workers} workers are running"
    if loading:
        return f"{loading} of {len(pids)} workers are still loading models"
    if not any(announcement.models for announcement in own.values()):
        return "the store is empty: publish a model"
    idle = [pid for pid, announcement in own.items() if not any(m.loaded for m in announcement.models.values())]
    return f"{len(idle)} of {len(pids)} workers have no model that can answer" if idle else ""


def _served(own: dict[int, Announcement]) -> dict[str, list[int]]:
    names = sorted({name for announcement in own.values() for name in announcement.models})
    loaded = {
        name: [a.models[name].loaded if name in a.models else frozenset() for a in own.values()] for name in names
    }
    return {name: sorted(frozenset.intersection(*versions)) for name, versions in loaded.items()}


def _failed(own: dict[int, Announcement]) -> dict[str, str]:
    return {
        f"{name}/{version}": state.reason
        for announcement in own.values()
        for name, model in announcement.models.items()
        for version, state in model.states.items()
        if state.state is State.FAILED
    }
