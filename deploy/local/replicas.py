"""The gunicorn replicas: how each is started, and when it can serve."""

import http.client
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.processes import Child
from deploy.local.settings import ROOT, LocalSettings
from service.gunicorn_worker.addresses import address_of

_LONGEST_SOCKET_PATH = 100
"""A little less than what fits into the kernel's field for it (104 or 108 bytes)."""


def socket_folder(settings: LocalSettings) -> Path:
    """Give the folder of the workers' sockets: next to the run files, or a short temporary one if paths are long."""
    folder = settings.var / "run"
    if len(os.fsencode(folder / "replica-00-000.sock~")) <= _LONGEST_SOCKET_PATH:
        return folder
    return Path(tempfile.mkdtemp(prefix="millrace-"))


def bind(folder: Path, number: int) -> str:
    """Give the address that those of a replica's workers follow from."""
    return f"unix:{folder / f'replica-{number}.sock'}"


def worker_addresses(settings: LocalSettings, folder: Path, number: int) -> list[str]:
    """Give the addresses of a replica's loop workers, then its bulk worker's."""
    return [address_of(bind(folder, number), slot) for slot in range(settings.workers + 1)]


def management_port(settings: LocalSettings, number: int) -> int:
    """Give the port of a replica's /livez, /readyz and /metrics."""
    return settings.management_port + number - 1


def replica(settings: LocalSettings, number: int, sockets: Path) -> Child:
    """Make the replica's process, not started yet."""
    name = f"replica-{number}"
    run_dir = settings.var / "run" / name
    environment = {
        **settings.environment(),
        "RUN_DIR": str(run_dir),
        "REPLICA": name,
        "BIND": bind(sockets, number),
        "MANAGEMENT_BIND": f"127.0.0.1:{management_port(settings, number)}",
        "MALLOC_ARENA_MAX": "2",  # models come and go; more arenas keep more of what they leave
    }
    return Child(
        name=name,
        command=[sys.executable, "-m", "gunicorn", "-c", str(ROOT / "service/gunicorn_conf.py"), "service.wsgi"],
        environment=environment,
        log=settings.var / "log" / f"{name}.log",
        before=lambda: shutil.rmtree(run_dir, ignore_errors=True),
    )


def loading(port: int) -> str | None:
    """Say what keeps a replica from serving: None if nothing does any more, with or without a model."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with suppress(OSError, http.client.HTTPException, ValueError):
        connection.request("GET", "/readyz")
        told = json.loads(connection.getresponse().read())
        return str(told["reason"]) if told["loading"] or not told["workers"] else None
    return "it does not answer"


def refusing(addresses: Sequence[str]) -> str | None:
    """Name the first worker that does not listen yet; None if all do."""
    for address in addresses:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address.removeprefix("unix:")):
                return f"no worker listens at {address}"
    return None
