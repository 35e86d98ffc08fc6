"""A real gunicorn with the loop's worker serves HTTP as gunicorn's own worker does, and refuses what it must."""

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.service.gunicorn_worker.damage import mutated
from tests.service.gunicorn_worker.servers import eventually, request

REQUESTS = [
    request("/"),
    request("//double//slash?"),
    request("/a%20b/%C3%A9/%2F?x=%20&y#part"),
    request("/v1", b"body", method="POST"),
    request("/v1", b"b" * 100_000, "Content-Type: application/json", method="PUT"),
    request("/v1", b"", "Content-Length: 0", method="DELETE"),
    request("/", b"", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9"),
    request("/", b"", "Accept: a", "ACCEPT:b", "X-Empty:", "Authorization:\t Bearer a b \t"),
    request("/", b"", "Connection: close"),
    request("/", version="HTTP/1.0"),
    b"GET /bare HTTP/1.0\r\n\r\n",
    b"GET /port HTTP/1.1\r\nHost: a.example:8443\r\nX-Forwarded-Ssl: on\r\n\r\n",
    b"GET /six HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("port", [None, 18181])
def test_the_application_sees_what_it_sees_of_the_sync_worker(serve, port):
    loop, sync = serve(port=port), serve("sync", port=port and port + 1)
    for sent in REQUESTS:
        seen, expected = loop.exchange(sent).json, sync.exchange(sent).json
        assert (seen["length"], seen["sum"]) == (expected["length"], expected["sum"])
        for environ in (seen["environ"], expected["environ"]):
            environ.pop("REMOTE_PORT", None)
        if port:
            expected["environ"]["SERVER_PORT"] = str(port)
        if b"Host" not in sent and not port:
            expected["environ"]["SERVER_NAME"] = loop.address().removeprefix("unix:")
        assert seen["environ"] == expected["environ"]
        assert set(expected["kept"]) - set(seen["kept"]) == {"gunicorn.socket", "wsgi.early_hints"}


def test_a_connection_is_kept(server):
    with server.connect() as connection:
        for number in range(100):
            connection.send(request(f"/{number}"))
            answer = connection.answer()
            assert (answer.status, answer.closes) == (200, False)
            assert answer.json["environ"]["RAW_URI"] == f"/{number}"


def test_requests_that_come_together_on_one_connection_are_answered_in_their_order(server):
    with server.connect() as connection:
        connection.send(b"".join(request(f"/{number}", b"x" * number, method="POST") for number in range(50)))
        assert [connection.answer().json["length"] for _ in range(50)] == list(range(50))


def test_they_are_so_too_if_more_comes_before_the_first_is_answered(server):
    sent = [request(f"/{number}", b"x" * 1000, method="POST") for number in range(2000)]
    with server.connect() as connection:
        sending = threading.Thread(target=connection.send, args=(b"".join(sent),))
        sending.start()
        seen = [connection.answer().json["environ"]["RAW_URI"] for _ in sent]
        sending.join()
    assert seen == [f"/{number}" for number in range(2000)]


def test_requests_of_several_connections_that_arrived_meanwhile_are_answered_together(server):
    first, others = server.connect(), [server.connect() for _ in range(20)]
    first.send(request("/sleep?0.5"))
    time.sleep(0.1)
    for connection in others:
        connection.send(request("/"))
    assert first.answer().json["together"] == 1
    assert {connection.answer().json["together"] for connection in others} == {20}
    for connection in (first, *others):
        connection.close()


def test_a_request_may_arrive_in_pieces_while_others_are_answered(server):
    sent = request("/slowly", b"b" * 1000, method="POST")
    with server.connect() as connection:
        for at in range(0, len(sent), 100):
            connection.send(sent[at : at + 100])
            assert server.get().status == 200
        assert connection.answer().json["length"] == 1000


def test_a_large_answer_reaches_a_reader_that_is_slower(server):
    with server.connect() as slow:
        slow.send(request("/large?20000000") + request("/after"))
        time.sleep(0.2)
        assert server.get().status == 200
        answer = slow.answer()
        assert (len(answer.body), set(answer.body)) == (20_000_000, {ord("x")})
        assert slow.answer().json["environ"]["RAW_URI"] == "/after"


def test_a_large_body_is_whole(server):
    body = bytes(range(256)) * 40_000
    assert server.exchange(request("/", body, method="POST")).json["sum"] == sum(body)


def test_a_caller_that_waits_for_continue_gets_it_once(server):
    with server.connect() as connection:
        connection.send(request("/", b"body", "Expect: 100-continue", method="POST")[:-4])
        assert connection.stream.read(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(b"body")
        assert connection.answer().json["length"] == 4


def test_head_gets_the_head_of_get(server):
    with server.connect() as connection:
        connection.send(request("/large?500", method="HEAD") + request("/after"))
        answer = connection.answer("HEAD")
        assert (answer.headers["Content-Length"], answer.body) == ("500", b"")
        assert connection.answer().json["environ"]["RAW_URI"] == "/after"


def test_http_1_0_is_answered_and_closed(server):
    with server.connect() as connection:
        connection.send(request("/", version="HTTP/1.0"))
        assert connection.answer().closes
        assert connection.rest() == b""


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"nonsense\r\n\r\n", 400, "malformed_request"),
        (request("/", b"", "Content-Length: 1", "Transfer-Encoding: chunked"), 400, "malformed_request"),
        (request(f"/{'x' * 9000}"), 414, "uri_too_long"),
        (request("/", b"", f"X-Long: {'x' * 17_000}"), 431, "headers_too_large"),
        (request("/", b"", *[f"X-{number}: x" for number in range(1001)]), 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, 431, "headers_too_large"),
        (request("/", b"", f"Content-Length: {2**25 + 1}") + b"x" * 100_000, 413, "payload_too_large"),
    ],
)
def test_what_is_refused_gets_the_one_shape_and_a_closed_connection(server, sent, status, code):
    with server.connect() as connection:
        connection.send(sent)
        answer = connection.answer()
        assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.closes
        connection.connection.shutdown(socket.SHUT_WR)
        assert connection.rest() == b""
    assert server.get().status == 200


