"""Clients that ask without a pause, and remember every answer."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import requests


@dataclass
class Seen:
    """One answer: 0 as status where the connection failed."""

    status: int
    seconds: float
    version: str = ""
    replica: str = ""
    body: object = None
    retry_after: str = ""


@dataclass
class Load:
    """Predictions from ``clients`` threads, for as long as the context lasts."""

    url: str
    headers: dict
    body: dict
    clients: int = 4
    pause: float = 0.01
    timeout: float = 20
    connection: str = "keep-alive"
    seen: list = field(default_factory=list)

    def __enter__(self):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout + 5)

    def _ask(self):
        with requests.Session() as session:
            while not self._stop.is_set():
                self.seen.append(self._once(session))
                self._stop.wait(self.pause)

    def _once(self, session):
        began = time.monotonic()
        headers = {**self.headers, "Connection": self.connection}
        try:
            answer = session.post(self.url, json=self.body, headers=headers, timeout=self.timeout)
        except requests.RequestException as error:
            return Seen(0, time.monotonic() - began, body=repr(error))
        seconds, told = time.monotonic() - began, answer.headers
        return Seen(
            answer.status_code,
            seconds,
            told.get("X-Model-Version", ""),
            told.get("X-Replica", ""),
            answer.json(),
            told.get("Retry-After", ""),
        )

    @property
    def statuses(self):
        return Counter(seen.status for seen in self.seen)

    @property
    def failed(self):
        return [seen for seen in self.seen if seen.status != 200]
