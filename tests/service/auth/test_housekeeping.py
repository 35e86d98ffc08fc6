"""The background of a worker: each task in its period, none stopped by another's failure."""

import threading

from service.auth.housekeeping import Housekeeping, Task
from service.errors import Unavailable


class StandingClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def housekeeping(tasks, clock):
    return Housekeeping([Task(period, run) for period, run in tasks], lambda: None, clock)


def test_every_task_is_done_at_first_and_then_once_in_its_period():
    clock, done = StandingClock(), []
    kept = housekeeping([(1, lambda: done.append("often")), (30, lambda: done.append("rarely"))], clock)
    kept.run_due()
    assert done == ["often", "rarely"]
    for _ in range(31):
        clock.now += 1
        kept.run_due()
    assert (done.count("often"), done.count("rarely")) == (32, 2)


def test_a_task_that_fails_keeps_no_other_from_being_done():
    def fail():
        raise ValueError("whatever it is")

    clock, done = StandingClock(), []
    housekeeping([(1, fail), (1, lambda: done.append("next"))], clock).run_due()
    assert done == ["next"]


def test_a_round_ends_without_the_database_and_the_rest_waits_for_the_next_one():
    clock, done, away = StandingClock(), [], [True]

    def follow():
        done.append("follow")
        if away:
            raise Unavailable("the database is away")

    kept = housekeeping([(1, follow), (30, lambda: done.append("write"))], clock)
    kept.run_due()
    kept.run_due()
    assert done == ["follow"]
    away.clear()
    clock.now += 1
    kept.run_due()
    assert done == ["follow", "follow", "write"]


def test_the_thread_does_what_it_is_woken_for_and_ends():
    woken = threading.Event()
    kept = Housekeeping([Task(60, lambda: None)], woken.set)
    kept.run_due()
    kept.start()
    kept.wake()
    assert woken.wait(10)
    kept.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "access-housekeeping"]