def test_what_follows_a_refused_request_is_never_answered(server, tmp_path):
    seen = tmp_path / "seen"
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nA b: c\r\n\r\n" + request(f"/count?{seen}"))
        assert connection.answer().status == 400
        assert connection.rest() == b""
    assert not seen.exists()


def test_a_failure_of_the_application_is_one_answer_and_no_more(server):
    for path in ("/fails", "/split"):
        answer = server.get(path)
        assert (answer.status, answer.json["code"]) == (500, "internal_error")
        assert "X-Injected" not in answer.headers
    assert server.get("/status?204").body == b""
    assert server.get().status == 200


def test_callers_that_hang_up_at_any_time_end_nothing(server):
    pid = server.get().json["pid"]
    for sent in (b"", b"GET /", request("/"), request("/large?20000000"), request("/", b"x" * 10, method="POST")[:-1]):
        for _ in range(20):
            with server.connect() as connection:
                connection.send(sent)
    assert server.get().json["pid"] == pid


def test_a_caller_that_has_hung_up_costs_no_answer(server, tmp_path):
    seen = tmp_path / "seen"
    with server.connect() as busy:
        busy.send(request("/sleep?0.5"))
        time.sleep(0.1)
        for _ in range(5):
            with server.connect() as connection:
                connection.send(request(f"/count?{seen}"))
        with server.connect() as stays:
            stays.send(request(f"/count?{seen}"))
            assert stays.answer().status == 200
        assert busy.answer().status == 200
    assert seen.read_text() == "x"


def test_a_request_that_does_not_arrive_in_time_is_refused_and_one_that_does_is_not(serve):
    server = serve(timeout=1)
    with server.connect() as late, server.connect() as unused:
        late.send(request("/", b"body", method="POST")[:-1])
        answer = late.answer()
        assert (answer.status, answer.json["code"], answer.closes) == (408, "request_timeout", True)
        unused.send(request("/"))
        assert unused.answer().status == 200


def test_a_connection_without_requests_is_closed_after_its_time(serve):
    server = serve(keepalive=1)
    with server.connect() as connection:
        connection.send(request("/"))
        assert not connection.answer().closes
        assert connection.rest() == b""


def test_more_connections_than_may_be_wait_for_their_turn(serve):
    server = serve(connections=3)
    kept = [server.connect() for _ in range(3)]
    waiting = server.connect()
    waiting.send(request("/waited"))
    for connection in kept:
        connection.send(request("/kept"))
        assert connection.answer().status == 200
        connection.close()
    assert waiting.answer().json["environ"]["RAW_URI"] == "/waited"
    waiting.close()


def test_out_of_descriptors_it_neither_ends_nor_spins_and_serves_on_when_there_are_some(serve):
    server = serve(files=64)
    pid = server.get().json["pid"]
    held = [server.connect() for _ in range(80)]
    eventually(lambda: "no connection can be accepted" in server.log.read_text())
    before = processor_seconds(pid)
    time.sleep(1.5)
    assert processor_seconds(pid) - before < 0.5
    for connection in held:
        connection.close()
    assert server.get().json["pid"] == pid


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_damaged_requests_get_whole_answers_or_none_and_end_nothing(server):
    chance, pid, statuses = random.Random(11), server.pid(), Counter()
    last = request("/last", b"", "Connection: close")
    for _ in range(1500):
        sent = mutated(chance) + b"\r\n\r\n" + chance.choice([b"", b"bod", b"body", b"body\r\n\r\n"]) + last
        cut = chance.randrange(len(sent))
        with server.connect(seconds=0.1) as connection, contextlib.suppress(OSError):
            connection.send(sent[:cut])
            connection.send(sent[cut:])
            while connection.stream.peek(1):
                answer = connection.answer()
                statuses[answer.status] += 1
                assert answer.status == 200 or answer.closes
    assert server.pid() == pid
    assert set(statuses) == {200, 400}
    assert min(statuses.values()) > 300


def test_many_callers_at_once_each_get_their_own_answer(serve):
    server, wrong = serve(workers=2), []

    def call(number):
        with server.connect(number % 2) as connection:
            for turn in range(50):
                target = f"/{number}/{turn}"
                connection.send(request(target, b"x" * number, method="POST"))
                seen = connection.answer().json
                if (seen["environ"]["RAW_URI"], seen["length"]) != (target, number):
                    wrong.append(seen)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
