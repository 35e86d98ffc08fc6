"""Heads that two readers could understand differently are refused; the others say what gunicorn's own parser says."""

import io
import random

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from model_store.request_errors import MalformedRequest, PayloadTooLarge, RequestError
from service.errors import HeadersTooLarge, UriTooLong
from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.limits import Limits
from tests.service.gunicorn_worker.damage import head, mutated

SERVER = "/run/millrace/service-0.sock"
SCHEMES = (
    ("HTTP_X_FORWARDED_PROTOCOL", "ssl"),
    ("HTTP_X_FORWARDED_PROTO", "https"),
    ("HTTP_X_FORWARDED_SSL", "on"),
)
OWN = ("wsgi.input", "wsgi.errors", "wsgi.early_hints", "gunicorn.socket")


def configuration():
    config = Config()
    for name, value in {"header_map": "refuse", "forwarded_allow_ips": "*", "http_parser": "python"}.items():
        config.set(name, value)
    return config


CONFIG = configuration()
BASE = {**wsgi.base_environ(CONFIG), "SERVER_NAME": SERVER, "SCRIPT_NAME": "", "REMOTE_ADDR": ""}


def heads(**limits):
    return Heads(Limits(**limits), {}, SCHEMES)


def read(*fields, **options):
    return heads().read(head(*fields, **options), BASE)


def of_gunicorn(written):
    """Give the environment that gunicorn's own workers make of a head on a unix socket, or None if they refuse it."""
    try:
        request = Request(CONFIG, IterUnreader(iter([written + b"\r\n\r\n"])), "")
        _, environ = wsgi.create(request, io.BytesIO(), "", SERVER, CONFIG)
    except Exception:  # noqa: BLE001 - its refusals have no common type
        return None
    return {key: value for key, value in environ.items() if key not in OWN}


def test_a_head_of_nginx_becomes_the_environment_of_gunicorn():
    written = head(
        "X-Request-ID: 0123456789abcdef",
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: https",
        "Content-Length: 40",
        "Content-Type: application/json",
        "Accept: a",
        "accept: b",
        "Authorization:  Bearer abc\t",
        "X-Empty:",
        line="POST /v1/models/a%20b%C3%A9:predict?x=1&y=%20#part HTTP/1.1",
    )
    given = heads().read(written, BASE)
    environ = {key: value for key, value in given.environ.items() if key not in OWN}
    assert environ == of_gunicorn(written)
    assert (given.length, given.keep_alive, given.continues) == (40, True, False)
    assert environ["PATH_INFO"] == "/v1/models/a b\u00c3\u00a9:predict"
    assert environ["HTTP_ACCEPT"] == "a,b"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("millrace.example", "443")


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        (["Content-Length: 4", "Content-Length: 4"], {}, "CONTENT-LENGTH is there twice"),
        (["Content-Length: 4, 4"], {}, "expected a whole number"),
        (["Content-Length: +4"], {}, "expected a whole number"),
        (["Content-Length: \xb2"], {}, "expected a whole number"),
        (["Content-Length:"], {}, "expected a whole number"),
        (["Content-Length: 4", "Transfer-Encoding: chunked"], {}, "Transfer-Encoding"),
        (["Transfer-Encoding: chunked"], {}, "Transfer-Encoding"),
        (["transfer-encoding: identity"], {}, "Transfer-Encoding"),
        (["Transfer-Encoding : chunked"], {}, "no proper name"),
        (["X-Long: a", " folded"], {}, "no colon"),
        (["X-Long: a", " folded: b"], {}, "no proper name"),
        (["X_Request_ID: a"], {}, "no proper name"),
        (["X-A: a\nX-B: b"], {}, "control character"),
        (["X-A: a\rX-B: b"], {}, "control character"),
        (["X-A: a\0"], {}, "control character"),
        (["X-A: a\x7f"], {}, "control character"),
        ([": a"], {}, "no proper name"),
        (["X-\xe4: a"], {}, "no proper name"),
        (["nothing"], {}, "no colon"),
        ([], {"host": None}, "Host is missing"),
        (["host: other"], {}, "HOST is there twice"),
        ([], {"host": "Host: a/b"}, "Host is 'a/b'"),
        ([], {"host": "Host: a@b"}, "Host is 'a@b'"),
        (["Content-Type: a", "Content-Type: b"], {}, "CONTENT-TYPE is there twice"),
        (["Connection: close", "Connection: keep-alive"], {}, "CONNECTION is there twice"),
        (["Expect: 200-ok"], {}, "expected 100-continue"),
        (["X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"], {}, "disagree about the scheme"),
        (["X-Forwarded-Proto: https", "X-Forwarded-Proto: https"], {}, "is there twice"),
        ([], {"line": "POST /v1  HTTP/1.1"}, "expected a method, an address and a version"),
        ([], {"line": "POST /v1"}, "expected a method, an address and a version"),
        ([], {"line": "POST\t/v1 HTTP/1.1"}, "expected a method, an address and a version"),
        ([], {"line": " POST /v1 HTTP/1.1"}, "expected a method, an address and a version"),
        ([], {"line": "post /v1 HTTP/1.1"}, "expected 3 to 20 capital letters"),
        ([], {"line": "P( /v1 HTTP/1.1"}, "expected 3 to 20 capital letters"),
        ([], {"line": "GET v1 HTTP/1.1"}, "expected / and printable ASCII"),
        ([], {"line": "GET http://a/v1 HTTP/1.1"}, "expected / and printable ASCII"),
        ([], {"line": "GET * HTTP/1.1"}, "expected / and printable ASCII"),
        ([], {"line": "CONNECT a:80 HTTP/1.1"}, "expected / and printable ASCII"),
        ([], {"line": "GET /\xe4 HTTP/1.1"}, "expected / and printable ASCII"),
        ([], {"line": "GET /v1 HTTP/2.0"}, "expected HTTP/1.1 or HTTP/1.0"),
        ([], {"line": "GET /v1 HTTP/1.11"}, "expected HTTP/1.1 or HTTP/1.0"),
        ([], {"line": "GET /v1 http/1.1"}, "expected HTTP/1.1 or HTTP/1.0"),
        ([], {"line": ""}, "expected a method, an address and a version"),
    ],
)
def test_what_is_ambiguous_is_refused(fields, options, words):
    with pytest.raises(MalformedRequest) as raised:
        read(*fields, **options)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("limits", "options", "error"),
    [
        ({"line": 40}, {"line": f"GET /{'x' * 27} HTTP/1.1"}, UriTooLong),
        ({"field": 30}, {"host": f"Host: {'x' * 23}"}, HeadersTooLarge),
        ({"fields": 0}, {}, HeadersTooLarge),
        ({"body": 9}, {"host": "Host: a\r\nContent-Length: 10"}, PayloadTooLarge),
        ({"body": 9}, {"host": f"Host: a\r\nContent-Length: {'9' * 5000}"}, PayloadTooLarge),
    ],
)
def test_what_is_larger_than_its_bound_is_refused(limits, options, error):
    with pytest.raises(error):
        heads(**limits).read(head(**options), BASE)


