"""The fake that other tests use keeps the contract too."""

import pytest

from tests.service.presence.memory_rows import MemoryRows
from tests.service.presence.recent_rows_contract import RECORDS, RecentRowsContract


class TestMemoryRows(RecentRowsContract):
    @pytest.fixture
    def rows(self):
        return MemoryRows(RECORDS)

    @pytest.fixture
    def again(self, rows):
        return lambda: MemoryRows(RECORDS, rows.kept, rows.alone)
