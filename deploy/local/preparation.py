"""What must be there before anything starts: folders, free ports, keys, models."""

import datetime as dt
import fcntl
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import IO

from deploy.local.settings import ROOT, CannotRun, LocalSettings
from model_store import atomic_file
from model_store.stores.locations import store_at
from model_store.stores.store import Store

_LOCK = "lock"
_STORE_NOTE = Path("state") / "store"
"""Under VAR_DIR: where the store was at the last start, and its identity."""


def make_folders(settings: LocalSettings) -> IO[str]:
    """Make the folders of var/ and wipe run files of an earlier run; the open lock is held until the end.

    Raises CannotRun if another stack runs on the same folders.
    """
    for folder in (settings.var / "run", settings.var / "log", settings.store):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("run", "log", "state", "secrets"):  # sockets, what callers asked, who they are, and keys
        if (settings.var / name).is_dir():
            (settings.var / name).chmod(0o700)
    lock = (settings.var / "run" / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(f"A stack is running on {settings.var} already: stop it, or give another VAR_DIR.") from None
    remove_run_files(settings)
    return lock


def remove_run_files(settings: LocalSettings) -> None:
    """Remove what only a running stack needs; the lock stays."""
    for path in (settings.var / "run").iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink()


def check_ports(address: str, ports: Iterable[tuple[str, int]]) -> None:
    """Try each port. Raises CannotRun, with the name of its variable, for one that cannot be listened on."""
    for name, port in ports:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("" if address == "*" else address.strip("[]"), port))
            except OSError as error:
                raise CannotRun(f"{name}={port} cannot be used on {address}: {error.strerror}.") from None


def check_certificate(settings: LocalSettings) -> None:
    """Read the certificate. Raises CannotRun for one that cannot be read, or is not valid today."""
    if not settings.tls:
        return
    from cryptography import x509  # here: most stacks have none

    path = ROOT / settings.texts["TLS_CERT"]
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotRun(f"TLS_CERT is {path}: no certificate can be read there ({error}).") from None
    now = dt.datetime.now(dt.UTC)
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise CannotRun(
            f"TLS_CERT is {path}: it is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and callers refuse it now. Put a valid one there."
        )


def check_distinct(ports: Sequence[tuple[str, int]]) -> None:
    """Check that no port is given twice. Raises CannotRun, with the names of both variables."""
    for (name, port), (other, same) in combinations(ports, 2):
        if port == same:
            raise CannotRun(
                f"{name} and {other} need port {port} both: give each another one (each replica has a management port, "
                "counted from MANAGEMENT_PORT)."
            )


def make_secrets(settings: LocalSettings) -> None:
    """Check the replicas' settings and make what is generated once. Raises CannotRun; the reason is printed then.

    A separate process does it, because the libraries that it needs would double the memory of the supervisor.
    """
    if subprocess.run([sys.executable, "-m", "deploy.local.generated"], cwd=ROOT, check=False).returncode:
        raise CannotRun(
            f"A setting is wrong, or the keys and the state of access control could not be made in {settings.var}: the "
            "reason is above."
        )


def check_store(settings: LocalSettings) -> None:
    """Compare the store with the one that was there at the last start. Raises CannotRun if it is away."""
    place, _, known = (_noted(settings) or "\n").partition("\n")
    if known and place == str(settings.store) and known != (_store(settings).identity() or ""):
        raise CannotRun(
            f"{settings.store} is not the store of the last start: a volume may not be mounted. To begin with what is "
            f"there now, remove {settings.var / _STORE_NOTE}."
        )


def note_store(settings: LocalSettings) -> None:
    """Give the store an identity if it has none, and note it for the next start."""
    known = _store(settings).identify()
    atomic_file.write(settings.var / _STORE_NOTE, f"{settings.store}\n{known}".encode(), mode=0o600)


def _noted(settings: LocalSettings) -> str | None:
    note = settings.var / _STORE_NOTE
    return note.read_text(encoding="utf-8") if note.is_file() else None


def _store(settings: LocalSettings) -> Store:
    return store_at(settings.store)


def publish_demo_models(settings: LocalSettings) -> None:
    """Train and publish the demo models if the store holds no model. Raises CannotRun if that fails."""
    if any(path.is_dir() and not path.name.startswith(".") for path in settings.store.iterdir()):
        return
    command = [sys.executable, "-m", "examples.demo_models", str(settings.store)]
    if subprocess.run(command, cwd=ROOT, env=settings.environment(), check=False).returncode:
        raise CannotRun("The demo models could not be published.")
