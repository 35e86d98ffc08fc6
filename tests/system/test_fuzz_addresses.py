"""Addresses, methods and framing that nobody means: odd names, versions and labels, coded and not."""

import re
import socket
from urllib.parse import quote

import pytest
from hypothesis import strategies as st

from tests.system.fuzzing import Caller, fuzz, judge

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CASES = {"addresses": 2000, "bytes": 300}

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "post", "X" * 40]
PARTS = [
    *(
        "v1",
        "v2",
        "V1",
        "models",
        "iris",
        "moods",
        "versions",
        "1",
        "labels",
        "stable",
        "infer",
        "invocations",
        "metadata",
    ),
    *("admin", "oauth", "token", "clients", "keys", "grants", "audit", "operations", "docs", "openapi.json", "ready"),
    *(
        "repository",
        "index",
        "load",
        "unload",
        "health",
        "live",
        "iris:predict",
        "iris:classify",
        "iris:explain",
        "promote",
    ),
    *(
        "..",
        ".",
        "",
        " ",
        "*",
        "0",
        "-1",
        "1.0",
        "00001",
        "9" * 19,
        "9" * 400,
        "٣",
        "1e3",
        "None",
        "é",
        "e\u0301",
        "\0",
        "\r\n",
    ),
    *(
        "\U0001f600",
        "%",
        "%2e%2e",
        "%00",
        "a" * 129,
        "a" * 3000,
        "a/b",
        "a\\b",
        ".replicas",
        "channels.json",
        ";",
        "?",
        "#",
    ),
    *(
        "{model}",
        "<model>",
        "$",
        "'",
        '"',
        "<script>",
        "\ud800",
        "\x7f",
        "\u202e",
        ":",
        "iris:",
        ":predict",
        "iris:predict:predict",
    ),
]
KNOWN = [
    *(
        "/v1/models/{}",
        "/v1/models/{}:predict",
        "/v1/models/{}/versions/{}:predict",
        "/v1/models/{}/labels/{}/metadata",
    ),
    *(
        "/v2/models/{}/infer",
        "/v2/models/{}/versions/{}/infer",
        "/v2/models/{}/versions/{}/ready",
        "/v2/repository/models/{}/load",
    ),
    *(
        "/models/{}/invocations",
        "/models/{}/versions/{}/invocations",
        "/models/{}/labels/{}/invocations",
        "/invocations",
    ),
    *(
        "/admin/models/{}",
        "/admin/models/{}/versions/{}",
        "/admin/models/{}/versions/{}/promote",
        "/admin/models/{}/rollback",
        "/admin/models/{}/demote",
    ),
    *(
        "/admin/models/{}/versions",
        "/admin/models/{}/feedback",
        "/admin/clients/{}",
        "/admin/keys/{}/rotate",
        "/admin/grants/{}",
    ),
    *(
        "/admin/operations/{}",
        "/admin/audit?before={}&limit={}",
        "/docs/{}",
        "/v2/models/{}/stats",
        "/v2/cudasharedmemory/{}",
    ),
    *(
        "/admin/keys?client_id={}",
        "/admin/grants?subject={}",
        "/admin/audit?since={}&until={}",
        "/admin/audit?actor={}",
    ),
]

# What loads, unloads, promotes or retires a model that there is belongs into tests/system/test_fuzz_routes.py.
HARMFUL = re.compile(
    r"(?i)/(?:admin/models/[^/]+/(?:rollback|demote|versions/0*1(?:/promote)?)|v2/repository/models/[^/]+/unload)"
)
part = st.sampled_from(PARTS) | st.text(max_size=6)


