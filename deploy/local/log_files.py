"""The log files of `make run`: one old one is kept of each, and none grows without bound."""

import shutil
from contextlib import suppress
from pathlib import Path


def old(log: Path) -> Path:
    """Give the place of the log before this one."""
    return log.with_suffix(".old" + log.suffix)


def keep_one_old(log: Path) -> None:
    """Put the log of the run before aside."""
    if log.is_file():
        log.replace(old(log))


def cut(log: Path, most: int) -> None:
    """Put what a log holds aside if it is longer than ``most`` bytes, and empty it. Programs go on writing to it.

    They append, so what they write next comes first in the empty file; lines between copying and cutting are lost. On a
    full disk the old log goes, and this one is emptied without a copy.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size <= most:
            return
        old(log).unlink(missing_ok=True)
        try:
            shutil.copyfile(log, old(log))
        except OSError:
            old(log).unlink(missing_ok=True)
        with log.open("r+b") as file:
            file.truncate(0)
