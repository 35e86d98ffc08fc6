"""The fake that other tests use keeps the contract too."""

import pytest

from tests.model_store.stores.contract import StoreContract
from tests.model_store.stores.memory import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()
