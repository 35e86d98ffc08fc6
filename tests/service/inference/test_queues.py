"""Requests that wait for a process: each is answered once, by its own rows, whatever becomes of the process."""

import gc
import time
import weakref
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

from model_store.batch import Batch
from service.errors import ModelCrashed, ModelNotReady, ModelRejectedInput, Overloaded, PredictionTimeout
from service.inference.batching import Batching
from service.inference.line import Decoded, Predicted
from service.inference.queues import Bounds, Queues
from service.model_process import frames
from service.model_process.process import Died, Late
from service.model_process.processes import Processes
from service.runtime.router import Chosen
from service.wire import Call

JOINED = 100


class Process:
    """A process that answers when the test says so; what it is asked is in ``asked``."""

    def __init__(self):
        self.free, self.failing, self.closed, self.due = True, False, False, inf
        self.asked = []
        self._done = None

    def ask(self, batch, _outputs, done):
        assert self.free
        self.free, self._done = False, done
        self.asked.append(batch.matrix[:, 0].tolist())

    def answers(self, outcome=None):
        """Answer twice each row's value, or with this outcome."""
        self.free, done = True, self._done
        twice = {"predict": 2 * np.array(self.asked[-1])}
        done(twice if outcome is None else outcome, 0.001)


@dataclass(eq=False)
class Waiter:
    decoded: Decoded
    since: float = 0.0
    alone: bool = False
    crashed: bool = False


def model(joined):
    return SimpleNamespace(
        name="m",
        version=1,
        may_join=lambda outputs: bool(outputs) and joined,
        most_single_rows=lambda _outputs: JOINED if joined else 0,
        most_joined_rows=JOINED if joined else 0,
    )


JOINING, SINGLE = model(joined=True), model(joined=False)


def waiter(*values, of=JOINING, ago=0.0):
    call = Call(Batch(len(values), matrix=np.array([[value] for value in values], dtype=float)), ("predict",))
    return Waiter(Decoded(None, Chosen(of, "stable"), call, 0.0, 10), time.monotonic() - ago)


@pytest.fixture
def process():
    return Process()


@pytest.fixture
def queues():
    return Queues(Processes(), Batching(), Bounds(waiting=5, seconds=60.0))


def results(queues):
    """Return each waiter that is done with its answer's values, or its error's type."""
    return {
        one: result.outputs["predict"].tolist() if isinstance(result, Predicted) else type(result)
        for one, result in queues.take()
    }


def test_what_arrives_while_a_process_predicts_is_joined(queues, process):
    first, second, third = waiter(1), waiter(2), waiter(3)
    queues.add(process, [first])
    queues.add(process, [second])
    queues.add(process, [third])
    process.answers()
    process.answers()
    assert process.asked == [[1], [2, 3]]
    assert results(queues) == {first: [2], second: [4], third: [6]}


def test_a_process_that_was_ended_for_good_is_forgotten(queues):
    process, first = Process(), waiter(1)
    queues.add(process, [first])
    process.closed = True
    assert results(queues) == {}
    process.answers()
    assert results(queues) == {first: [2]}
    assert results(queues) == {}
    kept = weakref.ref(process)
    del process
    gc.collect()
    assert kept() is None


def test_a_version_that_may_not_join_is_asked_one_by_one(queues, process):
    first, second = waiter(1, of=SINGLE), waiter(2, 3, of=SINGLE)
    queues.add(process, [first, second])
    process.answers()
    process.answers()
    assert process.asked == [[1], [2, 3]]
    assert results(queues) == {first: [2], second: [4, 6]}


def test_one_request_that_is_refused_does_not_refuse_those_it_was_joined_with(queues, process):
    first, good, bad = waiter(1), waiter(2), waiter(3)
    queues.add(process, [first])
    queues.add(process, [good, bad])
    process.answers()
    process.answers(ModelRejectedInput("no"))
    process.answers()
    process.answers(ModelRejectedInput("no"))
    assert process.asked == [[1], [2, 3], [2], [3]]
    assert results(queues) == {first: [2], good: [4], bad: ModelRejectedInput}


