"""One stack for all tests that leave it as they found it."""

from pathlib import Path

import pytest
import requests

from tests.system.load import Load
from tests.system.running import Stack, eventually

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """A test that starts a stack, the first one above all, trains and publishes models: that takes time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """Two replicas of two workers behind Nginx, with the demo models and three more."""
    stack = Stack(
        tmp_path_factory.mktemp("stack"),
        REPLICAS="2",
        WORKERS="2",
        PREDICT_TIMEOUT="2",
        REPLICA_CONNECTIONS="8",
        GRACEFUL_TIMEOUT="10",
        CONNECTIONS_PER_ADDRESS="1000",
    )
    try:
        stack.start()
        trainer = stack.trainer()
        trainer.tell(publish="steady", constant=1.0, stable=True)
        trainer.tell(publish="steady", constant=2.0)
        trainer.tell(publish="slow", neighbours=20_000, stable=True)
        trainer.close()
        _load(stack, "steady")
        _load(stack, "slow")
        yield stack
    finally:
        stack.stop()


def _load(stack, model):
    """Wait until every replica has the model loaded."""
    url, headers = f"{stack.url}/v2/repository/models/{model}/load", {"Authorization": f"Bearer {stack.token()}"}
    eventually(lambda: requests.post(url, headers=headers, timeout=30).ok, 60, f"a loaded {model}")


@pytest.fixture(scope="session")
def bearer(stack):
    return {"Authorization": f"Bearer {stack.token()}"}


@pytest.fixture
def client(stack, bearer):
    with requests.Session() as session:
        session.headers.update(bearer)
        yield session


@pytest.fixture
def load(stack, bearer):
    """Makes loads on the model `steady`."""
    url = f"{stack.url}/v1/models/steady:predict"
    eventually(lambda: requests.post(url, json={"instances": [[0, 0]]}, headers=bearer, timeout=5).ok)
    return lambda **how: Load(url, bearer, {"instances": [[0.5, 0.5], [0.1, 0.9]]}, **how)


@pytest.fixture
def whole(stack):
    """Gives the stack back whole after a test that hurt it."""
    eventually(stack.all_ready, 60, "a ready stack")
    yield
    eventually(stack.all_ready, 60, "a ready stack")


@pytest.fixture(scope="session")
def fuzzed(tmp_path_factory):
    """A stack of its own for invented requests, which may destroy what they find, with models of every kind."""
    stack = Stack(
        tmp_path_factory.mktemp("fuzzed"),
        CONNECTIONS_PER_ADDRESS="1000",
        TOKEN_REQUESTS_PER_SECOND="1000",
        ALL_TOKEN_REQUESTS_PER_SECOND="1000",
    )
    try:
        stack.start()
        published = stack.run("tests.system.fuzz_models")
        assert published.returncode == 0, published.stderr
        stack.models = ("closed", "counts", "diabetes", "iris", "kinds", "lines", "moods", "progression")
        stack.bearer = {"Authorization": f"Bearer {stack.token()}"}
        eventually(lambda: ready(stack), 30, "all models in every replica")
        yield stack
    finally:
        stack.stop()


def ready(stack):
    index = requests.get(f"{stack.url}/admin/models", headers=stack.bearer, timeout=5).json()["models"]
    workers = [
        worker["stable"] for model in index for replica in model["replicas"].values() for worker in replica.values()
    ]
    return (
        len(workers) == 4 * len(stack.models) and None not in workers
    )  # a loop and a bulk worker in each of two replicas
