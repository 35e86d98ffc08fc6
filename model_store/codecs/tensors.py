"""Binary tensors of the Open Inference Protocol: little-endian, row-major, without padding.

A BOOL is one byte, 0 or 1; a BYTES element is its length as four bytes, then its bytes.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.request_errors import Fault, MalformedRequest, few, refuse

DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""The datatypes that are plain numbers, and how NumPy names their bytes."""

DATATYPES = frozenset({*DTYPES, "BF16", "BYTES"})

_LENGTH = struct.Struct("<I")
_BF16_BYTES = 2


def read(datatype: str, data: memoryview, count: int, place: str) -> Array:
    """Read ``count`` elements as a flat array of the datatype; BF16 as float32, BYTES as an object array of ``bytes``.

    The array is aligned and writable, as one made in this process would be: an estimator answers the same whichever way
    its rows came. ``place`` names the tensor in a MalformedRequest's faults.
    """
    if datatype == "BYTES":
        return _read_bytes(data, count, place)
    size = _BF16_BYTES if datatype == "BF16" else DTYPES[datatype].itemsize
    if len(data) != count * size:
        raise _misfit(place, f"{count * size} bytes, which {count} elements of {datatype} take", f"{len(data)} bytes")
    if datatype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if datatype == "BOOL":
        _check_bools(data, place)
    return np.frombuffer(data, DTYPES[datatype]).copy()


def write(datatype: str, array: Array) -> bytes:
    """Return the elements in row-major order; those of BYTES are strings, ``bytes``, or None, which becomes empty."""
    if datatype == "BYTES":
        return b"".join(_prefixed(array.ravel().tolist()))
    return np.ascontiguousarray(array, DTYPES[datatype]).tobytes()


def _prefixed(elements: Iterable[Any]) -> Iterable[bytes]:
    for element in elements:
        raw = element if isinstance(element, bytes) else (element or "").encode()
        yield _LENGTH.pack(len(raw))
        yield raw


def _read_bytes(data: memoryview, count: int, place: str) -> Array:
    elements: list[bytes] = []
    at = 0
    while at < len(data) and len(elements) <= count:
        start = at + _LENGTH.size
        end = start + _LENGTH.unpack_from(data, at)[0] if start <= len(data) else start
        if end > len(data):
            raise _misfit(f"{place}.data[{len(elements)}]", f"{end - at} bytes", f"{len(data) - at} bytes")
        elements.append(bytes(data[start:end]))
        at = end
    if len(elements) != count:
        raise _misfit(place, f"{count} elements of BYTES", "more" if len(elements) > count else str(len(elements)))
    array = np.empty(count, dtype=object)
    array[:] = elements
    return array


def _check_bools(data: memoryview, place: str) -> None:
    wrong = few(np.flatnonzero(np.frombuffer(data, np.uint8) > 1).tolist())
    refuse([Fault(f"{place}.data[{i}]", "a BOOL byte, 0 or 1", str(data[i])) for i in wrong], MalformedRequest)


def _misfit(place: str, expected: str, got: str) -> MalformedRequest:
    return MalformedRequest.of(Fault(place, expected, got))
