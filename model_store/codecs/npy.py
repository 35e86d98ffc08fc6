"""NumPy's ``.npy`` format (versions 1 to 3) for matrices of numbers. Never pickles: object arrays are refused."""

import io
import re
import struct

import numpy as np

from model_store.batch import Array
from model_store.request_errors import MalformedRequest

_MAGIC = b"\x93NUMPY"
_SHORTEST = 12
_DESCR = re.compile(r"'descr'\s*:\s*'([<>|=]?[fiub][0-9]{1,2})'")
_ORDER = re.compile(r"'fortran_order'\s*:\s*(True|False)")
_SHAPE = re.compile(r"'shape'\s*:\s*\(\s*([0-9]{1,18})\s*,?\s*(?:([0-9]{1,18})\s*,?\s*)?\)")


def read_matrix(body: bytes) -> Array:
    """Return the array in the body, 1-D or 2-D, at addresses of its type: it shares the body's memory if that has them.

    Raises MalformedRequest if there is none.
    """
    header, start = _header(body)
    descr, order, shape = (pattern.search(header) for pattern in (_DESCR, _ORDER, _SHAPE))
    if descr is None or order is None or shape is None:
        raise MalformedRequest("The .npy header does not describe an array of numbers with one or two dimensions")
    try:
        dtype = np.dtype(descr[1])
    except TypeError:
        raise MalformedRequest("The .npy header names an unknown type of numbers") from None
    extents = tuple(int(extent) for extent in shape.groups() if extent)
    _check_length(dtype, extents, len(body) - start)
    flat = np.frombuffer(body, dtype=dtype, offset=start) if len(body) > start else np.empty(0, dtype)
    flat = flat if flat.flags.aligned else flat.copy()
    return flat.reshape(extents[::-1]).T if order[1] == "True" else flat.reshape(extents)


def write(array: Array) -> bytes:
    """Return the array of numbers as a ``.npy`` file. Raises ValueError for an array of objects."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _header(body: bytes) -> tuple[str, int]:
    if len(body) < _SHORTEST or not body.startswith(_MAGIC) or body[6] not in {1, 2, 3}:
        raise MalformedRequest("The body is not a .npy file of format version 1, 2 or 3")
    start, form = (10, "<H") if body[6] == 1 else (12, "<I")
    length = struct.unpack_from(form, body, 8)[0]
    if start + length > len(body):
        raise MalformedRequest("The .npy body ends within its header")
    return body[start : start + length].decode("latin-1"), start + length


def _check_length(dtype: np.dtype, extents: tuple[int, ...], found: int) -> None:
    needed = dtype.itemsize
    for extent in extents:
        needed *= extent
    if needed != found:
        raise MalformedRequest(f"The .npy header promises {needed} bytes of numbers, {found} follow it")
