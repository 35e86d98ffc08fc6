"""A private PostgreSQL server for tests: Debian's own programs, a data folder and a socket under /tmp, no TCP port."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

USER = "postgres"


def programs():
    """The folder of the newest PostgreSQL's programs, None where none is installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def own_server():
    """The body of a fixture: a server that ends with it; skips where PostgreSQL is not installed."""
    bin_dir = programs()
    if bin_dir is None:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin")
    server = PostgresqlServer(bin_dir)
    yield server
    server.close()


class PostgresqlServer:
    """One server. It refuses to run as root, so under root its programs run as the user that Debian made for it."""

    def __init__(self, bin_dir):
        self._bin = bin_dir
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-pg-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER)
        self._run("initdb", "-D", str(self._data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync")
        self._process = None
        self._template = None
        self.start()

    @property
    def _data(self):
        return self.folder / "data"

    def url(self, name):
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def start(self):
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", f"unix_socket_directories={self.folder}"]
        self._process = subprocess.Popen(
            self._command("postgres", "-D", str(self._data), *options),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", str(self.folder)], check=False).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL does not start")
            time.sleep(0.05)

    def kill(self):
        """End the server at once, as a crash does."""
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        self._process.wait(timeout=30)

    def close(self):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self, program, *arguments):
        as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        return [*as_user, str(self._bin / program), *arguments]

    def _run(self, program, *arguments):
        subprocess.run(self._command(program, *arguments), check=True, capture_output=True, cwd="/")
