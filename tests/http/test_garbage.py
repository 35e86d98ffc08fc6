"""Requests leave nothing to Python's garbage collector, so that it may look seldom."""

import gc
import io
import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from model_store import publish

X = np.random.default_rng(0).normal(size=(50, 4))
ROW = [0.1, 0.2, 0.3, 0.4]
TENSOR = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}
REQUESTS = 50
ASKED = {
    "/v1": ("/v1/models/line:predict", {"instances": [ROW]}, 200),
    "/v2": ("/v2/models/line/infer", {"inputs": [TENSOR]}, 200),
    "/invocations": ("/models/line/invocations", {"inputs": [ROW]}, 200),
    "a text for a number": ("/v1/models/line:predict", {"instances": [["a"] * 4]}, 400),
    "another width": ("/v2/models/line/infer", {"inputs": [{**TENSOR, "shape": [1, 5]}]}, 400),
    "a body that is no object": ("/models/line/invocations", [], 400),
    "no such model": ("/v1/models/none:predict", {"instances": [ROW]}, 404),
}


@pytest.fixture
def ask(make_application, tmp_path, sealing_key):
    """Sends a request by WSGI alone: a test client makes cycles; gives the status."""
    publish(tmp_path / "models", "line", LinearRegression().fit(X, X[:, 0]), X, sealing_key=sealing_key, promote=True)
    application = make_application()

    def ask(path, value):
        body = json.dumps(value).encode()
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "test", "SERVER_PORT": "80",
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
        }  # fmt: skip
        begun = []
        application(environ, lambda status, _headers: begun.append(status))
        return int(begun[0][:3])

    return ask


def cycles(ask, path, value):
    """How many objects in cycles some requests leave."""
    gc.collect()
    for _ in range(REQUESTS):
        ask(path, value)
    return gc.collect()


def looks():
    return gc.get_stats()[0]["collections"]


def test_requests_leave_no_cycles_and_large_ones_seldom_start_the_collector(ask):
    assert {words: ask(path, value) for words, (path, value, _) in ASKED.items()} == {
        words: status for words, (_, _, status) in ASKED.items()
    }
    gc.disable()
    try:
        left = {words: cycles(ask, path, value) for words, (path, value, _) in ASKED.items()}
    finally:
        gc.enable()
    assert max(left.values()) < REQUESTS, left
    before = looks()
    for _ in range(10):
        assert ask("/v1/models/line:predict", {"instances": [ROW] * 1000}) == 200
    assert looks() - before < 5
