"""Load: a few kept-alive connections, each with one request under way. Runs as a separate process.

``wrk`` does it if it is on PATH; else this file, run with a job as JSON on standard input. Either prints what it saw
as JSON: requests, seconds, p50 and p99 in milliseconds, and how many answers were no 200.
"""

import json
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_WRK_SCRIPT = """
local job = dofile("{job}")
wrk.method, wrk.body, wrk.headers = job.method, job.body, job.headers
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d}}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask, where, and for how long."""

    port: int
    method: str
    path: str
    headers: dict[str, str]
    body: str
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it. ``p50`` and ``p99`` are milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int


def run(job: Job) -> Seen:
    """Run the job in a separate process, and wait for it."""
    wrk = shutil.which("wrk")
    return _with_wrk(wrk, job) if wrk else _with_python(job)


def _with_python(job: Job) -> Seen:
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(asdict(job)),
        text=True,
        stdout=subprocess.PIPE,
        timeout=job.seconds + 60,
        check=True,
    )
    return Seen(**json.loads(done.stdout))


def _with_wrk(wrk: str, job: Job) -> Seen:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        headers = ", ".join(f"[{json.dumps(key)}] = {json.dumps(value)}" for key, value in job.headers.items())
        (folder / "job.lua").write_text(
            f"return {{method = {json.dumps(job.method)}, body = [==[{job.body}]==], headers = {{{headers}}}}}"
        )
        (folder / "wrk.lua").write_text(_WRK_SCRIPT.format(job=folder / "job.lua"))
        command = [wrk, "-t1", f"-c{job.connections}", f"-d{max(1, round(job.seconds))}s"]
        command += ["-s", str(folder / "wrk.lua"), f"http://127.0.0.1:{job.port}{job.path}"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=job.seconds + 60, check=True).stdout
    return Seen(**json.loads(told.strip().splitlines()[-1]))


class _Connection:
    """One connection: sends the request, reads the answer, and again."""

    def __init__(self, job: Job, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", job.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = memoryview(request)
        self._answer = bytearray()
        self.began = 0.0

    def ask(self) -> None:
        self.began = time.perf_counter()
        self.socket.setblocking(True)  # a large body may not fit into the kernel's buffers at once
        self.socket.sendall(self._request)
        self.socket.setblocking(False)

    def read(self) -> bool | None:
        """Say whether the response is a 200; None while it is not whole."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed a kept-alive connection")
        self._answer += part
        head = self._answer.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = int(bytes(self._answer[:head]).lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(self._answer) < head + 4 + length:
            return None
        good = self._answer.startswith(b"HTTP/1.1 200")
        self._answer.clear()
        return good


def measure(job: Job) -> Seen:
    """Run the job in this process."""
    request = _request(job)
    selector = selectors.DefaultSelector()
    for _ in range(job.connections):
        connection = _Connection(job, request)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask()
    took: list[float] = []
    failed = 0
    began = time.perf_counter()
    while time.perf_counter() - began < job.seconds:
        for key, _ in selector.select(timeout=1):
            good = key.data.read()
            if good is not None:
                took.append(time.perf_counter() - key.data.began)
                failed += not good
                key.data.ask()
    seconds = time.perf_counter() - began
    took.sort()
    at = [took[min(len(took) - 1, int(len(took) * share))] * 1e3 if took else 0.0 for share in (0.5, 0.99)]
    return Seen(len(took), seconds, at[0], at[1], failed)


def _request(job: Job) -> bytes:
    body = job.body.encode()
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **job.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{job.method} {job.path} HTTP/1.1\r\n{head}\r\n".encode() + body


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Job(**json.load(sys.stdin))))))
