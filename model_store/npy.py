"""NumPy's ``.npy`` format (versions 1 to 3), read without Python's own parser.

``numpy.load`` lets ``ast.literal_eval`` read the header, and up to Python 3.11.7 two threads that are in it at the same
time can both fail with SystemError (CPython issue 106905). Versions are loaded in several threads.

Source of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

import math
import re
from typing import IO, NamedTuple

import numpy as np

from model_store.batch import Array

_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
_LONGEST_HEADER = 1 << 16
_DESCR = re.compile(
    r"'descr'\s*+:\s*+(?:'([^']{1,40}+)'"
    r"|\[((?:\s*+\('[^']{0,200}+'\s*+,\s*+'[^']{1,40}+'\)\s*+,?+){1,1000}+)\s*+\])"
)
_FIELD = re.compile(r"\('([^']*+)'\s*+,\s*+'([^']*+)'\)")
_ORDER = re.compile(r"'fortran_order'\s*+:\s*+(True|False)")
_SHAPE = re.compile(r"'shape'\s*+:\s*+\(((?:\s*+[0-9]{1,18}+\s*+(?:,|(?=\)))){0,32}+)\s*+\)")
"""All of them never look twice at a character: a header comes from a caller, too."""


class Layout(NamedTuple):
    """How the values behind a header lie."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool

    @property
    def size(self) -> int:
        """How many values there are."""
        return math.prod(self.shape)

    def shaped(self, flat: Array) -> Array:
        """Return the ``size`` values of a 1-D array in this shape and order."""
        return flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(self.shape)


def layout(file: IO[bytes]) -> Layout:
    """Read a header and stop where the values begin. Raises ValueError for another format or a dtype in dtypes."""
    start = file.read(len(_MAGIC) + 2)
    width = _LENGTH_BYTES.get(start[len(_MAGIC)]) if len(start) == len(_MAGIC) + 2 else None
    if width is None or not start.startswith(_MAGIC):
        raise ValueError("it is not a .npy file of format version 1, 2 or 3")
    length = int.from_bytes(file.read(width), "little")
    header = file.read(min(length, _LONGEST_HEADER))
    if len(header) < length:
        raise ValueError(f"its header ends after {len(header)} of {length} bytes")
    return _described(header.decode("latin-1"))


def read(file: IO[bytes]) -> Array:
    """Return the array in a file, of any dtype without objects. Raises ValueError if there is none."""
    found = layout(file)
    if found.dtype.hasobject:
        raise ValueError("its values are pickled objects")
    flat = np.empty(found.size, found.dtype)
    _fill(flat.view(np.uint8) if flat.nbytes else np.empty(0, np.uint8), file)
    return found.shaped(flat)


def _described(header: str) -> Layout:
    descr, order, shape = (pattern.search(header) for pattern in (_DESCR, _ORDER, _SHAPE))
    if descr is None or order is None or shape is None:
        raise ValueError("its header does not describe an array of plain values or of records of them")
    return Layout(
        _dtype(descr[1] or _FIELD.findall(descr[2])),
        tuple(int(extent) for extent in re.findall(r"[0-9]+", shape[1])),
        order[1] == "True",
    )


def _dtype(descr: str | list[tuple[str, str]]) -> np.dtype:
    try:
        return np.lib.format.descr_to_dtype(descr)  # type: ignore[arg-type]  # its stub forgets plain dtypes
    except (TypeError, ValueError):
        raise ValueError(f"its header names the dtype {descr!r}, which NumPy does not know") from None


def _fill(places: Array, file: IO[bytes]) -> None:
    filled = 0
    while filled < len(places):
        block = file.read(min(len(places) - filled, 1 << 20))
        if not block:
            raise ValueError(f"its values end after {filled} of {len(places)} bytes")
        places[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
