"""JSON rows of numbers that are written as arrays and then set into a text for each row.

That costs a third of one Python object for each row and number. What is written is the same.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from model_store.batch import Array
from model_store.codecs.json import dumps

_FEW = 8  # rows; up to that Python objects cost less


def pays(*arrays: Array) -> bool:
    """Return whether arrays can be written so: of numbers or bools, 1-D or 2-D, and with enough rows to gain by it."""
    if len(arrays[0]) <= _FEW:
        return False
    return all(array.dtype.kind in "fiub" and array.ndim in {1, 2} and array.size for array in arrays)


def texts(array: Array, *, nan: Literal["null", "token"] = "null") -> list[bytes]:
    """Return the JSON text of each number of a 1-D array or each row of a 2-D one, as ``dumps`` writes it."""
    written = dumps(array, nan=nan)
    if array.ndim == 1:
        return written[1:-1].split(b",")
    return [b"[%b]" % row for row in written[2:-2].split(b"],[")]


def filled(template: str, columns: Sequence[Sequence[bytes]]) -> bytes:
    """Return a JSON list with the template once for each row, in which each NUL is the next column's text."""
    row = template.encode().replace(b"%", b"%%").replace(b"\0", b"%b")
    rows = b",".join([row] * len(columns[0]))
    return b"[%b]" % (rows % tuple(chain.from_iterable(zip(*columns, strict=True))))
