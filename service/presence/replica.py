"""What a replica knows of itself, and of the others."""

import logging

from model_store.replicas.presence import Presence, Record, Unreachable

log = logging.getLogger(__name__)


class ReplicaPresence(Presence):
    """Records in ``own``, which this replica alone uses, and in ``shared``, which all replicas use.

    A replica does not depend on ``shared`` to know its own workers: while it cannot be reached, the others do not see
    this replica's workers, and that is all.
    """

    def __init__(self, own: Presence, shared: Presence) -> None:
        self.own = own
        self.shared = shared
        self._apart = False

    def announce(self, record: Record) -> None:
        """Leave the record in both. Raises Unreachable if ``own`` cannot be reached."""
        self.own.announce(record)
        try:
            self.shared.announce(record)
        except Unreachable as error:
            if not self._apart:
                log.warning("other replicas do not see what this worker has loaded: %s", error)
            self._apart = True
        else:
            self._apart = False

    def withdraw(self, replica: str, pid: int) -> None:
        """Take the record back from both. Raises Unreachable."""
        try:
            self.own.withdraw(replica, pid)
        finally:
            self.shared.withdraw(replica, pid)

    def records(self) -> list[Record]:
        """Return the records of this replica's workers from ``own``, of others from ``shared``. Raises Unreachable."""
        own = self.own.records()
        replicas = {record.replica for record in own}
        others = [record for record in self.shared.records() if record.replica not in replicas]
        return sorted([*own, *others], key=lambda record: (record.replica, record.pid))
