"""Records in memory, for tests of what uses them. ``trouble`` is raised by everything while it is set."""

from model_store.replicas.presence import Presence


class MemoryPresence(Presence):
    def __init__(self, kept=None):
        self.kept = {} if kept is None else kept
        self.trouble = None

    def announce(self, record):
        self._check()
        self.kept[record.replica, record.pid] = record

    def withdraw(self, replica, pid):
        self._check()
        self.kept.pop((replica, pid), None)

    def records(self):
        self._check()
        return [self.kept[key] for key in sorted(self.kept)]

    def _check(self):
        if self.trouble is not None:
            raise self.trouble
