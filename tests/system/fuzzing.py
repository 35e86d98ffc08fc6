"""Sends invented requests and judges the answers: what must hold of every one, whatever was asked.

FUZZ_FACTOR=10 in the environment sends ten times as many, and other ones each time.
"""

import http.client
import json
import os
import re
import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings

FACTOR = int(os.environ.get("FUZZ_FACTOR", "0"))
LONGEST_SECONDS = 12
"""Longer than Nginx waits for a prediction: whatever takes so long hangs."""
MEMBERS = {"error", "code", "title", "status", "detail", "request_id"}
ALSO = {"errors", "error_code", "message", "error_description"}
READINESS = {"name", "ready", "live", "model_version_status"}
LEFT_OUT = re.compile(
    # parts of the protocols that are left out on purpose: explanations, Triton's extensions that are not offered,
    # named repositories, and tensors in shared memory, which are asked for within an inference request
    r"(?i:/v1/.*:explain)|/v2/(?:.*/(?:setting|generate|generate_stream|infer_stream|infer)|logging"
    r"|(?:system|cuda)sharedmemory/.*|repository/[^/]+/(?:index|models/[^/]+/(?:load|unload)))"
)
NOT_READ = {"The request is not valid HTTP, or not on this port", "The request line is over the limit"}
"""What Nginx says before it has read the address, which tells the media type."""
FORMS = ("application/json", "application/problem+json")
CANONICAL = re.compile(r"/(?:[A-Za-z0-9_:.-]*[A-Za-z0-9_:-]/)*[A-Za-z0-9_:.-]*")
LEAKS = re.compile(rb"Traceback|File \"|site-packages")


@dataclass(frozen=True)
class Answer:
    method: str
    path: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    def __str__(self):
        return f"{self.method} {self.path[:200]} -> {self.status} {self.body[:500]!r} in {self.seconds:.1f} s"


class Caller:
    """One client on one connection."""

    def __init__(self, stack, headers=None):
        self._address = ("127.0.0.1", stack.port)
        self._headers = headers or {}
        self._connection = None
        self.sent = 0

    def send(self, method, path, body=b"", headers=None):
        self.sent += 1
        headers = {**self._headers, **(headers or {})}
        if self._connection is not None:
            try:
                return self._exchange(method, path, body, headers)
            except (http.client.BadStatusLine, ConnectionError):  # closed while it was idle
                self.close()
        self._connection = http.client.HTTPConnection(*self._address, timeout=LONGEST_SECONDS)
        try:
            return self._exchange(method, path, body, headers)
        except BaseException:
            self.close()
            raise

    def _exchange(self, method, path, body, headers):
        began = time.monotonic()
        self._connection.request(method, path, body or None, {name: value for name, value in headers.items() if value})
        answer = self._connection.getresponse()
        received = answer.read()
        if answer.will_close:
            self.close()
        return Answer(method, path, answer.status, answer.headers, received, time.monotonic() - began)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def fuzz(strategy, cases, send):
    """Call ``send`` with ``cases`` values of a strategy, always the same ones without FUZZ_FACTOR; how often it did."""
    count = cases * max(FACTOR, 1)
    called = 0

    @settings(
        max_examples=count,
        derandomize=not FACTOR,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(value):
        nonlocal called
        called += 1
        send(value)

    run()
    return called


def judge(answer, unloaded=()):
    """What every answer keeps to. ``unloaded`` may be models that were unloaded: only they may be answered 503."""
    assert answer.seconds < LONGEST_SECONDS, answer
    assert not LEAKS.search(answer.body), answer
    if answer.status >= 500:
        judge_failure(answer, unloaded)
    if answer.status >= 300 and answer.method != "HEAD":
        judge_shape(answer)
    if answer.status == 405:
        assert answer.headers["Allow"] or answer.headers["Server"], answer
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"], answer


def judge_failure(answer, unloaded):
    code = json.loads(answer.body)["code"] if answer.method != "HEAD" else ""
    if answer.status == 501:
        assert LEFT_OUT.fullmatch(answer.path.partition("?")[0]), answer
    else:
        assert answer.status == 503, answer
        assert code == "model_not_ready", answer
        assert any(model in answer.path for model in unloaded), answer


def judge_shape(answer):
    problem = json.loads(answer.body)
    assert problem.keys() >= MEMBERS, answer
    assert problem.keys() <= MEMBERS | ALSO | (READINESS if answer.status == 503 else set()), answer
    assert problem["status"] == answer.status, answer
    assert all(isinstance(problem[name], str) and problem[name] for name in MEMBERS - {"status"}), answer
    assert problem["request_id"] == answer.headers["X-Request-ID"], answer
    for fault in problem.get("errors", ()):
        assert fault.keys() == {"location", "expected", "got"}, answer
        assert all(isinstance(words, str) for words in fault.values()), answer
    assert len(problem.get("errors", ())) <= 20, answer
    media_type = answer.headers.get_content_type()
    bare = answer.path.partition("?")[0]
    free = bare.startswith("/oauth/")  # RFC 6749 wants plain JSON of its errors, which Nginx does not know
    free |= problem["detail"] in NOT_READ or not CANONICAL.fullmatch(
        bare
    )  # what the address is depends on who reads it
    plain = re.match(r"(?i)/v[12](?:/|$)|/$", bare)
    assert media_type in ({*FORMS} if free else {FORMS[0] if plain else FORMS[1]}), answer
