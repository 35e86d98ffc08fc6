"""A throw-away process for what may crash, hang or lie: bounded in time, memory and output, and confined."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from model_store import errors
from model_store.confinement.environment import bare
from model_store.errors import GateRefused

_SHOWN = 300
_STDERR_TAIL = 16_384
_LARGEST_RESULT = 64 * 2**20
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def run(verb: str, request: Mapping[str, Any], *, seconds: float, memory: int, path: Sequence[str]) -> dict[str, Any]:
    """Return what ``model_store.gate.trial`` answers to a verb and its request, in a separate process.

    ``seconds`` bounds wall-clock and processor time, ``memory`` the address space in bytes. ``path`` is what the
    process imports from, next to what its Python finds by itself. Raises the StoreError that the trial reports, or
    GateRefused if it ends in any other way.
    """
    with tempfile.TemporaryDirectory(prefix="millrace-trial-") as scratch:
        folder = Path(scratch)
        limits = {"seconds": seconds, "memory": memory}
        (folder / "request.json").write_text(json.dumps({**request, "limits": limits, "parent": os.getpid()}), "utf-8")
        status = _wait(verb, folder, seconds, path)
        result = _result(folder)
    if result is None:
        raise GateRefused(_how_it_ended(status, seconds, result_error=_tail(status)))
    if "code" in result:
        raise errors.of_code(str(result["code"]), str(result.get("detail", ""))[:2000], GateRefused)
    return result


def own_path() -> list[str]:
    """Return what this process imports from: in a replica, what all its workers load models with."""
    return list(dict.fromkeys([str(_PACKAGE_PARENT), *(entry or str(Path.cwd()) for entry in sys.path)]))


def installed_path() -> list[str]:
    """Return where Python's library, this package and installed ones are, in the order in which this process imports.

    What only the publisher's own folders or PYTHONPATH have is not there for replicas.
    """
    return [str(_PACKAGE_PARENT), *(entry for entry in own_path()[1:] if _is_installed(entry))]


def _is_installed(entry: str) -> bool:
    return entry.startswith(sysconfig.get_path("stdlib")) or any(Path(entry).glob("*.dist-info"))


class _Status:
    """How the process ended: its return code (None when it was stopped for time) and the end of what it wrote."""

    def __init__(self, code: int | None, written: str) -> None:
        self.code = code
        self.written = written


def _wait(verb: str, folder: Path, seconds: float, path: Sequence[str]) -> _Status:
    with (folder / "output.txt").open("wb") as output:
        process = _started(verb, folder, output, path)
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return _Status(code, _end_of(folder / "output.txt"))


def _started(verb: str, folder: Path, output: BinaryIO, path: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-P", "-m", "model_store.gate.trial", verb, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=bare(folder, path),
        start_new_session=True,
    )


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _STDERR_TAIL))
        return file.read().decode("utf-8", "replace")


def _result(folder: Path) -> dict[str, Any] | None:
    path = folder / "result.json"
    try:
        if path.stat().st_size > _LARGEST_RESULT:
            return None
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _tail(status: _Status) -> str:
    lines = [line.strip() for line in status.written.splitlines() if line.strip()]
    return lines[-1][:_SHOWN] if lines else ""


def _how_it_ended(status: _Status, seconds: float, result_error: str) -> str:
    if status.code is None or status.code == -signal.SIGXCPU:
        return f"it hung: no answer within {seconds:g} s"
    if status.code < 0:
        cause = ", perhaps for want of memory" if status.code == -signal.SIGKILL else ""
        return f"it crashed: its process died of {_signal_name(-status.code)}{cause}"
    said = f": {result_error}" if result_error else ""
    return f"its process ended with status {status.code} before it answered{said}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
