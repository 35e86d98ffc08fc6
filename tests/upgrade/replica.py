"""One replica of any release's code on a state, beside others on the same store and database."""

import os
import subprocess
import sys

import requests

from deploy.local.settings import dotenv
from tests.system.running import eventually, free_ports

MODULES = [sys.executable, "-m"]


class Replica:
    """A gunicorn master of the code in ``root``, on the state in ``folder``, which listens without an Nginx."""

    def __init__(self, name, root, folder):
        port = free_ports(3)  # a loop worker, a bulk worker, the management
        self.root, self.url, self._management = root, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 2}"
        self.log = folder / f"{name}.log"
        var = folder / "var"
        self.environment = {
            **{variable: os.environ[variable] for variable in ("PATH", "HOME", "LANG") if variable in os.environ},
            **dotenv(folder / ".env"),
            "PYTHONPATH": str(root),
            "MODEL_STORE_ROOT": str(var / "models"),
            "TRUSTED_KEYS": str(var / "keys" / "trusted"),
            "SEALING_KEY_FILE": str(var / "keys" / "sealing.pem"),
            "JWT_KEYS": str(var / "secrets" / "jwt"),
            "AUDIT_KEY_FILE": str(var / "secrets" / "audit.key"),
            "DATABASE_URL": f"sqlite:///{var / 'state' / 'millrace.db'}",
            "RUN_DIR": str(folder / "run" / name),
            "REPLICA": name,
            "BIND": self.url.removeprefix("http://"),
            "MANAGEMENT_BIND": self._management.removeprefix("http://"),
        }
        self.process = None

    def __enter__(self):
        command = [*MODULES, "gunicorn", "-c", str(self.root / "service" / "gunicorn_conf.py"), "service.wsgi"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(lambda: self._ready() or self.process.poll() is not None, 120, "a ready replica")
        assert self.process.poll() is None, self.log.read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def run(self, module, *arguments):
        """What a command of this replica's code prints."""
        command = [*MODULES, module, *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _ready(self):
        try:
            return requests.get(f"{self._management}/readyz", timeout=2).status_code == requests.codes.ok
        except requests.RequestException:
            return False
