"""What the tests' gunicorn serves, with either worker class. A path says what happens."""

import json
import math
import os
import select
import time
from http import HTTPStatus
from pathlib import Path

HIDDEN = ("wsgi.errors", "wsgi.input", "wsgi.file_wrapper", "wsgi.early_hints", "gunicorn.socket")


class Application:
    """Answers with what it saw. ``answer`` is the loop's, ``__call__`` is gunicorn's own workers'."""

    def __init__(self):
        self.later = {}
        self.dropped = 0
        self.nothing = select.epoll()

    def answer(self, environs, gone):
        for place in reversed(range(len(environs))):
            if gone(place):
                continue
            if environs[place]["PATH_INFO"] == "/later":
                yield place, self.put_off(environs[place])
            elif environs[place]["PATH_INFO"] == "/put-off":
                yield place, (200, [], json.dumps([len(self.later), self.dropped]).encode())
            else:
                yield place, _answer(environs[place], len(environs))

    def put_off(self, environ):
        later = object()
        self.later[later] = time.monotonic() + float(environ["QUERY_STRING"]), environ
        return later

    def finished(self):
        for later, (due, environ) in list(self.later.items()):
            if due <= time.monotonic():
                del self.later[later]
                yield later, _answer(environ, 1)

    def drop(self, later):
        del self.later[later]
        self.dropped += 1

    def fileno(self):
        return self.nothing.fileno()

    def due(self):
        return min((due for due, _ in self.later.values()), default=math.inf)

    def __call__(self, environ, start_response):
        status, headers, body = _answer(environ, 1)
        start_response(f"{status} {HTTPStatus(status).phrase}", [*headers, ("Content-Length", str(len(body)))])
        return [body]


def _answer(environ, together):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    body = environ["wsgi.input"].read()
    if path == "/sleep":
        time.sleep(float(query))
    elif path == "/large":
        return 200, [("Content-Type", "text/plain")], b"x" * int(query)
    elif path == "/status":
        return int(query), [], b"" if query == "204" else b"said"
    elif path == "/split":
        return 200, [("X-Bad", "a\r\nX-Injected: b")], b"said"
    elif path == "/fails":
        raise ValueError(path)
    elif path == "/count":
        with Path(query).open("a") as seen:
            seen.write("x")
    shown = {
        "pid": os.getpid(),
        "together": together,
        "length": len(body),
        "sum": sum(body),
        "environ": {key: value for key, value in environ.items() if key not in HIDDEN},
        "kept": sorted(key for key in HIDDEN if key in environ),
    }
    return 200, [("Content-Type", "application/json")], json.dumps(shown).encode()


application = Application()
