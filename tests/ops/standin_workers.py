"""Workers to stand behind a real Nginx in tests: each on a socket of its own, answering with its own name."""

import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

TOLD = 'iris 3 stable ok 5 client:"a b"'
"""What each answer tells Nginx for its log: model, version, channel, code, rows and caller."""


class Worker:
    """One worker at ``unix:/path`` or ``address:port``.

    It remembers its connections and requests, can be held up and can be killed.
    """

    def __init__(self, address):
        self.path = address.removeprefix("unix:") if address.startswith("unix:") else None
        self.name = Path(self.path).stem if self.path else address
        self.connections = []
        self.requests = []
        self.free = threading.Event()
        self.free.set()
        self.dies_when_asked = False
        self.lacks_the_model = False
        self._server = None

    def start(self):
        if self.path:
            Path(self.path).unlink(missing_ok=True)
            self._server = _UnixServer(self.path, _handler(self))
        else:
            host, port = self.name.split(":")
            self._server = _TcpServer((host, int(port)), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def kill(self):
        """Leave as a killed process leaves: all connections break, the socket's file stays and refuses."""
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Threads(socketserver.ThreadingMixIn):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = True

    def handle_error(self, _request, _address):
        """A connection that breaks is part of the tests."""


class _UnixServer(_Threads, socketserver.UnixStreamServer):
    pass


class _TcpServer(_Threads, socketserver.TCPServer):
    pass


def _handler(worker):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # an answer is one write: a kill never cuts it in two

        def setup(self):
            super().setup()
            worker.connections.append(self.connection)

        def address_string(self):
            return ""

        def log_message(self, *_arguments):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            worker.requests.append((self.path, len(body)))
            if worker.dies_when_asked:
                worker.kill()
                return
            worker.free.wait(20)
            answer = json.dumps({"worker": worker.name, "path": self.path, "length": len(body)}).encode()
            self.send_response(404 if worker.lacks_the_model else 200)
            if worker.lacks_the_model:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("X-Replica", worker.name)
            self.send_header("X-Log", TOLD)
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self):
            self.do_POST()

    return Handler