@st.composite
def addresses(draw):
    if draw(st.booleans()):
        form = draw(st.sampled_from(KNOWN))
        filled = [coded(draw, draw(part)) for _ in range(form.count("{}"))]
        path = form.format(*filled)
    else:
        path = "/" + "/".join(coded(draw, one) for one in draw(st.lists(part, max_size=6)))
    if draw(st.integers(0, 4)) == 0:
        path += draw(
            st.sampled_from(["/", "?", "?a=%ff&a", "//", "/..", "?predict_method=x", "#x", "%2F", "?" + "a=1&" * 300])
        )
    body = draw(st.sampled_from([b"", b"{}", b'{"instances": [[1, 2, 3, 4]]}', b"\xff", b"a=b", b"[" * 600]))
    media_type = draw(
        st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
    )
    return draw(st.sampled_from([*METHODS, "GET", "POST", "POST"])), path, body, {"Content-Type": media_type}


def coded(draw, text):
    """A part of a path as a client may write it: coded, coded twice, or bare where HTTP lets it be."""
    raw = text.encode("utf-8", "surrogatepass")
    once = quote(raw, safe="")
    return draw(st.sampled_from([once, once, quote(once), quote(raw, safe="/:.%?#;$'\\<>{}\"|^`")]))


@pytest.mark.parametrize("known", [True, False], ids=["with a token", "without"])
def test_addresses_that_nobody_means(fuzzed, known):
    caller = Caller(fuzzed, fuzzed.bearer if known else {})

    def send(case):
        method, path, body, headers = case
        if not (known and HARMFUL.search(path)):
            judge(caller.send(method, path, body, headers))

    half = CASES["addresses"] // 2
    assert fuzz(addresses(), half, send) >= half


LINES = [
    *(
        b"GET / HTTP/1.1",
        b"POST /v1/models/iris:predict HTTP/1.1",
        b"POST /invocations HTTP/1.0",
        b"GET /\xff HTTP/1.1",
    ),
    *(
        b"GET http://a/v1/models HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT a:1 HTTP/1.1",
        b"GET / HTTP/3.0",
        b"GET /",
        b"\0",
    ),
    b"PRI * HTTP/2.0",
]
FIELDS = [
    *(b"Host: a", b"Host: a", b"Host: a", b"Host: \xff", b"Host: a b", b"Content-Length: 2", b"Content-Length: 2, 2"),
    *(
        b"Content-Length: 0x2",
        b"Content-Length: 9999",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
    ),
    *(
        b"Connection: close, Host",
        b"Connection: upgrade",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
        b"X_Under: a",
        b"X: \xe9",
    ),
    *(
        b"Authorization: Bearer \xff",
        b"X-API-Key: " + b"k" * 9000,
        b"Cookie: a=" + b"b" * 5000,
        b": a",
        b"X",
        b"X: a\rb",
        b"\tX: a",
    ),
]
ENDS = [
    b"",
    b"{}",
    b"2\r\n{}\r\n0\r\n\r\n",
    b"2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
    b"ffffffffff\r\n",
    b"-1\r\n",
    b"2\n{}\n0\n\n",
    b"0\r\n\r\n" * 3,
]
STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


def test_bytes_that_are_nearly_http(fuzzed):
    def send(case):
        line, fields, newline, end = case
        with socket.create_connection(("127.0.0.1", fuzzed.port), timeout=12) as connection:
            connection.sendall(newline.join([line, *fields, b"", b""]) + end)
            connection.shutdown(socket.SHUT_WR)  # whoever waits for more is told that none will come
            received = b""
            while chunk := read(connection):
                received += chunk
        for status in STATUS.findall(received):
            # 501 and 505 are Nginx's words for codings and versions of HTTP that it does not know
            assert int(status) < 500 or status in {b"501", b"505"}, (case, received)
        assert b"Traceback" not in received

    newlines = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
    cases = st.tuples(
        st.sampled_from(LINES), st.lists(st.sampled_from(FIELDS), max_size=5), newlines, st.sampled_from(ENDS)
    )
    assert fuzz(cases, CASES["bytes"], send) >= CASES["bytes"]


def read(connection):
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
