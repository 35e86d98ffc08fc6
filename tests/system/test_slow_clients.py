"""Clients that stall hold a connection to Nginx, and nothing behind it."""

import contextlib
import socket
import time

import pytest

STALLED = {
    "in the head": b"POST /v1/models/steady:predict HTTP/1.1\r\nHost: a\r\nX-",
    "in the body": b"POST /v1/models/steady:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
    "before a chunk": b"POST /v1/models/steady:predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("where", STALLED)
def test_stalled_connections_keep_no_other_client_waiting(stack, load, where):
    connections = [socket.create_connection(("127.0.0.1", stack.port), timeout=20) for _ in range(150)]
    try:
        for connection in connections:
            connection.sendall(STALLED[where])
        with load(clients=2) as clients:
            time.sleep(2)
    finally:
        for connection in connections:
            connection.close()
    assert len(clients.seen) > 20
    assert not clients.failed, clients.failed[:3]


def test_a_client_that_does_not_read_keeps_no_worker(stack, load):
    large = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", stack.port), timeout=20) for _ in range(12)]
    try:
        for connection in connections:
            connection.sendall(large)
            connection.recv(1)
        with load(clients=2) as clients:
            time.sleep(2)
    finally:
        for connection in connections:
            connection.close()
    assert len(clients.seen) > 20
    assert not clients.failed, clients.failed[:3]


def test_a_stalled_head_is_cut_off(stack):
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
        connection.sendall(STALLED["in the head"])
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
