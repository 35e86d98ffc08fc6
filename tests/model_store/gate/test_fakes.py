"""The gates that tests use are gates."""

import pytest

from model_store.errors import GateRefused
from tests.model_store.gate.contract import GateContract
from tests.model_store.gate.fakes import ClosedGate, OpenGate


class TestOpenGate(GateContract):
    @pytest.fixture
    def gate(self):
        return OpenGate()


def test_a_closed_gate_refuses_as_any_gate_does(published, store):
    with pytest.raises(GateRefused):
        ClosedGate().try_version(published, store.manifest("iris", 1))