def test_only_the_request_that_crashes_its_process_twice_is_refused_and_not_predicted_again(queues, process):
    first, good, bad = waiter(1), waiter(2), waiter(3)
    queues.add(process, [first])
    queues.add(process, [good, bad])
    process.answers()
    process.answers(Died("it ended"))
    process.answers()
    process.answers(Died("it ended"))
    again, another = waiter(3), waiter(4)
    queues.add(process, [again, another])
    process.answers()
    assert process.asked == [[1], [2, 3], [2], [3], [4]]
    assert results(queues) == {first: [2], good: [4], bad: ModelCrashed, again: ModelCrashed, another: [8]}


def test_a_crash_that_does_not_happen_again_is_not_noticed(queues, process):
    only = waiter(1)
    queues.add(process, [only])
    process.answers(Died("it ended"))
    process.answers()
    assert (process.asked, results(queues)) == ([[1], [1]], {only: [2]})


def test_a_prediction_that_takes_too_long_is_ended_for_its_callers(queues, process):
    slow, behind = waiter(1, of=SINGLE), waiter(2, of=SINGLE)
    queues.add(process, [slow, behind])
    process.answers(Late())
    process.answers()
    assert results(queues) == {slow: PredictionTimeout, behind: [4]}


def test_what_has_waited_for_too_long_is_answered_without_being_predicted(queues, process):
    running, late, other = waiter(1, ago=59.5, of=SINGLE), waiter(2, ago=61, of=SINGLE), waiter(3, of=SINGLE)
    queues.add(process, [running])
    queues.add(process, [late, other])
    assert results(queues) == {late: Overloaded}
    assert 0 < queues.due() - time.monotonic() <= 0.5
    time.sleep(0.6)
    assert results(queues) == {running: PredictionTimeout}
    process.answers()
    process.answers()
    assert (process.asked, results(queues)) == ([[1], [3]], {other: [6]})


def test_no_more_wait_than_may(queues, process):
    waiters = [waiter(i, of=SINGLE) for i in range(8)]
    queues.add(process, waiters)
    assert results(queues) == {waiters[5]: Overloaded, waiters[6]: Overloaded, waiters[7]: Overloaded}


def test_nobody_waits_for_a_process_that_cannot_be_started(queues, process):
    process.free = False
    waiting, later = waiter(1), waiter(2)
    queues.add(process, [waiting])
    process.failing = True
    queues.add(process, [later])
    assert results(queues) == {later: ModelNotReady, waiting: ModelNotReady}


def test_who_has_hung_up_is_neither_predicted_nor_answered(queues, process):
    running, waiting, other = (waiter(i, of=SINGLE) for i in (1, 2, 3))
    queues.add(process, [running, waiting, other])
    assert [queues.drop(running), queues.drop(waiting), queues.drop(waiting)] == [True, True, False]
    process.answers()
    process.answers()
    assert (process.asked, results(queues)) == ([[1], [3]], {other: [6]})


def test_harm_is_told_with_the_digest_of_the_request_that_did_it(process):
    told = []
    queues = Queues(Processes(), Batching(), harmed=lambda one, digest: told.append((one, digest)))
    bad, slow, good = waiter(1, of=SINGLE), waiter(2, of=SINGLE), waiter(3, of=SINGLE)
    queues.add(process, [bad, slow, good])
    process.answers(Died("it ended"))
    process.answers(Died("it ended"))
    process.answers(Late())
    process.answers()
    rows = {one: frames.digest(one.decoded.call.batch, ("predict",)).hex() for one in (bad, slow)}
    assert told == [(bad, rows[bad]), (slow, rows[slow])]
    assert results(queues)[good] == [6]


def test_nothing_is_due_where_nobody_waits(queues):
    assert queues.due() == inf
