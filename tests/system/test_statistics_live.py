"""Statistics of /v2 on a running stack: whole, whichever replica answers, and whatever became of workers."""

import os
import signal

import pytest
import requests

from tests.system.running import eventually

CALLS = 40
ASKED = 8
"""Often enough that Nginx has chosen each of two replicas."""


@pytest.fixture
def count(stack, client):
    """The answered predictions of `steady`, as every replica tells them; None while one cannot be asked."""

    def count():
        answers = [client.get(f"{stack.url}/v2/models/steady/stats", timeout=10) for _ in range(ASKED)]
        assert {answer.status_code for answer in answers} <= {200, 503}
        if any(answer.status_code == 503 for answer in answers):
            return None
        told = {sum(one["execution_count"] for one in answer.json()["model_stats"]) for answer in answers}
        assert len({answer.headers["X-Replica"] for answer in answers}) == 2
        assert len(told) == 1, "replicas tell different sums"
        return told.pop()

    return count


def predict(stack, client):
    for _ in range(CALLS):
        body = {"instances": [[0.5, 0.5]]}
        assert client.post(f"{stack.url}/v1/models/steady:predict", json=body, timeout=10).status_code == 200


def test_every_answer_of_every_replica_is_in_the_statistics_at_once(stack, client, count):
    before = count()
    predict(stack, client)
    assert count() == before + CALLS


def test_what_a_killed_worker_counted_stays_in_the_statistics(stack, client, count):
    predict(stack, client)
    before = eventually(count, what="statistics")
    victim = stack.workers("replica-1")[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in stack.workers("replica-1") and stack.all_ready(), what="another worker")
    assert eventually(count, what="statistics") == before


def test_counts_are_told_at_the_management_port_and_not_by_nginx(stack):
    told = requests.get(f"http://127.0.0.1:{stack.management_port}/counts", timeout=5).json()
    assert told["replica"] == "replica-1"
    assert {one["model"] for one in told["versions"]} >= {"steady"}
    assert requests.get(f"{stack.url}/counts", timeout=5).status_code == 404
