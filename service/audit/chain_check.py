"""The regular check of the whole audit log, by one worker of each replica; a metric and the log tell the outcome."""

import logging
import os
import threading

from service.audit.log import AuditLog
from service.database.leases import Leases
from service.errors import Unavailable
from service.metrics.access import AccessMetrics

PERIOD = 600.0
"""Seconds between two checks by one replica."""

_LOG = logging.getLogger(__name__)


class ChainCheck:
    """The check in one worker; the replica's workers agree by a lease on which of them does it."""

    def __init__(self, audit: AuditLog, leases: Leases, replica: str) -> None:
        self._audit = audit
        self._leases = leases
        self._replica = replica
        self._held = False
        self._metrics = AccessMetrics()

    def start(self) -> None:
        """Check in a separate thread: a long log takes seconds, and nothing else must wait for it.

        Does nothing if another worker of the replica checked within the period. Raises Unavailable.
        """
        self._held = self._leases.hold(self._lease, self._holder, PERIOD)
        if self._held:
            threading.Thread(target=self.run, name="audit-check", daemon=True).start()

    def hand_over(self) -> None:
        """Let another worker do it, which may be the first of this replica's next start. Raises Unavailable."""
        if self._held:
            self._leases.release(self._lease, self._holder)

    def run(self) -> None:
        """Check now, and tell of the outcome; without the database there is none."""
        try:
            count, broken = self._audit.verify()
        except Unavailable:
            return
        if broken is not None:
            _LOG.error("the audit trail was altered after entry %d: %s", count, broken)
        self._metrics.audit_chain(whole=broken is None)

    @property
    def _lease(self) -> str:
        return f"audit-check:{self._replica}"

    @property
    def _holder(self) -> str:
        return f"{self._replica}:{os.getpid()}"  # read late: a worker is forked after this was built
