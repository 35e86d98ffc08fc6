"""What a process has to read to run scikit-learn: libraries, and a few facts of the machine."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_OF_THE_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
    "/sys/fs/cgroup",
)
_MODULES = (".py", ".so", ".pyc", ".pth")


def libraries() -> Iterator[Path]:
    """Yield files and folders that hold Python, what it imports from, the system's libraries and the machine's facts.

    Of a folder that is on the import path without being one for installed packages, such as the working folder, only
    the modules and packages in it: it may hold secrets as well.
    """
    yield from map(Path, _OF_THE_SYSTEM)
    yield from (Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
    for entry in _entries():
        yield from [entry] if _is_installed(entry) else _modules(entry)


def names() -> Iterator[Path]:
    """Yield the folders of which only the names of their files have to be read, for Python to find its modules."""
    return (entry for entry in _entries() if entry.is_dir() and not _is_installed(entry))


def _entries() -> Iterator[Path]:
    return (Path(entry or ".").absolute() for entry in dict.fromkeys(sys.path))


def _is_installed(entry: Path) -> bool:
    return entry.is_relative_to(sysconfig.get_path("stdlib")) or any(entry.glob("*.dist-info"))


def _modules(entry: Path) -> Iterator[Path]:
    if entry.is_file():  # an archive of modules
        yield entry
        return
    for found in entry.iterdir() if entry.is_dir() else ():
        if found.suffix in _MODULES or (found.is_dir() and any(found.glob("*.py"))):
            yield found
