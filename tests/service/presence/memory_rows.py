"""Recent rows in memory, for tests of what uses them. ``trouble`` is raised by find and mark while it is set."""

import threading

from service.presence.recent_rows import RecentRows


class MemoryRows(RecentRows):
    def __init__(self, records=50, kept=None, alone=None):
        self.records = records
        self.kept = {} if kept is None else kept
        self.alone = alone or threading.Lock()
        self.mine = []
        self.trouble = None

    def remember(self, rows):
        for row in rows:
            place = (row.key, row.row)
            self.kept[place] = row
            self.mine = [*(other for other in self.mine if other != place), place]
            for old in self.mine[: -self.records]:
                self.kept.pop(old, None)
            self.mine = self.mine[-self.records :]

    def find(self, keys):
        self._check()
        found = {}
        for (key, index), row in self.kept.items():
            if key in set(keys):
                found.setdefault(key, {})[index] = row
        return found

    def mark(self, rows):
        self._check()
        with self.alone:
            places = {(row.key, row.row) for row in rows}
            marked = {place for place in places if place in self.kept and not self.kept[place].judged}
            self.kept.update({place: self.kept[place]._replace(judged=True) for place in marked})
            return marked

    def close(self):
        pass

    def _check(self):
        if self.trouble is not None:
            raise self.trouble
