"""What gunicorn's master does for its replica besides running the workers; each of its hooks calls one method."""

from collections.abc import Callable, Collection, Mapping
from http.server import ThreadingHTTPServer
from typing import Any

from service.management.pages import pages
from service.management.readiness import Readiness
from service.management.server import serve


class Management:
    """The management port of one replica, and what is left to do when a worker or the replica ends.

    ``assess`` tells how ready the workers with these process ids are, ``metrics`` the exposition and its media type,
    ``counts`` what other replicas are told of this one's predictions.
    ``clean_up_after`` is given the process id of a worker that is gone; ``clean_up`` is called last.
    """

    def __init__(  # noqa: PLR0913 - what the pages are made of, and what is left to do
        self,
        bind: str,
        *,
        assess: Callable[[Collection[int]], Readiness],
        metrics: Callable[[], tuple[bytes, str]],
        counts: Callable[[], Mapping[str, Any]],
        clean_up_after: Callable[[int], None],
        clean_up: Callable[[], None],
    ) -> None:
        self._bind = bind
        self._assess = assess
        self._metrics = metrics
        self._counts = counts
        self._clean_up = clean_up
        self._server: ThreadingHTTPServer | None = None
        self.worker_ended = clean_up_after

    def open(self, workers: Collection[int]) -> None:
        """Serve the pages; ``workers`` holds the process ids of the live workers at any time.

        Raises OSError if the port is taken.
        """
        shown = pages(
            alive=lambda: len(workers),
            ready=lambda: self._assess(tuple(workers)),
            metrics=self._metrics,
            counts=self._counts,
        )
        self._server = serve(self._bind, shown)

    def close_inherited(self) -> None:
        """Close a forked worker's copy of the port: it is the master's, and goes with it."""
        if self._server is not None:
            self._server.socket.close()

    def close(self) -> None:
        """Close the port and remove the replica's run files."""
        if self._server is not None:
            self._server.server_close()
        self._clean_up()
