"""The benchmark's own load generator and its reading of CPU time."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import client, cpu, memory
from bench.client import Job

MAPPED = 64 * 2**20


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/good" and body == b'{"a": 1}' and self.headers["Authorization"] == "Bearer x"
        self.send_response(200 if good else 400)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def job(port, path):
    return Job(port, "POST", path, {"Authorization": "Bearer x"}, json.dumps({"a": 1}), 3, 0.3)


def test_good_answers_are_counted_and_timed(port):
    seen = client.measure(job(port, "/good"))
    assert seen.requests > 0
    assert seen.failed == 0
    assert 0 < seen.p50 <= seen.p99


def test_answers_that_are_no_200_count_as_failed(port):
    seen = client.measure(job(port, "/bad"))
    assert seen.failed == seen.requests > 0


def test_the_client_runs_as_a_process_of_its_own(port):
    assert client.run(job(port, "/good")).failed == 0


def test_cpu_time_of_a_tree_grows_with_its_work():
    before = cpu.seconds([os.getpid()])
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    assert cpu.seconds([os.getpid()]) > before


def test_memory_that_two_processes_share_counts_half_for_each(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * MAPPED)
    program = (
        "import mmap,sys; f = open(sys.argv[1], 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); m[::4096]; "
    )
    command = [sys.executable, "-c", program + "print(flush=True); sys.stdin.read()", tmp_path / "file"]
    with ExitStack() as running:
        sizes = []
        for _ in range(2):
            process = running.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            process.stdout.readline()
            assert process.pid in cpu.below([os.getpid()])
            sizes.append(memory.mib(process.pid))
        assert sizes[0] - memory.mib(process.pid) > MAPPED / 2**21 * 0.8
    assert memory.mib(process.pid) == 0
