"""Blocks that are let go of once they were read."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.artifacts.spending import SpentBytes

DATA = np.random.default_rng(0).bytes(1000)
BLOCKS = [DATA[i : i + 64] for i in range(0, 1000, 64)]


@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 300)), max_size=20))
def test_bytes_are_read_from_any_place_as_from_a_file(reads):
    ours, theirs = SpentBytes(BLOCKS, spending=False), io.BytesIO(DATA)
    for place, count in reads:
        assert ours.seek(place) == theirs.seek(place)
        assert ours.read(count) == theirs.read(count)
        assert ours.tell() == theirs.tell()
    assert ours.seek(-10, io.SEEK_END) == 990
    assert ours.seek(4, io.SEEK_CUR) == 994
    assert ours.readall() == DATA[994:]


def test_what_was_read_is_gone():
    file = SpentBytes(BLOCKS, spending=True)
    assert file.read(100) == DATA[:100]
    file.seek(64)
    assert file.read(36) == DATA[64:100]
    file.seek(63)
    with pytest.raises(OSError, match="read before and are gone"):
        file.read(1)


def test_a_file_without_a_byte_ends_at_once():
    assert SpentBytes([], spending=True).read(10) == b""
    assert SpentBytes([b""], spending=True).read(10) == b""
