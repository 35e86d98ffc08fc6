import threading
from queue import SimpleQueue

import pytest

from model_store.errors import SealBroken
from model_store.replicas.states import State
from service.runtime import loads
from service.runtime.limits import Limits
from service.runtime.loads import Key, Loads, reason_of


@pytest.fixture
def events():
    return SimpleQueue()


def key(version=1):
    return Key(None, "m", version)


def test_a_load_tells_each_state_and_its_result(events):
    made = Loads(events, Limits(load=10))

    def work(moved):
        moved(State.VERIFYING)
        return "the model"

    made.start(key(), work)
    assert events.get(timeout=5).state is State.VERIFYING
    last = events.get(timeout=5)
    assert (last.state, last.final, last.result) == (State.READY, True, "the model")
    made.finished(key())
    assert not made.busy


@pytest.mark.parametrize("error", [ValueError("why"), SystemExit(3), KeyboardInterrupt(), MemoryError()])
def test_whatever_a_load_raises_is_a_failure_with_a_reason(events, error):
    def work(moved):
        raise error

    Loads(events, Limits(load=10)).start(key(), work)
    last = events.get(timeout=5)
    assert (last.state, last.final) == (State.FAILED, True)
    assert type(error).__name__ in last.reason


def test_a_load_that_takes_too_long_is_given_up_and_its_late_result_still_told(events):
    done = threading.Event()
    made = Loads(events, Limits(load=0.05))
    made.start(key(), lambda _: done.wait(30) and "late")
    while events.empty():
        made.turn()
    given_up = events.get()
    assert (given_up.state, given_up.final) == (State.FAILED, True)
    assert not made.busy
    done.set()
    assert events.get(timeout=5).result == "late"


def test_only_some_loads_start_at_once_and_the_others_follow(events):
    done = threading.Event()
    made = Loads(events, Limits(load=30))
    began = []
    for version in range(loads.AT_ONCE + 2):
        made.start(key(version), lambda _, version=version: began.append(version) or done.wait(30))
    assert len(began) <= loads.AT_ONCE
    done.set()
    for _ in range(loads.AT_ONCE + 2):
        made.finished(events.get(timeout=5).key)
    assert sorted(began) == list(range(loads.AT_ONCE + 2))
    assert not made.busy


def test_loads_that_take_long_make_way_for_others(events):
    done = threading.Event()
    now = [0.0]
    made = Loads(events, Limits(load=30, long_load=5), clock=lambda: now[0])
    for version in range(loads.AT_ONCE):
        made.start(key(version), lambda _: done.wait(30))
    made.start(key(99), lambda _: "quick")
    assert events.empty()
    now[0] = 5.0
    made.turn()
    assert events.get(timeout=5).key.version == 99
    done.set()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SealBroken("artifact.skops is not what was sealed"), "artifact.skops is not what was sealed"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (MemoryError(), "MemoryError"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 288 + "…"),
    ],
)
def test_a_reason_is_one_line_that_a_user_may_read(error, reason):
    assert reason_of(error) == reason
