"""Environments of other servers, under var/bench/peers, each made once for each content of its pinned requirements."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.figures import OUT

REQUIREMENTS = Path(__file__).parent / "requirements"
_PYTHON = "3.11"  # what all of them install on


class LeftOut(Exception):
    """Why a server is not measured."""


def version(package: str) -> str:
    """Read the pinned version of a server's own package."""
    found = re.search(rf"^{package}==(\S+)", _pinned(package).read_text(), re.MULTILINE)
    return found[1] if found else ""


def programs(package: str) -> Path:
    """Make the environment if need be, and return the folder of its programs. Raises LeftOut if that cannot be."""
    folder = (OUT / "peers" / package).absolute()
    made_from, pinned = folder / "made-from.txt", _pinned(package)
    if not (made_from.is_file() and made_from.read_text() == pinned.read_text()):
        shutil.rmtree(folder, ignore_errors=True)
        python = folder / "bin" / "python"
        interpreter = _uv("python", "find", _PYTHON)
        _uv("venv", "--quiet", "--python", interpreter, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(pinned))
        made_from.write_text(pinned.read_text())
    return folder / "bin"


def variables(programs: Path) -> dict[str, str]:
    """Return the variables of a process that runs in the environment, and knows nothing of this project's."""
    path = f"{programs}:{os.environ.get('PATH', os.defpath)}"
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}} | {
        "PATH": path
    }


def _pinned(package: str) -> Path:
    return REQUIREMENTS / f"{package}.txt"


def _uv(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LeftOut(f"uv {arguments[0]} says: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
