import gc
import io
import threading
import time

import numpy as np
import pytest

from model_store import npy


def saved(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=version)
    buffer.seek(0)
    return buffer


ARRAYS = {
    "whole numbers": np.arange(12).reshape(3, 4),
    "in Fortran's order": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "one number": np.float64(1.5),
    "no rows": np.empty((0, 3), np.float32),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2026-11-30", "NaT"], "datetime64[ns]"),
    "durations": np.array([1, 2], "timedelta64[s]"),
    "big-endian": np.arange(5, dtype=">i4"),
    "complex": np.array([1 + 2j]),
    "flags": np.array([[True], [False]]),
    "four dimensions": np.zeros((1, 2, 3, 4), np.int8),
    "records": np.array([(1, 2.5)], np.dtype([("a", "<i8"), ("b", "<f4")], align=True)),
    "more than a block": np.arange(300_000),
}


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_numpy_itself_reads_it(name, version):
    ours, theirs = npy.read(saved(ARRAYS[name], version)), np.load(saved(ARRAYS[name], version))
    assert (ours.dtype, ours.shape, repr(ours.tolist())) == (theirs.dtype, theirs.shape, repr(theirs.tolist()))
    assert ours.flags.f_contiguous == theirs.flags.f_contiguous


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a .npy file"),
        (b"\x93NUMPY\x04\x00\x00\x00", "not a .npy file"),
        (saved(np.arange(4)).getvalue()[:40], "header ends after 30 of 118 bytes"),
        (saved(np.arange(4)).getvalue()[:-3], "values end after 29 of 32 bytes"),
        (saved(np.zeros(2, [("a", [("b", "f8")])])).getvalue(), "plain values or of records of them"),
        (saved(np.arange(4)).getvalue().replace(b"<i8", b"<z8"), "dtype '<z8'"),
        (saved(np.arange(4)).getvalue().replace(b"'<i8'", b"'|O8'"), "pickled objects"),
    ],
)
def test_anything_else_is_refused_with_its_reason(content, reason):
    with pytest.raises(ValueError, match=reason):
        npy.read(io.BytesIO(content))


@pytest.mark.parametrize(
    ("part", "hostile"),
    [
        ("shape", f"({'9' * 600}x)"),
        ("shape", f"({'9 ' * 600}x)"),
        ("shape", f"({'9, ' * 600}x)"),
        ("shape", f"({' ' * 600}x)"),
        ("descr", f"[{' ' * 40}{('(' + repr('a') + ', ' + repr('<f8') + ')' + ' ' * 40) * 40}x]"),
        ("descr", f"[{('(' + repr('a') + ' ' * 40 + ',' + ' ' * 40 + repr('<f8') + ')') * 40}x]"),
        ("descr", " " * 600 + "x"),
    ],
)
def test_a_header_that_goes_wrong_late_is_refused_without_looking_at_it_again_and_again(part, hostile):
    facts = {"descr": "'<f8'", "fortran_order": "False", "shape": "(2, 3)", part: hostile}
    header = ("{" + ", ".join(f"'{name}': {value}" for name, value in facts.items()) + "}").encode()
    body = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with pytest.raises(ValueError, match="does not describe an array"):
        npy.layout(io.BytesIO(body))


def test_many_threads_read_at_the_same_time():
    """``numpy.load`` fails here up to Python 3.11.7: a collection lets other threads run in the middle of a header."""
    content, failed = saved(np.arange(5)).getvalue(), []

    def give_way(*_):
        time.sleep(0)

    def read_often():
        for _ in range(300):
            try:
                npy.read(io.BytesIO(content))
            except SystemError as error:
                failed.append(error)

    before = gc.get_threshold()
    gc.set_threshold(20)
    gc.callbacks.append(give_way)
    try:
        threads = [threading.Thread(target=read_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(give_way)
        gc.set_threshold(*before)
    assert failed == []
