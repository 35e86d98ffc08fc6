"""What all replicas counted of each version's predictions, added up: each one is asked when somebody wants to know."""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from model_store.replicas import announcements
from model_store.replicas.presence import Presence, Unreachable
from service.errors import Unavailable
from service.metrics.version_counts import Counted, VersionCounts, added

log = logging.getLogger(__name__)

PATH = "/counts"
_SLOWEST = 1.0
"""Seconds that a replica's master may take: it never predicts. The worker that asks answers nothing else meanwhile."""
_MOST_BYTES = 16_000_000
_MOST_AT_ONCE = 16


class Statistics:
    """Asks the masters of all replicas that have announced themselves. Their counts begin when they start."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    def read(self) -> Counted:
        """Return the counts of all replicas by model and version.

        Raises Unavailable if one of them cannot be asked: a sum without it would go back and forth.
        """
        addresses = self._addresses()
        with ThreadPoolExecutor(min(len(addresses), _MOST_AT_ONCE)) as asking:
            return added(asking.map(_ask, addresses, addresses.values()))

    def _addresses(self) -> Mapping[str, str]:
        """Return where each replica is asked, by its name; those of 0.1.0 cannot be asked."""
        try:
            told = announcements.read(self._presence)
        except Unreachable as error:
            raise Unavailable("what other replicas counted cannot be asked now", retry_after=1) from error
        addresses = {one.replica: one.management for one in told if one.management}
        if not addresses:
            raise Unavailable("no replica says where it can be asked what it counted", retry_after=1)
        return addresses


def _ask(replica: str, address: str) -> Counted:
    host, _, port = address.rpartition(":")
    try:
        connection = HTTPConnection(host.strip("[]"), int(port), timeout=_SLOWEST)
        try:
            connection.request("GET", PATH)
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
        finally:
            connection.close()
        return _counted(replica, answer.status, body)
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("replica %s cannot be asked at %s what it counted", replica, address, exc_info=True)
        raise Unavailable(
            f"replica {replica!r} cannot be asked now what it counted, and a sum without it would be wrong",
            retry_after=1,
        ) from error


def _counted(replica: str, status: int, body: bytes) -> Counted:
    """Return what a replica's page tells. Raises ValueError, KeyError or TypeError for what is no such page."""
    told: Any = json.loads(body)
    if status != HTTPStatus.OK:
        raise ValueError(f"the page answers {status}")
    if told["replica"] != replica:
        raise ValueError(f"there answers {told['replica']!r}: MANAGEMENT_BIND is no address of its own")
    return {(one["model"], one["version"]): VersionCounts.of(one) for one in told["versions"]}
