"""Virtual environments for what tests run beside this project: clients and libraries that others wrote."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"  # what all of them can run on


def environment(name, requirements):
    """The programs of a virtual environment under var/, made once for each content of its pinned requirements."""
    folder = ROOT / "var" / "clients" / name
    made_from = folder / "made-from.txt"
    if made_from.is_file() and made_from.read_text() == requirements.read_text():
        return folder / "bin"
    uv = [sys.executable, "-m", "uv"]
    shutil.rmtree(folder, ignore_errors=True)
    interpreter = run(*uv, "python", "find", PYTHON)
    if interpreter.returncode:
        pytest.skip(f"{name} needs Python {PYTHON}, which this machine does not have")
    made = run(*uv, "venv", "--quiet", "--python", interpreter.stdout.strip(), folder)
    assert made.returncode == 0, made.stderr
    install = [*uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes", "-r"]
    installed = run(*install, requirements)
    assert installed.returncode == 0, installed.stderr[-3000:]
    made_from.write_text(requirements.read_text())
    return folder / "bin"


def node_environment(name, folder):
    """The programs of packages of npm under var/, made once for each content of the folder's package-lock.json."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"{name} needs node and npm, which this machine does not have")
    made, lock = ROOT / "var" / "clients" / name, folder / "package-lock.json"
    made_from = made / "made-from.json"
    if not (made_from.is_file() and made_from.read_text() == lock.read_text()):
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(folder, made, ignore=shutil.ignore_patterns("node_modules"))
        installed = run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", made)
        assert installed.returncode == 0, installed.stderr[-3000:]
        made_from.write_text(lock.read_text())
    return made / "node_modules" / ".bin"


def run(*command, seconds=240, **variables):
    """A finished command that knows nothing of this project's own environment."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env={**clean, **variables},
    )
