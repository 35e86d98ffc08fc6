"""The management port of a replica, served by a thread of gunicorn's master.

It never predicts and shares nothing with requests, so a probe or a scrape never waits behind a prediction. Nginx has
no way to it.
"""

import logging
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from service.management.pages import Page, json_page

_LOG = logging.getLogger(__name__)

_SLOWEST_CLIENT = 5.0
"""Seconds that a client may be silent."""

_LONGEST_QUIET = 2.0
"""Seconds that a fork waits for a page."""


def serve(bind: str, shown: Mapping[str, Callable[[], Page]]) -> ThreadingHTTPServer:
    """Serve the pages at ``address:port`` from a thread, until the process ends. Raises OSError for a port in use."""
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
        return json_page(HTTPStatus.NOT_FOUND, {"error": f"Here are {', '.join(shown)}"})
    try:
        return shown[path]()
    except Exception:  # noqa: BLE001 - a page that fails must not end the thread
        _LOG.exception("the page %s failed", path)
        return json_page(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "The page failed; the log has the reason"})
