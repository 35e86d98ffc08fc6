"""Signs of life of a worker that is starting: loading models can take longer than the master waits for a request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

LONGEST_START = 600
"""Seconds that a worker may load models before silence counts as a hang."""

_PAUSE = 1.0


@contextmanager
def heartbeat(notify: Callable[[], None]) -> Iterator[None]:
    """Call ``notify`` once a second during the block, for at most ``LONGEST_START`` seconds."""
    done = Event()

    def beat() -> None:
        for _ in range(LONGEST_START):
            notify()
            if done.wait(_PAUSE):
                return

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
