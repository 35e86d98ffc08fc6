"""More work than the replicas can do: the surplus is refused at once and clearly, and nothing is left over after."""

import time

import pytest
import requests

from tests.system.load import Load

pytestmark = pytest.mark.usefixtures("whole")


@pytest.fixture
def slow(stack, bearer):
    """Makes loads on a model that takes its time. 2 replicas take 8 each; more are refused."""
    rows = {"instances": [[0.5, 0.5]] * 40}
    return lambda clients: Load(f"{stack.url}/v1/models/slow:predict", bearer, rows, clients=clients, pause=0.1)


def test_the_surplus_is_refused_with_503_and_retry_after_and_the_rest_is_served(slow):
    with slow(clients=50) as clients:
        time.sleep(6)
    assert set(clients.statuses) == {200, 503}, clients.statuses
    refused = [seen for seen in clients.seen if seen.status == 503]
    assert {seen.retry_after for seen in refused} == {"1"}
    assert {seen.body["code"] for seen in refused} == {"unavailable"}


def test_as_much_is_served_under_overload_as_without(slow):
    with slow(clients=8) as within:
        time.sleep(5)
    with slow(clients=50) as beyond:
        time.sleep(5)
    assert beyond.statuses[200] >= within.statuses[200] / 2


def test_probes_are_answered_during_overload(stack, slow):
    with slow(clients=50):
        time.sleep(1)
        answers = [requests.get(f"http://127.0.0.1:{stack.management_port}/readyz", timeout=5) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}


def test_after_overload_every_request_is_served_again(slow, load):
    with slow(clients=50):
        time.sleep(3)
    with load(clients=2) as clients:
        time.sleep(2)
    assert clients.seen
    assert not clients.failed, clients.failed[:3]
