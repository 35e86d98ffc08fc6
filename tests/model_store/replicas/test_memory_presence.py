"""The fake that other tests use keeps the contract too."""

import pytest

from tests.model_store.replicas.memory_presence import MemoryPresence
from tests.model_store.replicas.presence_contract import PresenceContract


class TestMemoryPresence(PresenceContract):
    @pytest.fixture
    def presence(self):
        return MemoryPresence()

    @pytest.fixture
    def again(self, presence):
        return lambda: MemoryPresence(presence.kept)

    @pytest.fixture
    def grow_old(self, presence):
        return presence.kept.clear
