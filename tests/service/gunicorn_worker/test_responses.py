"""Answers have exactly one length, and no header of the application's can change where they end."""

import pytest

from service.gunicorn_worker.responses import BadResponse, refused, written


def test_an_answer_is_framed_by_the_length_of_its_body():
    head, body = written((200, [("Content-Type", "a"), ("X-B", "\xe9")], b"four"), method="POST", close=False)
    assert head == b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nX-B: \xe9\r\nContent-Length: 4\r\n\r\n"
    assert body == b"four"


def test_the_last_answer_of_a_connection_says_so():
    head, _ = written((404, [], b""), method="GET", close=True)
    assert head == b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("name", ["Content-Length", "content-LENGTH", "Connection", "Transfer-Encoding", "Keep-Alive"])
def test_what_frames_an_answer_is_not_the_applications(name):
    head, body = written((200, [(name, "99")], b"four"), method="GET", close=False)
    assert head == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert body == b"four"


def test_an_answer_to_head_has_the_length_that_get_would_have_and_no_body():
    assert written((200, [("Content-Length", "99")], b""), method="HEAD", close=False) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
        b"",
    )
    assert written((200, [("Content-Length", "99")], b"four"), method="HEAD", close=False) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
        b"",
    )


def test_an_answer_without_content_has_no_body():
    assert written((204, [], b"four"), method="GET", close=False) == (b"HTTP/1.1 204 No Content\r\n\r\n", b"")
    assert written((304, [], b"four"), method="GET", close=False)[1] == b""


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\rb", "a\0b", "\u20ac"])
def test_a_header_that_would_break_the_framing_is_refused(value):
    with pytest.raises(BadResponse):
        written((200, [("X-A", value)], b""), method="GET", close=False)
    with pytest.raises(BadResponse):
        written((200, [(value, "a")], b""), method="GET", close=False)


def test_a_status_that_is_none_is_refused():
    with pytest.raises(BadResponse):
        written((299, [], b""), method="GET", close=False)


def test_what_goes_wrong_here_has_the_shape_of_all_errors():
    status, headers, body = refused(RuntimeError("secret"), "an-id")
    assert status == 500
    assert dict(headers) == {"Content-Type": "application/problem+json", "X-Request-ID": "an-id"}
    assert b'"code":"internal_error"' in body
    assert b'"request_id":"an-id"' in body
    assert b"secret" not in body
