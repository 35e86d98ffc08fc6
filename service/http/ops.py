"""The management port of a replica: /livez, /readyz and /metrics, served by a thread of gunicorn's master.

It never predicts and shares nothing with requests, so a probe or a scrape never waits behind a prediction. Nginx has
no way to it.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from service.runtime.readiness import Readiness

_LOG = logging.getLogger(__name__)

Page = tuple[HTTPStatus, str, bytes]
"""Status, media type and body."""

_SLOWEST_CLIENT = 5.0
"""Seconds that a client may be silent."""

_LONGEST_QUIET = 2.0
"""Seconds that a fork waits for a page."""


def pages(
    *, alive: Callable[[], int], ready: Callable[[], Readiness], metrics: Callable[[], tuple[bytes, str]]
) -> Mapping[str, Callable[[], Page]]:
    """Make the pages by path: ``alive`` tells how many workers there are, ``metrics`` the exposition and its type."""

    def livez() -> Page:
        workers = alive()
        return _json(HTTPStatus.OK if workers else HTTPStatus.SERVICE_UNAVAILABLE, {"workers": workers})

    def readyz() -> Page:
        readiness = ready()
        return _json(HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE, asdict(readiness))

    def exposition() -> Page:
        body, media_type = metrics()
        return HTTPStatus.OK, media_type, body

    return {"/livez": livez, "/readyz": readyz, "/metrics": exposition}


def serve(bind: str, shown: Mapping[str, Callable[[], Page]]) -> ThreadingHTTPServer:
    """Serve the pages at ``address:port`` from a thread, until the process ends; OSError where the port is taken."""
    host, _, port = bind.rpartition(":")

    class Handler(BaseHTTPRequestHandler):
        """Answers GET from the pages."""

        timeout = _SLOWEST_CLIENT
        server_version = "millrace"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer one probe or scrape."""
            with quiet.answering:
                status, media_type, body = _page(shown, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing: a probe a second is no news."""

    server = _Server((host.strip("[]"), int(port)), Handler)
    quiet = _Quiet()
    os.register_at_fork(before=quiet.begin, after_in_parent=quiet.end, after_in_child=quiet.end)
    Thread(target=server.serve_forever, name="management", daemon=True).start()
    return server


class _Quiet:
    """Keeps pages and forks apart: a lock that a page holds while the master forks would stay held in the worker."""

    def __init__(self) -> None:
        self.answering = Lock()
        self._held = False

    def begin(self) -> None:
        """Wait until no page is being made; not for long, because a worker is missing."""
        self._held = self.answering.acquire(timeout=_LONGEST_QUIET)

    def end(self) -> None:
        """Let pages be made again."""
        if self._held:
            self.answering.release()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Tell the log at most: a client that goes away is no error."""
        _LOG.debug("a client of the management port failed", exc_info=True)


def _page(shown: Mapping[str, Callable[[], Page]], path: str) -> Page:
    if path not in shown:
        return _json(HTTPStatus.NOT_FOUND, {"error": f"Here are {', '.join(shown)}"})
    try:
        return shown[path]()
    except Exception:  # noqa: BLE001 - a page that fails must not end the thread
        _LOG.exception("the page %s failed", path)
        return _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "The page failed; the log has the reason"})


def _json(status: HTTPStatus, body: Mapping[str, Any]) -> Page:
    return status, "application/json", json.dumps(body).encode() + b"\n"
