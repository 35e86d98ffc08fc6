"""Every worker's address follows from BIND and the worker's slot."""

import pytest

from service.gunicorn_worker.addresses import address_of


@pytest.mark.parametrize(
    ("bind", "slot", "address"),
    [
        ("unix:/run/millrace/replica-1.sock", 0, "unix:/run/millrace/replica-1.sock"),
        ("unix:/run/millrace/replica-1.sock", 12, "unix:/run/millrace/replica-1-12.sock"),
        ("unix:here.sock", 1, "unix:here-1.sock"),
        ("unix:/run/of.all/service", 3, "unix:/run/of.all/service-3"),
        ("0.0.0.0:8000", 0, "0.0.0.0:8000"),
        ("0.0.0.0:8000", 2, "0.0.0.0:8002"),
        ("[::]:8000", 2, "[::]:8002"),
        ("localhost:8000", 1, "localhost:8001"),
    ],
)
def test_a_slot_has_its_own_address(bind, slot, address):
    assert address_of(bind, slot) == address


def test_no_two_slots_share_an_address():
    for bind in ("unix:/run/s.sock", "127.0.0.1:8000"):
        assert len({address_of(bind, slot) for slot in range(300)}) == 300


@pytest.mark.parametrize("bind", ["", "unix:", "8000", ":8000", "localhost", "localhost:http", "localhost:²"])
def test_what_is_no_address_is_named_with_what_was_expected(bind):
    with pytest.raises(ValueError, match=r"expected unix:/path or address:port") as raised:
        address_of(bind, 0)
    assert repr(bind) in str(raised.value)
