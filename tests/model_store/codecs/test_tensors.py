"""Binary tensors: bytes to arrays and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model_store.codecs import tensors
from model_store.request_errors import MalformedRequest

NUMBERS = sorted(tensors.DTYPES)


def read(datatype, raw, count):
    return tensors.read(datatype, memoryview(raw), count, "inputs[0]")


@pytest.mark.parametrize("datatype", NUMBERS)
@given(data=st.data())
def test_numbers_of_every_datatype_come_back_as_they_were_written(datatype, data):
    array = data.draw(arrays.arrays(tensors.DTYPES[datatype], arrays.array_shapes(max_dims=3, min_side=0)))
    raw = tensors.write(datatype, array)
    back = read(datatype, raw, array.size)
    assert back.dtype == tensors.DTYPES[datatype]
    assert back.tobytes() == array.tobytes() == raw


@given(st.lists(st.one_of(st.binary(), st.text().map(str.encode))))
def test_bytes_elements_come_back_as_they_were_written(elements):
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    raw = tensors.write("BYTES", array)
    assert len(raw) == sum(4 + len(element) for element in elements)
    assert read("BYTES", raw, len(elements)).tolist() == elements


@given(st.lists(st.one_of(st.none(), st.text())))
def test_strings_are_written_as_utf8_and_none_as_nothing(elements):
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    read_back = read("BYTES", tensors.write("BYTES", array), len(elements)).tolist()
    assert read_back == [(element or "").encode() for element in elements]


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_bf16_is_the_upper_half_of_a_float32(values):
    whole = np.array(values, dtype="<f4")
    upper = (whole.view("<u4") >> 16).astype("<u2")
    back = read("BF16", upper.tobytes(), len(values))
    assert back.dtype == np.float32
    assert (back.view("<u4") >> 16).tolist() == upper.tolist()
    assert not (back.view("<u4") & 0xFFFF).any()


def test_the_layout_is_little_endian_and_row_major():
    array = np.asfortranarray(np.array([[1, 2], [3, 4]], dtype=">i4"))
    assert tensors.write("INT32", array) == bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0])
    assert tensors.write("BYTES", np.array(["ab"], dtype=object)) == b"\x02\x00\x00\x00ab"
    assert tensors.write("BOOL", np.array([True, False])) == b"\x01\x00"


@pytest.mark.parametrize("offset", range(8))
def test_what_is_read_is_aligned_and_writable_wherever_it_stood(offset):
    raw = b"x" * offset + np.arange(3.0).tobytes()
    array = tensors.read("FP64", memoryview(raw)[offset:], 3, "inputs[0]")
    assert array.flags.aligned
    assert array.flags.writeable
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("datatype", "raw", "count", "location"),
    [
        ("FP64", b"\0" * 15, 2, "inputs[0]"),
        ("FP64", b"\0" * 17, 2, "inputs[0]"),
        ("BF16", b"\0", 1, "inputs[0]"),
        ("BOOL", b"\1\2\0\3", 4, "inputs[0].data[1]"),
        ("BYTES", b"\1\0\0", 1, "inputs[0].data[0]"),
        ("BYTES", b"\1\0\0\0a\5\0\0\0b", 2, "inputs[0].data[1]"),
        ("BYTES", b"\xff\xff\xff\xff", 1, "inputs[0].data[0]"),
        ("BYTES", b"\0\0\0\0\0\0\0\0", 1, "inputs[0]"),
        ("BYTES", b"", 1, "inputs[0]"),
        ("FP64", b"", 2**62, "inputs[0]"),
    ],
)
def test_bytes_that_are_no_such_tensor_are_refused_at_their_place(datatype, raw, count, location):
    with pytest.raises(MalformedRequest) as refused:
        read(datatype, raw, count)
    assert refused.value.faults[0].location == location


@given(st.sampled_from(sorted(tensors.DATATYPES)), st.binary(max_size=64), st.integers(0, 20))
def test_random_bytes_are_read_or_refused_and_nothing_else(datatype, raw, count):
    try:
        array = read(datatype, raw, count)
    except MalformedRequest:
        return
    assert array.shape == (count,)
