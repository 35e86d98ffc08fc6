"""Counts of loads: how many, how long they took, how much memory, what the stored sample's replay gave."""

from service.metrics.instruments import bounded, child
from service.runtime.load_observer import LoadCost, LoadObserver


class LoadCounts(LoadObserver):
    """Counts the loads of a process."""

    def loaded(self, name: str, version: int, cost: LoadCost) -> None:
        """See LoadObserver."""
        labels = (name, str(version))
        child("millrace_model_loads_total", *labels, "ok").inc()
        child("millrace_model_load_seconds", *labels).set(cost.seconds)
        child("millrace_model_memory_bytes", *labels).set(max(cost.memory_bytes, 0))

    def failed(self, name: str, version: int, code: str) -> None:
        """See LoadObserver."""
        child("millrace_model_loads_total", name, str(version), bounded("load", code)).inc()

    def replayed(self, name: str, version: int, *, matched: bool) -> None:
        """See LoadObserver."""
        child("millrace_golden_replays_total", name, str(version), "matched" if matched else "differed").inc()
