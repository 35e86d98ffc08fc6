"""A thread in each worker that writes what was dropped for want of room, once there is room again."""

import logging
import threading

from service.metrics import unwritten

log = logging.getLogger(__name__)

PERIOD = 2.0
"""Seconds between two rounds."""


class Keeping:
    """Settles what could not be written. Start it in each worker, after the fork."""

    def __init__(self, period: float = PERIOD) -> None:
        self._period = period
        self._ending = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        self._ending.clear()
        threading.Thread(target=self._run, name="disk", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end with its next round."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(self._period):
            try:
                unwritten.settle()
            except Exception:
                log.exception("what was dropped could not be written; trying again")
