"""NumPy's ``.npy`` format (versions 1 to 3) for matrices of numbers. Never pickles: object arrays are refused."""

import io

import numpy as np

from model_store import npy
from model_store.batch import Array
from model_store.npy import Layout
from model_store.request_errors import MalformedRequest

_NUMBERS = "fiub"
_MOST_DIMENSIONS = 2


def read_matrix(body: bytes) -> Array:
    """Return the array in the body, 1-D or 2-D, at addresses of its type: it shares the body's memory if that has them.

    Raises MalformedRequest if there is none.
    """
    layout, start = _layout(body)
    _check_length(layout, len(body) - start)
    flat = np.frombuffer(body, layout.dtype, offset=start) if layout.size else np.empty(0, layout.dtype)
    return layout.shaped(flat if flat.flags.aligned else flat.copy())


def write(array: Array) -> bytes:
    """Return the array of numbers as a ``.npy`` file. Raises ValueError for an array of objects."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _layout(body: bytes) -> tuple[Layout, int]:
    file = io.BytesIO(body)
    try:
        layout = npy.layout(file)
    except ValueError as error:
        raise MalformedRequest(f"The body is no .npy file of numbers: {error}") from None
    if layout.dtype.kind not in _NUMBERS or not 0 < len(layout.shape) <= _MOST_DIMENSIONS:
        raise MalformedRequest(
            f"The .npy body holds {layout.dtype} of shape {list(layout.shape)}: expected numbers with one or two "
            "dimensions"
        )
    return layout, file.tell()


def _check_length(layout: Layout, found: int) -> None:
    needed = layout.size * layout.dtype.itemsize
    if needed != found:
        raise MalformedRequest(f"The .npy header promises {needed} bytes of numbers, {found} follow it")
