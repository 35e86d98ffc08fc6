"""Whatever Nginx answers itself has the one shape of errors; what a replica answers passes untouched."""

import json
import re
import socket
import time

import pytest
import requests

MEMBERS = {"error", "code", "title", "status", "detail", "request_id"}

HEAD = b"POST /v1/models/steady:predict HTTP/1.1\r\n"
BODY = b'{"instances": [[0, 0]]}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n17\r\n" + BODY + b"\r\n0\r\n\r\n"

MALFORMED = {
    "both lengths": HEAD + b"Host: a\r\n" + LENGTH + CHUNKED,
    "an unknown transfer coding": HEAD + b"Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n" + BODY,
    "a space before the colon": HEAD + b"Host: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a tab before the coding": HEAD + b"Host: a\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two transfer encodings": HEAD + b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Host: a\r\n" + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "a signed length": HEAD + b"Host: a\r\nContent-Length: +23\r\n\r\n" + BODY,
    "a negative length": HEAD + b"Host: a\r\nContent-Length: -1\r\n\r\n" + BODY,
    "a length that is no number": HEAD + b"Host: a\r\nContent-Length: ten\r\n\r\n" + BODY,
    "a huge length": HEAD + b"Host: a\r\nContent-Length: 99999999999999999999\r\n\r\n" + BODY,
    "a folded header": HEAD + b"Host: a\r\nX-A: b\r\n c\r\n" + LENGTH + b"\r\n" + BODY,
    "a NUL in a header": HEAD + b"Host: a\r\nX-A: b\x00c\r\n" + LENGTH + b"\r\n" + BODY,
    "a control character in the path": b"POST /v1/mod\x01els/steady:predict HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in the path": b"GET /v1/models/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "two hosts": HEAD + b"Host: a\r\nHost: b\r\n" + LENGTH + b"\r\n" + BODY,
    "no host": HEAD + LENGTH + b"\r\n" + BODY,
    "chunks in HTTP/1.0": b"POST /v1/models/steady:predict HTTP/1.0\r\nHost: a\r\n" + CHUNKED,
    "a chunk size that is no number": HEAD + b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a version from the future": b"GET /v1/models HTTP/9.9\r\nHost: a\r\n\r\n",
    "no version and no path": b"GET\r\n\r\n",
    "a header name of spaces": HEAD + b"Host: a\r\n  : b\r\n" + LENGTH + b"\r\n" + BODY,
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32 + b"\r\n\r\n",
}


def exchange(stack, sent, seconds=15):
    """Send bytes; what comes back until the connection closes or nothing more comes."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=seconds) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
                if b"\r\n\r\n" in received and b"}" in received:
                    break
        except ConnectionResetError:
            pass
        return received


def assert_one_shape(answer, status, code, media_type):
    body = answer.json()
    assert answer.status_code == status
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert answer.headers["Content-Type"].partition(";")[0] == media_type
    assert answer.headers["X-Request-ID"] == body["request_id"]


@pytest.mark.parametrize(
    "path", ["/metrics", "/livez", "/readyz", "/counts", "/v1/../metrics", "/nowhere", "/.error", "/static/x"]
)
def test_what_is_no_route_is_not_found(stack, path):
    request = requests.Request("GET", stack.url).prepare()
    request.url = stack.url + path
    with requests.Session() as session:
        answer = session.send(request)
    media_type = "application/json" if path.startswith("/v1") else "application/problem+json"
    assert_one_shape(answer, 404, "not_found", media_type)
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/models/steady:predict", "/v2/models/steady/infer"])
def test_a_body_over_the_limit_is_413_in_json(client, stack, path):
    answer = client.post(stack.url + path, data=b"x" * (16 * 2**20 + 1))
    assert_one_shape(answer, 413, "payload_too_large", "application/json")


def test_an_address_over_the_limit_is_414(client, stack):
    assert_one_shape(client.get(f"{stack.url}/docs/{'x' * 9000}"), 414, "uri_too_long", "application/problem+json")


def test_a_header_over_the_limit_is_431(client, stack):
    answer = client.get(f"{stack.url}/v1/models", headers={"X-Large": "x" * 9000})
    assert_one_shape(answer, 431, "headers_too_large", "application/json")


def test_an_answer_to_an_api_key_is_not_stored_either(stack):
    with_key = requests.get(f"{stack.url}/nowhere", headers={"X-API-Key": "mr_x"}, timeout=5)
    assert_one_shape(with_key, 404, "not_found", "application/problem+json")
    assert with_key.headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in requests.get(f"{stack.url}/nowhere", timeout=5).headers


def test_a_method_that_nginx_refuses_is_405(client, stack):
    answer = client.request("TRACE", f"{stack.url}/v2")
    assert_one_shape(answer, 405, "method_not_allowed", "application/json")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_too_many_requests_for_tokens_are_429_with_retry_after(stack):
    answers = [requests.post(f"{stack.url}/oauth/token", timeout=5) for _ in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["Retry-After"] == "1"
    assert_one_shape(refused[0], 429, "too_many_requests", "application/problem+json")
    body = refused[0].json()
    assert (body["error"], body["error_description"]) == ("too_many_requests", body["detail"])


def test_an_error_of_a_replica_passes_untouched(client, stack):
    answer = client.post(f"{stack.url}/v1/models/steady:predict", json={"instances": "no rows"})
    assert answer.status_code == 400
    assert answer.json()["code"] not in {"", "not_found"}
    assert answer.headers["X-Replica"].startswith("replica-")


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_never_hangs(stack, name):
    began = time.monotonic()
    received = exchange(stack, MALFORMED[name])
    assert time.monotonic() - began < 14
    status = int(received.split(b" ", 2)[1]) if received else 400
    assert status < 500
    if status == 400 and b"\r\n\r\n" in received:
        assert json.loads(received.partition(b"\r\n\r\n")[2]).keys() >= MEMBERS


def test_a_harmless_request_id_is_kept_and_forwarded(client, stack):
    answer = client.post(f"{stack.url}/v1/models/none:predict", data="{}", headers={"X-Request-ID": "my-id.1"})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "my-id.1"


@pytest.mark.parametrize("sent", ["two words", "x" * 65, "a<b", '"', "ä".encode().decode("latin-1")])
def test_any_other_request_id_is_replaced(client, stack, sent):
    answer = client.get(f"{stack.url}/ping", headers={"X-Request-ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_the_access_log_has_a_json_object_for_each_request(client, stack):
    client.post(
        f"{stack.url}/v1/models/steady:predict?secret=s3cr3t",
        json={"instances": [[0, 0]]},
        headers={"X-Request-ID": "logged", "traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01"},
    )
    time.sleep(0.3)
    (line,) = [line for line in stack.access_log() if line["http.request.id"] == "logged"]
    assert line["labels"]["model"] == "steady"
    assert line["http.response.status_code"] == 200
    assert line["trace.id"] == "a1" * 16
    assert line["event.duration"] >= 0
    assert line["service.node.name"].startswith("replica-")
    assert "s3cr3t" not in (stack.var / "log" / "nginx.access.log").read_text()


@pytest.mark.parametrize("method", ["A", "X" * 21, "X" * 200])
def test_a_method_that_gunicorn_would_not_read_is_refused_in_the_one_shape(stack, method):
    answer = requests.request(method, f"{stack.url}/v1/models", timeout=10)
    assert answer.status_code == 405
    assert answer.json().keys() >= MEMBERS