def test_what_is_as_large_as_its_bound_is_taken():
    limits = {"line": 40, "field": 30, "fields": 2, "body": 10}
    written = head("Content-Length: 10", line=f"GET /{'x' * 26} HTTP/1.1", host=f"Host: {'x' * 22}")
    assert heads(**limits).read(written, BASE).length == 10


def test_no_bound_of_the_request_line_is_zero():
    assert heads(line=0).read(head(line=f"GET /{'x' * 9000} HTTP/1.1"), BASE).length == 0


@pytest.mark.parametrize(
    ("fields", "line", "kept"),
    [
        ([], "GET / HTTP/1.1", True),
        (["Connection: keep-alive"], "GET / HTTP/1.1", True),
        (["Connection: Close"], "GET / HTTP/1.1", False),
        (["Connection: TE, close"], "GET / HTTP/1.1", False),
        ([], "GET / HTTP/1.0", False),
        (["Connection: keep-alive"], "GET / HTTP/1.0", False),
    ],
)
def test_the_connection_stays_if_both_sides_know_that_it_does(fields, line, kept):
    assert read(*fields, line=line).keep_alive is kept


def test_a_caller_that_waits_for_continue_is_seen_but_not_in_http_1_0():
    assert read("Expect: 100-Continue", "Content-Length: 4").continues
    assert not read("Expect: 100-continue", "Content-Length: 4", line="POST / HTTP/1.0").continues


def test_an_address_that_callers_write_names_the_server():
    own = heads().read(head(), {"SERVER_NAME": "10.0.0.1", "SERVER_PORT": "8000"})
    assert (own.environ["SERVER_NAME"], own.environ["SERVER_PORT"]) == ("10.0.0.1", "8000")


def test_whatever_is_taken_is_what_gunicorn_understands():
    chance, taken, refused = random.Random(7), 0, 0
    for _ in range(20_000):
        written = mutated(chance)
        if b"\r\n\r\n" in written:
            continue
        try:
            given = heads().read(written, BASE)
        except RequestError:
            refused += 1
            continue
        taken += 1
        environ = {key: value for key, value in given.environ.items() if key not in OWN}
        assert environ == of_gunicorn(written), written
    assert taken > 2000
    assert refused > 2000
