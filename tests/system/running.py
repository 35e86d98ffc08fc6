"""A stack of its own for tests: started as `make run` starts it, spoken to over HTTP and signals."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]


def free_ports(count):
    """The first of ``count`` neighbouring ports that are free."""
    while True:
        first = random.randrange(20000, 30000)
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return first


def eventually(condition, seconds=30.0, what="the condition"):
    """Wait until ``condition()`` is true, and give what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come to be within {seconds} s"
        time.sleep(0.05)
    return value


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Trained:
    """The demo models as the first stack of a run publishes them: the stacks after it begin with copies."""

    PARTS = ("models", "keys")
    """What of ``var/`` they are: the store, and the keys that it is sealed with."""

    def __init__(self):
        self._folder = None

    def keep(self, var):
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="mr-trained-")
            self._copy(var, Path(self._folder.name))

    def give(self, var):
        if self._folder is not None and not var.exists():
            self._copy(Path(self._folder.name), var)

    def _copy(self, source, target):
        for part in self.PARTS:
            shutil.copytree(source / part, target / part)


TRAINED = Trained()


class Stack:
    """One local stack under ``folder``, of the code in ``root``; of this tree's, only the first of a run trains."""

    def __init__(self, folder, *, root=ROOT, **variables):
        self.root = root
        self.var = folder / "var"
        first = free_ports(8)
        self.port, self.management_port = first, first + 2
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {
            **inherited,
            "VAR_DIR": str(self.var),
            "PORT": str(self.port),
            "TLS_PORT": str(first + 1),
            "MANAGEMENT_PORT": str(self.management_port),
            "NGINX_METRICS_PORT": "0",
            "PROMETHEUS_PORT": "0",
            "ACCESS_TOKEN_SECONDS": "7200",
            **variables,
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = folder / "said.log"
        self.process = None

    def begin(self):
        if self.root == ROOT:
            TRAINED.give(self.var)
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def start(self):
        self.begin()
        eventually(lambda: "Millrace serves" in self.output or self.process.poll() is not None, 280, "the start")
        assert self.process.poll() is None, self.output
        if self.root == ROOT:
            TRAINED.keep(self.var)
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    @property
    def output(self):
        return self.said.read_text(errors="replace")

    def run(self, module, *arguments):
        """A command of Millrace's, told of this stack's places."""
        command = [sys.executable, "-m", "deploy.local.within", module, *arguments]
        return subprocess.run(
            command, cwd=self.root, env=self.environment, check=False, capture_output=True, text=True, timeout=200
        )

    def token(self):
        asked = self.run("service.auth", "token")
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    def trainer(self):
        command = [sys.executable, "-m", "deploy.local.within", "tests.system.trainer"]
        return Trainer(
            subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )

    def pid(self, name):
        """The process id of ``nginx`` or ``replica-N``."""
        file = "nginx.pid" if name == "nginx" else "gunicorn.pid"
        return int((self.var / "run" / name / file).read_text())

    def workers(self, name):
        """The process ids of a replica's or Nginx's workers."""
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        pairs = (line.split() for line in listed.splitlines())
        return [int(pid) for pid, parent in pairs if int(parent) == self.pid(name)]

    def ready(self, number):
        """Whether a replica says that it is ready."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.management_port + number - 1}/readyz", timeout=2)
        except requests.RequestException:
            return False
        return answer.status_code == 200

    def all_ready(self):
        return all(self.ready(number) for number in range(1, int(self.environment.get("REPLICAS", "2")) + 1))

    def access_log(self):
        """Nginx's lines, as objects."""
        lines = (self.var / "log" / "nginx.access.log").read_text().splitlines()
        return [json.loads(line) for line in lines]


class Trainer:
    """The other end of tests/system/trainer.py."""

    def __init__(self, process):
        self.process = process

    def tell(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the trainer failed; what it said is above"
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
