"""Pages of other origins: preflights, allowed and refused, and answers that they may read, Nginx's own included."""

import json
import socket

import pytest
import requests

from tests.system.running import Stack, eventually

APP, OTHER = "https://app.example", "https://evil.example"
PREDICT = "/v1/models/iris:predict"
ROWS = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A stack that pages of two origins may call."""
    stack = Stack(tmp_path_factory.mktemp("shared"), REPLICAS="1", CORS_ORIGINS=f"http://localhost:3000, {APP}")
    try:
        stack.start()
        eventually(stack.all_ready, 60, "a ready stack")
        yield stack
    finally:
        stack.stop()


def preflight(stack, origin, path=PREDICT):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return requests.options(stack.url + path, headers={"Origin": origin, **asked}, timeout=10)


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
@pytest.mark.parametrize("path", [PREDICT, "/v2/models/iris/infer", "/oauth/token", "/admin/models", "/nowhere"])
def test_a_preflight_of_a_listed_origin_is_allowed_without_a_token(shared, origin, path):
    answer = preflight(shared, origin, path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert answer.headers["Vary"] == "Origin"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize(
    "origin",
    [OTHER, "https://app.example.evil.example", "http://app.example", "null", "https://app.exampl", "*",
     f",{OTHER},#{OTHER}", f"{APP},{OTHER}", "https://APP.example"],
)  # fmt: skip
def test_other_origins_are_told_nothing(shared, origin):
    for answer in (preflight(shared, origin), asked(shared, {"Origin": origin})):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["Vary"] == "Origin"


def asked(stack, headers, path=PREDICT):
    return requests.post(stack.url + path, json=ROWS, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("path", "token", "status"), [(PREDICT, True, 200), (PREDICT, False, 401), ("/nowhere", True, 404)]
)
def test_answers_and_errors_can_be_read_by_a_listed_origin(shared, path, token, status):
    bearer = {"Authorization": f"Bearer {shared.token()}"} if token else {}
    answer = asked(shared, {"Origin": APP, **bearer}, path)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Methods" not in answer.headers


def test_no_origin_is_allowed_by_default(stack, bearer):
    for answer in (preflight(stack, APP), asked(stack, {"Origin": APP, **bearer})):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (PREDICT, "POST, OPTIONS"),
        ("/v1/models/iris", "GET, HEAD, OPTIONS"),
        ("/v2/models/iris/infer", "POST, OPTIONS"),
        ("/models/iris/invocations", "POST, OPTIONS"),
        ("/oauth/token", "POST, OPTIONS"),
    ],
)
def test_options_says_which_methods_an_address_takes(stack, path, allowed):
    answer = requests.options(stack.url + path, timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (204, allowed)


@pytest.mark.parametrize("path", ["/v2/models/iris/infer", "/models/iris/invocations", "/oauth/token"])
def test_a_wrong_method_is_told_the_right_ones(stack, bearer, path):
    answer = requests.put(stack.url + path, headers=bearer, timeout=10)
    assert answer.status_code == 405
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == {"POST", "OPTIONS"}


def test_a_line_of_the_access_log_is_utf_8_whatever_was_sent(stack):
    mark, odd = b"oddbytes", b"\xff\xc3("
    head = b"GET /v1/models/" + mark + odd + b"/x?q=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: a" + odd + b"\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(head + b"Connection: close\r\n\r\n")
        while connection.recv(65536):
            pass
    log = stack.var / "log" / "nginx.access.log"
    lines = eventually(lambda: [line for line in log.read_bytes().splitlines() if mark in line], 10, "a line")
    entry = json.loads(lines[0].decode("utf-8", "strict"))
    assert entry["url.path"] == "/v1/models/oddbytes"
    assert entry["user_agent.original"] == "a"
