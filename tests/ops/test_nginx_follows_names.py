"""Nginx with the lists that Compose makes, and a name server that says which replicas there are."""

import shutil
import socket
import socketserver
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local import nginx, settings
from tests.ops import nginxes
from tests.ops.standin_workers import Worker
from tests.ops.test_nginx_configuration import lists_of_compose
from tests.ops.test_nginx_workers import PREDICT, TEXT, Running, free_port


class Names(socketserver.ThreadingUDPServer):
    """Answers every question for an IPv4 address with ``addresses``."""

    def __init__(self, addresses):
        self.addresses = addresses
        super().__init__(("127.0.0.1", 0), _Question)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class _Question(socketserver.BaseRequestHandler):
    def handle(self):
        asked, back = self.request
        named = asked[12:].index(b"\0") + 12 + 5  # the name, its end, type and class
        records = [b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04" + socket.inet_aton(one) for one in self.server.addresses]
        head = asked[:2] + b"\x81\x80\0\x01" + len(records).to_bytes(2) + b"\0\0\0\0"
        back.sendto(head + asked[12:named] + b"".join(records), self.client_address)


class Composed:
    """Nginx as Compose has it, with two loop workers and a bulk worker for each replica; a replica is an address."""

    def __init__(self, binary, folder):
        self.port = min(free_port() for _ in range(3))
        self.replicas = {}
        self.names = Names([])
        self._binary, self._folder = binary, folder

    def add(self, host):
        self.replicas[host] = [Worker(f"{host}:{self.port + slot}").start() for slot in range(3)]
        self.names.addresses = list(self.replicas)

    def remove(self, host):
        """End a replica as a container ends: all its workers at once."""
        workers = self.replicas.pop(host)
        self.names.addresses = list(self.replicas)
        with ThreadPoolExecutor(len(workers)) as together:
            list(together.map(Worker.kill, workers))

    def start(self):
        lists = lists_of_compose(WORKERS="2", REPLICA_CONNECTIONS="64")
        moved = {name: text.replace("service:800", f"service:{self.port}+") for name, text in lists.items()}
        for slot in range(3):
            moved = {name: text.replace(f"{self.port}+{slot}", str(self.port + slot)) for name, text in moved.items()}
        moved["RESOLVER"] = f"resolver 127.0.0.1:{self.names.port} valid=1s ipv6=off;"
        given = {"PORT": str(free_port()), "WORKERS": "2", "CONNECTIONS_PER_ADDRESS": "10000"}
        values = settings.read(given, file=self._folder / "no.env")
        texts = nginx.variables(values, nginx.version(self._binary), [["unix:/nowhere"] * 3]) | moved
        self.nginx = Running(self._binary, self._folder, values.port, texts)
        return self

    def stop(self):
        self.nginx.stop()
        self.names.shutdown()
        self.names.server_close()
        for host in list(self.replicas):
            self.remove(host)

    def hosts(self, requests=30, **what):
        """Which replicas answer, by their addresses."""
        answers = [self.nginx.post(PREDICT, **what) for _ in range(requests)]
        assert {answer.status_code for answer in answers} == {200}
        return {answer.json()["worker"].split(":")[0] for answer in answers}


@pytest.fixture
def composed():
    binary, folder = nginxes.that_follows_names(), Path(tempfile.mkdtemp(prefix="mr-"))
    one = Composed(binary, folder)
    one.add("127.0.0.2")
    one.add("127.0.0.3")
    yield one.start()
    one.stop()
    shutil.rmtree(folder)


def until(composed, hosts, **what):
    deadline = time.monotonic() + 20
    while composed.hosts(**what) != hosts:
        assert time.monotonic() < deadline


def test_replicas_that_come_and_go_are_followed_without_a_failed_request(composed):
    composed.add("127.0.0.4")
    for body in (b"{}", b"x" * TEXT):
        until(composed, {"127.0.0.2", "127.0.0.3", "127.0.0.4"}, data=body)
    composed.remove("127.0.0.2")
    for body in (b"{}", b"x" * TEXT):
        assert composed.hosts(data=body) == {"127.0.0.3", "127.0.0.4"}
    composed.remove("127.0.0.4")
    assert composed.hosts() == {"127.0.0.3"}


def test_replicas_that_go_one_after_the_other_under_load_fail_no_prediction(composed):
    statuses, ended = [], threading.Event()

    def ask():
        while not ended.is_set():
            statuses.append(composed.nginx.post(PREDICT, data=b"{}").status_code)

    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask) for _ in range(4)]
        for number in range(4, 9):
            composed.add(f"127.0.0.{number}")
            until(composed, set(composed.replicas))  # as `make roll` waits
            composed.remove(f"127.0.0.{number - 2}")
        ended.set()
    assert [one.exception() for one in asking] == [None] * 4
    assert set(statuses) == {200}
    assert len(statuses) > 100
