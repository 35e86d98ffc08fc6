"""At every moment an address takes a connection or refuses it, and a connection a request."""

import socket

import pytest

from service.gunicorn_worker.connection import Connection, State
from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.limits import Limits
from service.gunicorn_worker.listener import Listener
from tests.service.gunicorn_worker.servers import request


def listen(path):
    return Listener(f"unix:{path}", backlog=8, umask=0o077)


def connect(path):
    caller = socket.socket(socket.AF_UNIX)
    caller.settimeout(5)
    caller.connect(str(path))
    return caller


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sock"


@pytest.fixture
def pair():
    """A connection, and the caller's end of it."""
    caller, accepted = socket.socketpair()
    connection = Connection(accepted, Heads(Limits(), {}), {"REMOTE_ADDR": ""})
    yield connection, caller
    connection.close()
    caller.close()


def test_a_socket_that_a_dead_worker_left_is_replaced(path):
    abandoned = socket.socket(socket.AF_UNIX)
    abandoned.bind(str(path))
    abandoned.close()
    listener = listen(path)
    connect(path).close()
    assert path.stat().st_mode & 0o777 == 0o700
    listener.close()
    assert not path.exists()


def test_a_file_that_is_no_socket_is_not_replaced(path):
    path.write_text("precious")
    with pytest.raises(OSError, match="is not a socket"):
        listen(path)
    assert path.read_text() == "precious"


def test_a_successor_takes_the_address_over_and_keeps_it(path):
    first, caller = listen(path), None
    second = listen(path)
    with connect(path):
        assert first.accept() is None
        caller = second.accept()
        assert caller is not None
        caller[0].close()
    first.refuse()
    first.close()
    connect(path).close()
    second.close()


def test_one_that_refuses_still_accepts_whoever_came_before(path):
    listener = listen(path)
    waiting = connect(path)
    listener.refuse()
    with pytest.raises(FileNotFoundError):
        connect(path)
    accepted, addresses = listener.accept()
    assert addresses == {"REMOTE_ADDR": "", "SERVER_NAME": str(path)}
    assert listener.accept() is None
    for opened in (accepted, waiting, listener):
        opened.close()


def test_a_port_that_is_in_use_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        Listener(f"127.0.0.1:{other.getsockname()[1]}", backlog=8, umask=0)


def test_a_request_that_comes_at_the_last_moment_is_taken(pair):
    connection, caller = pair
    caller.sendall(request("/last"))
    assert connection.last_look().environ["RAW_URI"] == "/last"
    connection.send(b"HTTP/1.1 200 OK\r\n\r\n", b"", close=True)
    assert caller.recv(100) == b"HTTP/1.1 200 OK\r\n\r\n"
    assert caller.recv(1) == b""


def test_after_the_last_moment_no_request_can_be_sent(pair):
    connection, caller = pair
    assert connection.last_look() is None
    assert connection.state is State.CLOSED
    with pytest.raises(BrokenPipeError):
        caller.sendall(request("/late"))


def test_looking_whether_a_caller_has_gone_takes_nothing_of_what_it_sent(pair):
    connection, caller = pair
    assert not connection.gone()
    caller.sendall(request("/"))
    assert not connection.gone()
    assert connection.receive() is not None
    assert not connection.gone()
    caller.close()
    assert connection.gone()


def test_nothing_is_taken_of_a_second_request_before_the_first_is_answered(pair):
    connection, caller = pair
    caller.sendall(request("/first"))
    assert connection.receive() is not None
    caller.sendall(request("/second"))
    assert connection.receive() is None
    connection.send(b"answer", b"", close=False)
    assert connection.receive().environ["RAW_URI"] == "/second"


def test_an_answer_that_is_taken_in_pieces_is_whole(pair):
    connection, caller = pair
    caller.sendall(request("/"))
    connection.receive()
    connection.send(b"head", b"x" * 3_000_000, close=False)
    assert connection.state is State.SENDING
    got = b""
    while len(got) < 3_000_004:
        got += caller.recv(100_000)
        if connection.state is State.SENDING:
            connection.flush()
    assert got == b"head" + b"x" * 3_000_000
    assert connection.idle


def test_an_answer_to_a_caller_that_is_gone_closes_and_raises_nothing(pair):
    connection, caller = pair
    caller.sendall(request("/"))
    connection.receive()
    caller.close()
    connection.send(b"head", b"body", close=False)
    assert connection.state is State.CLOSED
