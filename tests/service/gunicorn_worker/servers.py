"""A real gunicorn of the tests' own, with the loop or with gunicorn's sync worker, and raw connections to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import parse_headers
from pathlib import Path

from service.gunicorn_worker.addresses import address_of

CONFIGURATION = """
import os, time
from service.gunicorn_worker import slots
worker_class = {worker!r}
bind = {bound!r}
workers = {workers}
preload_app = True
header_map = "refuse"
forwarded_allow_ips = "*"
limit_request_line, limit_request_fields, limit_request_field_size = 8190, 1000, 16380
timeout, graceful_timeout, keepalive = {timeout}, {graceful}, {keepalive}
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True
worker_connections = {connections}

def pre_fork(server, worker):
    if not bind:
        slots.place(server, worker, {bind!r})
        worker.max_body_bytes = {body}

def nworkers_changed(server, number, before):
    if not bind:
        slots.keep_number(server, number, before)

def child_exit(server, worker):
    if not bind:
        slots.leave(worker)

def post_worker_init(worker):
    time.sleep({warm_up})
"""
APPLICATION = "tests.service.gunicorn_worker.application"
LOOP = "service.gunicorn_worker.worker.LoopWorker"


def eventually(condition, seconds=20.0):
    """Wait until the condition holds, and give what it gave."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


class Server:
    """gunicorn, from its start until ``stop``."""

    def __init__(self, folder, worker=LOOP, workers=1, *, files=None, port=None, bind=None, wait=True, **options):
        self.folder, self.workers, self.loop = folder, workers, worker == LOOP
        self.bind = bind or (f"127.0.0.1:{port}" if port else f"unix:{folder}/s.sock")
        self.log = folder / "log"
        values = {"timeout": 30, "graceful": 10, "keepalive": 75, "connections": 1000, "body": 2**25, "warm_up": 0.0}
        text = CONFIGURATION.format(
            worker=worker, workers=workers, bind=self.bind, bound=[] if self.loop else [self.bind], **values | options
        )
        (folder / "conf.py").write_text(text)
        limit = f"ulimit -n {files} && " if files else ""
        command = f"{limit}exec {sys.executable} -m gunicorn -c {folder}/conf.py {APPLICATION}:application"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["/bin/sh", "-c", command], stdout=log, stderr=log, cwd=Path.cwd())
        for slot in range(workers if wait else 0):
            eventually(lambda slot=slot: self.listens(slot))

    def address(self, slot=0):
        return address_of(self.bind, slot) if self.loop else self.bind

    def connect(self, slot=0, seconds=20.0):
        address = self.address(slot)
        if address.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            where = address.removeprefix("unix:")
        else:
            connection = socket.socket()
            where = ("127.0.0.1", int(address.rpartition(":")[2]))
        connection.settimeout(seconds)
        try:
            connection.connect(where)
        except OSError:
            connection.close()
            raise
        return Caller(connection)

    def listens(self, slot=0):
        assert self.process.poll() is None, self.log.read_text()
        try:
            self.connect(slot).close()
        except OSError:
            return False
        return True

    def exchange(self, sent, slot=0):
        """Send bytes on a new connection; give the answer."""
        with self.connect(slot) as caller:
            caller.send(sent)
            return caller.answer()

    def get(self, target="/", slot=0):
        return self.exchange(request(target), slot)

    def pid(self, slot=0):
        return self.get(slot=slot).json["pid"]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        """End it; give its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(30)


class Caller:
    """One connection to a worker, and what comes back on it."""

    def __init__(self, connection):
        self.connection, self.stream = connection, connection.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.connection.close()

    def send(self, sent):
        self.connection.sendall(sent)

    def answer(self, method="GET"):
        return Answer(self.stream, method)

    def ask(self, target="/", *args, **options):
        self.send(request(target, *args, **options))
        return self.answer()

    def rest(self):
        """Read until the worker closes."""
        return self.stream.read()


class Answer:
    """One answer, read from a stream that may have more."""

    def __init__(self, stream, method="GET"):
        line = stream.readline()
        assert line.startswith(b"HTTP/1."), line
        self.status = int(line.split()[1])
        self.headers = parse_headers(stream)
        length = 0 if method == "HEAD" else int(self.headers.get("Content-Length", 0))
        self.body = stream.read(length)
        assert len(self.body) == length, "cut short"
        self.closes = self.headers.get("Connection") == "close"

    @property
    def json(self):
        return json.loads(self.body)


def request(target="/", body=b"", *fields, method="GET", version="HTTP/1.1"):
    """Write a request as Nginx would."""
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{method} {target} {version}", "Host: millrace.example", *length, *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body
