import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.codecs.npy import read_matrix, write
from model_store.request_errors import MalformedRequest


def saved(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=version)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "f4", "f2", "i8", "u1", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_matrices_of_numbers_are_read_in_any_order_and_version(dtype, order, version):
    array = np.asarray(np.arange(6).reshape(2, 3) % 2, dtype=dtype, order=order)
    assert np.array_equal(read_matrix(saved(array, version)), array)


@pytest.mark.parametrize("array", [np.arange(4.0), np.empty((0, 3)), np.empty((3, 0))])
def test_vectors_and_empty_matrices_are_read(array):
    read = read_matrix(saved(array))
    assert (read.shape, read.dtype) == (array.shape, array.dtype)


def test_the_numbers_share_the_body_s_memory():
    assert not read_matrix(saved(np.ones((2, 2)))).flags.owndata


@pytest.mark.parametrize("padding", range(1, 9))
def test_numbers_behind_a_header_of_any_length_are_at_addresses_of_their_type(padding):
    array = np.array([[0.25, -1.5]])
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }}{' ' * padding}\n".encode()
    read = read_matrix(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + array.tobytes())
    assert read.tolist() == array.tolist()
    assert read.flags.aligned


def test_what_is_written_is_read_again():
    array = np.array([[0.25, np.nan]])
    assert np.array_equal(np.load(io.BytesIO(write(array))), array, equal_nan=True)


def pickled():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x93NUMPY",
        pickled(),
        saved(np.array(["text"])),
        saved(np.zeros((2, 2, 2))),
        saved(np.float64(3)),
        saved(np.zeros(2, dtype=[("a", "f8")])),
        saved(np.zeros(2, dtype=complex)),
        saved(np.arange(4.0))[:-1],
        saved(np.arange(4.0)) + b"x",
        saved(np.arange(4.0)).replace(b"(4,)", b"(999999999999999,)"),
        saved(np.arange(4.0)).replace(b"<f8", b"<f9"),
    ],
)
def test_anything_else_is_malformed(body):
    with pytest.raises(MalformedRequest):
        read_matrix(body)


@given(st.data())
def test_mutated_files_are_read_or_malformed(data):
    body = bytearray(saved(np.arange(6.0).reshape(2, 3)))
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_matrix(bytes(body[: data.draw(st.integers(0, len(body)))])).ndim in {1, 2}
    except MalformedRequest:
        return
