from service.metrics.instruments import REGISTRY
from service.observers.loads import LoadCounts
from service.runtime.load_observer import LoadCost


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_load_is_counted_with_its_seconds_and_memory():
    LoadCounts().loaded("slow", 2, LoadCost(0.25, 4096) + LoadCost(0.5, 1024))
    of = {"model": "slow", "version": "2"}
    assert value("millrace_model_loads_total", **of, outcome="ok") == 1
    assert value("millrace_model_load_seconds", **of) == 0.75
    assert value("millrace_model_memory_bytes", **of) == 5120


def test_a_load_after_which_the_process_is_smaller_takes_no_memory():
    LoadCounts().loaded("small", 1, LoadCost(0.25, -4096))
    assert REGISTRY.get_sample_value("millrace_model_memory_bytes", {"model": "small", "version": "1"}) == 0


def test_a_failed_load_and_a_replay_are_counted_by_what_came_of_them():
    counts = LoadCounts()
    counts.failed("bad", 1, "seal_broken")
    counts.replayed("bad", 1, matched=False)
    of = {"model": "bad", "version": "1"}
    assert value("millrace_model_loads_total", **of, outcome="seal_broken") == 1
    assert value("millrace_golden_replays_total", **of, result="differed") == 1
