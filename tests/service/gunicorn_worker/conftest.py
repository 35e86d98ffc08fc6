"""Gunicorns for tests."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.service.gunicorn_worker.servers import Server


@pytest.fixture
def serve():
    """Starts gunicorns that end with the test."""
    yield from starter()


@pytest.fixture(scope="session")
def server():
    """One worker for all tests that leave it as they found it."""
    starts = starter()
    yield next(starts)()
    next(starts, None)


def starter():
    """Start gunicorns; each gets a short path, since that of a unix socket has 107 characters at most."""
    servers, folders = [], []

    def start(*args, **options):
        folders.append(Path(tempfile.mkdtemp(prefix="mr-")))
        servers.append(Server(folders[-1], *args, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    for folder in folders:
        shutil.rmtree(folder)
