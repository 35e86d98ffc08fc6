"""Requests come out whole, however they arrive, and nothing is kept beyond its bound."""

import io
import os

import pytest

from model_store.request_errors import MalformedRequest, PayloadTooLarge
from service.errors import HeadersTooLarge
from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.incoming import Incoming
from service.gunicorn_worker.limits import Limits
from tests.service.gunicorn_worker.servers import request


def incoming(**limits):
    return Incoming(Heads(Limits(**limits), {}), {"REMOTE_ADDR": ""})


def body(given):
    return given.environ["wsgi.input"].read()


def test_a_request_may_be_cut_anywhere():
    sent = request("/a", b"body of it", method="POST")
    for cut in range(1, len(sent)):
        connection = incoming()
        assert connection.take(sent[:cut]) is None
        assert connection.begun
        given = connection.take(sent[cut:])
        assert (given.environ["RAW_URI"], body(given)) == ("/a", b"body of it")
        assert not connection.begun


def test_a_request_may_come_byte_by_byte():
    connection, sent = incoming(), request("/a", b"body\r\n\r\n", method="POST")
    given = [connection.take(bytes([byte])) for byte in sent]
    assert given[:-1] == [None] * (len(sent) - 1)
    assert body(given[-1]) == b"body\r\n\r\n"


def test_requests_that_come_together_come_out_one_by_one():
    connection = incoming()
    sent = [request(f"/{number}", b"x" * number, method="POST") for number in range(5)]
    given = [connection.take(b"".join(sent)), *(connection.take() for _ in range(4))]
    assert [(one.environ["RAW_URI"], body(one)) for one in given] == [(f"/{n}", b"x" * n) for n in range(5)]
    assert connection.take() is None
    assert not connection.begun


@pytest.mark.parametrize("length", [1000, 1001])
def test_a_body_is_in_a_file_if_it_is_over_the_bound_of_memory(length):
    connection = incoming(in_memory=1000)
    sent = request("/", os.urandom(length), method="POST")
    half = len(sent) // 2
    assert connection.take(sent[:half]) is None
    given = connection.take(sent[half:])
    assert isinstance(given.environ["wsgi.input"], io.BytesIO) == (length == 1000)
    assert body(given) == sent[-length:]
    given.close()
    assert given.environ["wsgi.input"].closed


def test_the_file_of_a_large_body_has_no_name_that_could_be_left_behind():
    given = incoming(in_memory=10).take(request("/", b"x" * 100, method="POST"))
    assert os.fstat(given.environ["wsgi.input"].fileno()).st_nlink == 0


def test_a_body_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(PayloadTooLarge):
        incoming(body=100).take(request("/", b"x" * 101, method="POST")[:-101])


def test_a_head_without_an_end_is_refused_at_its_bound():
    connection = incoming(field=100)
    assert connection.take((b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 60)[:400]) is None
    with pytest.raises(HeadersTooLarge):
        connection.take(b"X")


def test_a_whole_head_is_refused_over_its_bound():
    with pytest.raises(HeadersTooLarge):
        incoming(field=100).take(request("/", b"", *["X-A: b"] * 60))


def test_an_empty_line_before_a_request_is_refused():
    with pytest.raises(MalformedRequest):
        incoming().take(b"\r\n" + request("/"))


def test_a_caller_waits_for_continue_from_its_head_to_the_first_byte_of_its_body():
    connection = incoming()
    sent = request("/", b"body", "Expect: 100-continue", method="POST")
    assert connection.take(sent[:20]) is None
    assert not connection.waits_for_continue
    connection.take(sent[20:-4])
    assert connection.waits_for_continue
    connection.take(sent[-4:-3])
    assert not connection.waits_for_continue
    assert body(connection.take(sent[-3:])) == b"body"
    assert not connection.waits_for_continue
