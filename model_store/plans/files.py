"""A plan as two files of a version: ``plan.json``, and its arrays in one ``arrays.npy``.

``arrays.npy`` is a plain 1-D array of uint8, in which each array begins at a multiple of 64 bytes, so that the file can
be mapped and every array is a view into it. Texts are UTF-8 bytes, the offset where each ends, and which are there.
"""

import io
import json
import mmap
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from model_store import npy
from model_store.batch import Array
from model_store.errors import SealBroken
from model_store.plans.plan import Plan, Step

PLAN = "plan.json"
ARRAYS = "arrays.npy"
FORMAT = 1
_ALIGNMENT = 64
_LONGEST_HEADER = 4096
_KINDS = "biuf"


class UnknownFormat(SealBroken):
    """A later release wrote this plan, in another format."""


def write(folder: Path, plan: Plan) -> None:
    """Write ``plan.json`` and ``arrays.npy`` into a version's folder, array by array."""
    laid_out = _Layout()
    steps = [
        {
            "kind": step.kind,
            "inputs": list(step.inputs),
            "settings": dict(step.settings),
            "arrays": {name: laid_out.add(values) for name, values in step.arrays.items()},
        }
        for step in plan.steps
    ]
    document = {"format": FORMAT, "steps": steps, "outputs": dict(plan.outputs), "arrays": laid_out.entries}
    (folder / PLAN).write_text(json.dumps(document, allow_nan=False), "utf-8")
    _write_arrays(folder / ARRAYS, laid_out)


def mapped(folder: Path) -> Plan:
    """Return the plan in a folder, whose arrays are read from its file as they are needed, also once that is deleted.

    Raises SealBroken if they are none of ours, OSError.
    """
    with (folder / ARRAYS).open("rb") as file:
        arrays = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return read((folder / PLAN).read_bytes(), content(arrays))


def remove(folder: Path) -> None:
    """Delete the files of a plan, if they are there."""
    for name in (PLAN, ARRAYS):
        (folder / name).unlink(missing_ok=True)


def read(document: bytes, arrays: Array) -> Plan:
    """Return the plan in the bytes of ``plan.json``, whose arrays are views into those of ``arrays.npy`` (1-D, uint8).

    Raises SealBroken if they are none of ours, UnknownFormat if a later release wrote them.
    """
    try:
        return _plan(json.loads(document), arrays)
    except UnknownFormat:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise SealBroken(f"{PLAN} is unreadable: {error}") from error


def content(file: bytes | mmap.mmap) -> Array:
    """Return what the bytes of ``arrays.npy`` hold, 1-D and uint8, as a view into them. Raises SealBroken."""
    header = io.BytesIO(bytes(memoryview(file)[:_LONGEST_HEADER]))
    try:
        return np.frombuffer(file, np.uint8, _announced(header), header.tell())
    except ValueError as error:
        raise SealBroken(f"{ARRAYS} is unreadable: {error}") from error


def _announced(header: BinaryIO) -> int:
    layout = npy.layout(header)
    if layout.dtype != np.uint8 or len(layout.shape) != 1:
        raise ValueError(f"expected an array of bytes, got {layout.dtype} of shape {list(layout.shape)}")
    return layout.size


def _plan(document: Mapping[str, Any], arrays: Array) -> Plan:
    if document["format"] != FORMAT:
        raise UnknownFormat(f"{PLAN} is of format {document['format']!r}: this release reads format {FORMAT}")
    views = [_view(arrays, entry) for entry in document["arrays"]]
    steps = tuple(_step(place, step, views) for place, step in enumerate(document["steps"], start=1))
    outputs = {str(name): int(place) for name, place in document["outputs"].items()}
    if not all(0 < place <= len(steps) for place in outputs.values()):
        raise ValueError("an output is made by no step")
    return Plan(steps, outputs)


class _Layout:
    """Where each array goes in the file."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.pieces: list[Array] = []
        self.end = 0

    def add(self, values: Array) -> dict[str, int]:
        """Give an array its place, and return which entries hold it."""
        return {key: self._place(part) for key, part in _parts(values).items()}

    def _place(self, part: Array) -> int:
        start = -(-self.end // _ALIGNMENT) * _ALIGNMENT
        self.entries.append({"dtype": part.dtype.str, "shape": list(part.shape), "start": start})
        self.pieces.append(part)
        self.end = start + part.nbytes
        return len(self.entries) - 1


def _parts(values: Array) -> dict[str, Array]:
    if values.dtype.kind in _KINDS:
        return {"array": np.asarray(values, order="C")}
    texts = [None if text is None else str(text).encode("utf-8", "surrogatepass") for text in values.ravel().tolist()]
    return {
        "utf8": np.frombuffer(b"".join(text or b"" for text in texts), dtype=np.uint8),
        "ends": np.cumsum([len(text or b"") for text in texts], dtype=np.int64),
        "there": np.array([text is not None for text in texts], dtype=bool).reshape(values.shape),
    }


def _write_arrays(path: Path, laid_out: _Layout) -> None:
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (laid_out.end,)}
        np.lib.format.write_array_header_1_0(file, header)
        begin = file.tell()
        for entry, part in zip(laid_out.entries, laid_out.pieces, strict=True):
            file.write(b"\0" * (begin + entry["start"] - file.tell()))
            file.write(part.reshape(-1).view(np.uint8).data)


def _view(arrays: Array, entry: Mapping[str, Any]) -> Array:
    dtype, shape, start = np.dtype(str(entry["dtype"])), tuple(map(int, entry["shape"])), int(entry["start"])
    if dtype.kind not in _KINDS or min(shape, default=0) < 0 or start < 0:
        raise ValueError(f"an array of {dtype} and shape {list(shape)} at {start}")
    size = dtype.itemsize * int(np.prod(shape, dtype=object))
    if start + size > len(arrays):
        raise ValueError(f"{ARRAYS} ends before an array does")
    return arrays[start : start + size].view(dtype).reshape(shape)


def _step(place: int, document: Mapping[str, Any], views: list[Array]) -> Step:
    inputs = tuple(map(int, document["inputs"]))
    if not all(0 <= i < place for i in inputs):
        raise ValueError(f"step {place} takes a value that is not there yet")
    arrays = {str(name): _array(entry, views) for name, entry in document["arrays"].items()}
    return Step(str(document["kind"]), inputs, dict(document["settings"]), arrays)


def _array(entry: Mapping[str, int], views: list[Array]) -> Array:
    if "array" in entry:
        return views[entry["array"]]
    there, data = views[entry["there"]], views[entry["utf8"]].tobytes()
    ends = [0, *views[entry["ends"]].tolist()]
    texts = [data[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]
    made = np.empty(len(texts), dtype=object)
    made[:] = [text if is_there else None for text, is_there in zip(texts, there.ravel().tolist(), strict=True)]
    return made.reshape(there.shape)
