"""The management port: what its pages answer, and that no client can hold it up."""

import http.client
import json
import os
import socket
import threading

import pytest

from service.management.counts import reachable
from service.management.pages import pages
from service.management.readiness import Readiness
from service.management.server import serve


class Replica:
    """What the pages are made of."""

    def __init__(self):
        self.workers = 2
        self.readiness = Readiness(ready=True, reason="ready", workers=2, loading=0)
        self.broken = False
        self.metrics_of = lambda: (b"up 1\n", "text/plain; version=1.0.0")

    def metrics(self):
        if self.broken:
            raise OSError("the metric files are away")
        return self.metrics_of()


@pytest.fixture
def replica():
    return Replica()


@pytest.fixture
def get(replica):
    shown = pages(
        alive=lambda: replica.workers,
        ready=lambda: replica.readiness,
        metrics=replica.metrics,
        counts=lambda: {"replica": "one", "versions": []},
    )
    server = serve("127.0.0.1:0", shown)

    def get(path):
        connection = http.client.HTTPConnection(*server.server_address, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()

    get.address = server.server_address
    yield get
    server.shutdown()
    server.server_close()


def test_livez_tells_how_many_workers_there_are(get):
    status, _, body = get("/livez")
    assert (status, json.loads(body)) == (200, {"workers": 2})


def test_a_replica_without_workers_is_not_alive(get, replica):
    replica.workers = 0
    assert get("/livez")[0] == 503


def test_readyz_says_what_is_served(get, replica):
    replica.readiness = Readiness(ready=True, reason="ready", workers=2, loading=0, models={"iris": [1]})
    status, _, body = get("/readyz?verbose")
    assert (status, json.loads(body)["models"]) == (200, {"iris": [1]})


def test_readyz_is_503_with_the_reason_until_it_is_ready(get, replica):
    replica.readiness = Readiness(ready=False, reason="the store is empty", workers=2, loading=0)
    status, _, body = get("/readyz")
    assert (status, json.loads(body)["reason"]) == (503, "the store is empty")


def test_metrics_come_with_their_own_media_type(get):
    assert get("/metrics") == (200, "text/plain; version=1.0.0", b"up 1\n")


def test_counts_are_told_to_other_replicas(get):
    status, media_type, body = get("/counts")
    assert (status, media_type, json.loads(body)) == (200, "application/json", {"replica": "one", "versions": []})


@pytest.mark.parametrize(
    ("bind", "found"), [("127.0.0.1:9100", "127.0.0.1:9100"), ("[::1]:9100", "[::1]:9100"), ("name:1", "name:1")]
)
def test_a_port_is_found_where_it_is_bound(bind, found):
    assert reachable(bind) == found


@pytest.mark.parametrize("bind", ["0.0.0.0:9100", "[::]:9100", ":9100"])
def test_a_port_on_every_address_is_found_at_that_of_the_machine_s_name(bind):
    assert reachable(bind) == f"{socket.gethostbyname(socket.gethostname())}:9100"


def test_another_path_is_not_found(get):
    assert get("/v1/models")[0] == 404


def test_a_page_that_fails_is_a_500_and_harms_no_other(get, replica):
    replica.broken = True
    assert get("/metrics")[0] == 500
    assert get("/livez")[0] == 200


def test_a_client_that_sends_nothing_holds_nobody_up(get):
    with socket.create_connection(get.address):
        assert get("/livez")[0] == 200


def test_a_fork_waits_for_the_page_that_is_being_made(get, replica):
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        go_on.wait(10)
        made.append("page")
        return b"", "text/plain"

    made = []
    replica.metrics_of = slow
    asking = threading.Thread(target=get, args=("/metrics",))
    asking.start()
    assert begun.wait(10)
    threading.Timer(0.2, go_on.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if made == ["page"] else 1)
    asking.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
