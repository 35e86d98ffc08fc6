"""Workers killed each second while clients never stop asking: no answer fails, is cut short or is another one."""

import json
import os
import random
import signal
import threading
import time
from contextlib import contextmanager

import pytest
import requests

from tests.system.fuzzing import FACTOR
from tests.system.running import eventually

pytestmark = pytest.mark.usefixtures("whole")

KILLS = 8 * max(FACTOR, 1)
LARGE = 64 * 2**10


class Cases:
    """Bodies for the model `diabetes`, small and large, each with the answer to it when nothing is wrong."""

    def __init__(self, stack, bearer):
        self.url = f"{stack.url}/v1/models/diabetes:predict"
        self.headers = {**bearer, "Content-Type": "application/json"}
        drawn = random.Random(7)
        sizes = [1] * 30 + [3] * 10 + [900] * 4
        bodies = [[[round(drawn.gauss(0, 0.05), 6) for _ in range(10)] for _ in range(size)] for size in sizes]
        self.bodies = [json.dumps({"instances": rows}).encode() for rows in bodies]
        self.answers = [self.ask(requests, body) for body in self.bodies]
        assert len(set(self.answers)) == len(sizes)
        self.small = [place for place, body in enumerate(self.bodies) if len(body) < LARGE]
        self.large = [place for place, body in enumerate(self.bodies) if len(body) >= LARGE]
        assert len(self.large) == 4

    def ask(self, session, body):
        answer = session.post(self.url, data=body, headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.content


class Asking:
    """Clients that ask for as long as the context lasts, and compare every answer."""

    def __init__(self, cases, places, clients=6):
        self.cases, self.places = cases, places
        self.asked, self.wrong = 0, []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one,), daemon=True) for one in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join(40)

    def _ask(self, seed):
        drawn = random.Random(seed)
        with requests.Session() as session:
            while not self._ended.is_set():
                place = drawn.choice(self.places)
                try:
                    answer = self.cases.ask(session, self.cases.bodies[place])
                except (requests.RequestException, AssertionError) as error:
                    answer = repr(error)
                self.asked += 1
                if answer != self.cases.answers[place]:
                    self.wrong.append((place, answer))


@contextmanager
def mixed(cases):
    """Four clients with small bodies and two with large ones, which is as many as a bulk worker here may have."""
    with Asking(cases, cases.small, clients=4) as small, Asking(cases, cases.large, clients=2) as large:
        yield small, large


@pytest.fixture(scope="module")
def cases(stack, bearer):
    return Cases(stack, bearer)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def bulk_worker(stack, replica):
    """The process that listens at a replica's last address, as its log tells."""
    lines = (stack.var / "log" / f"{replica}.log").read_text().splitlines()
    (*_, last) = (line for line in lines if '"message":"Listening at' in line and f"/{replica}-2.sock" in line)
    return json.loads(last)["process.pid"]


def test_workers_killed_each_second_fail_no_answer_and_change_none(stack, cases):
    drawn = random.Random(1)
    with mixed(cases) as (small, large):
        for _ in range(KILLS):
            time.sleep(1)
            kill(drawn.choice(stack.workers(drawn.choice(["replica-1", "replica-2"]))))
        time.sleep(1)
    assert small.wrong + large.wrong == []
    assert small.asked > 50 * KILLS
    assert large.asked > KILLS


def test_replicas_killed_with_all_their_workers_fail_no_answer_and_change_none(stack, cases):
    with mixed(cases) as (small, large):
        for replica in ("replica-1", "replica-2"):
            time.sleep(1)
            for pid in (stack.pid(replica), *stack.workers(replica)):
                kill(pid)
            eventually(lambda replica=replica: not stack.ready(int(replica[-1])), 10)
            eventually(stack.all_ready, 60, "the replica's return")
            time.sleep(3)
    assert small.wrong + large.wrong == []


def test_a_killed_bulk_worker_fails_no_large_body(stack, cases):
    with Asking(cases, cases.large, clients=2) as clients:
        for replica in ("replica-1", "replica-2") * 2:
            time.sleep(1)
            victim = bulk_worker(stack, replica)
            kill(victim)
            eventually(lambda replica=replica, victim=victim: bulk_worker(stack, replica) != victim, 30)
            time.sleep(2.5)  # Nginx leaves a worker that refused it out for two seconds
    assert clients.wrong == []
    assert clients.asked > 20


def test_large_bodies_reach_bulk_workers_and_small_ones_never(stack, cases):
    time.sleep(2.5)  # as above
    before = len(stack.access_log())
    with mixed(cases) as (small, large):
        time.sleep(3)
    asked = small.asked + large.asked
    lines = eventually(lambda: (seen := stack.access_log()[before:])[asked - 1 :] and seen, 10, "all lines")
    sent = {True: set(), False: set()}
    for line in lines:
        sent[line["labels"]["rows"] == "900"].add(line["labels"]["upstream"])
    bulk = {"replica-1-2", "replica-2-2"}
    assert small.wrong + large.wrong == []
    assert sent[True] == bulk
    assert sent[False] == {f"replica-{replica}{worker}" for replica in (1, 2) for worker in ("", "-1")}
