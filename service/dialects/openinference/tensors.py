"""Input tensors of an inference request: what JSON or bytes say, as flat arrays that hold what was declared."""

import base64
import binascii
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.codecs import tensors
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, MalformedRequest, few, refuse
from model_store.validation.bounds import check_rows
from model_store.validation.words import show
from service.dialects.openinference.parameters import malformed, parameters
from service.errors import NotImplementedHere

_DEEPEST = 100
"""How many lists of ``data`` may nest."""
_LONGEST_SHAPE = 32
_SHOWN = 128
_MOST_ELEMENTS = 2**63 - 1
_FP32_MAX = float(np.finfo(np.float32).max)
_FEW = 64
_SOURCES = "'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input: its elements as a flat array of ``prod(shape)`` entries.

    Numbers are number arrays; FP32 and FP64 from JSON are float64, as they were written. BYTES are object arrays of
    ``str``. None stands for a JSON null if the array is one of objects, NaN in floats. ``place`` names the tensor in
    faults, ``inputs[0]``.
    """

    place: str
    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Array


class Tail:
    """The bytes behind the JSON object, handed out from front to back; ``None`` if the request has no such part."""

    def __init__(self, data: memoryview | None) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int, name: str) -> memoryview:
        """Take the next ``size`` bytes, for the input of that name. Raises MalformedRequest if there are fewer."""
        if self._data is None:
            if size:
                raise MalformedRequest(
                    "must specify valid 'Inference-Header-Content-Length' in request header and 'binary_data_size' "
                    f"when passing inputs in binary data format for input '{name}'"
                )
            return memoryview(b"")
        missing = self._at + size - len(self._data)
        if missing > 0:
            raise MalformedRequest(f"unexpected size for input '{name}', expecting {missing} additional bytes")
        self._at += size
        return self._data[self._at - size : self._at]

    def check_empty(self) -> None:
        """Raise MalformedRequest if bytes are left over."""
        left = len(self._data or b"") - self._at
        if left:
            raise MalformedRequest(f"unexpected additional input data: {left} bytes after the last input")


def read(document: Any, place: str, tail: Tail, content_type: str, max_rows: int) -> Tensor:
    """Read one entry of ``inputs``. Raises MalformedRequest, InvalidInput, PayloadTooLarge or NotImplementedHere.

    ``content_type`` is the request's default for how BYTES are to be understood.
    """
    if not isinstance(document, dict):
        raise malformed(place, "an object", show(document))
    name = _text(document, place, "name")
    datatype = _text(document, place, "datatype")
    if datatype not in tensors.DATATYPES:
        raise malformed(f"{place}.datatype", f"one of {', '.join(sorted(tensors.DATATYPES))}", show(datatype))
    shown = name[:_SHOWN]
    shape = _shape(document.get("shape"), f"{place}.shape", shown)
    check_rows(shape[0] if shape else 0, max_rows)
    given = parameters(document, place)
    values = _values(document, place, (shown, datatype, math.prod(shape)), given, tail)
    if datatype == "BYTES":
        values = _texts(values, place, given.get("content_type") or content_type)
    return Tensor(place, name, datatype, shape, values)


def packed(data: Any, datatype: str, count: int) -> Array | None:
    """Return ``count`` JSON numbers, flat or in rows, as float64, at half the cost of a closer look.

    None if they need one.
    """
    try:
        flat = data
        if type(data[0]) is list and set(map(type, data)) == {list}:
            flat = list(chain.from_iterable(data))
        numbers = np.frombuffer(bytearray(struct.pack(f"{count}d", *flat)))
    except (struct.error, TypeError, LookupError, OverflowError):
        return None
    return None if _may_hold_bools(flat, numbers) else held(numbers, datatype, count)


def held(numbers: Array, datatype: str, count: int) -> Array | None:
    """Return a flat array of float64 if it has ``count`` numbers that its datatype can hold; else None."""
    if len(numbers) != count or (datatype == "FP32" and (np.abs(numbers) > _FP32_MAX).any()):
        return None
    return numbers


def objects(values: Sequence[Any]) -> Array:
    """Return values of any kind as a flat array of objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _text(document: Mapping[str, Any], place: str, key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise malformed(f"{place}.{key}", "a string", show(value) if key in document else "nothing")
    return value


def _shape(shape: Any, place: str, name: str) -> tuple[int, ...]:
    if not isinstance(shape, list):
        raise malformed(place, "a list of whole numbers", show(shape))
    if len(shape) > _LONGEST_SHAPE or any(type(size) is not int or size < 0 for size in shape):
        raise malformed(place, "whole numbers of 0 or more", f"one or more invalid dimensions for input '{name}'")
    if math.prod(shape) > _MOST_ELEMENTS:
        raise malformed(place, f"at most {_MOST_ELEMENTS} elements", "a product that exceeds the maximum size")
    return tuple(shape)


def _values(
    document: Mapping[str, Any], place: str, kind: tuple[str, str, int], given: Mapping[str, Any], tail: Tail
) -> Array:
    name, datatype, count = kind
    data = document.get("data")
    if given or data is None:
        _check_sources(data, given, count, place)
        size = given.get("binary_data_size")
        if size is not None:
            if type(size) is not int or size < 0:
                raise malformed(f"{place}.parameters.binary_data_size", "a whole number of 0 or more", show(size))
            return tensors.read(datatype, tail.take(size, name), count, place)
    if datatype in {"FP16", "BF16"}:
        raise MalformedRequest(
            f"{place}: {datatype} data in JSON is not supported. Please use the binary data format for input '{name}'"
        )
    if datatype in {"FP32", "FP64"} and (numbers := packed(data, datatype, count)) is not None:
        return numbers
    flat = _flat(data, place) if count else []
    if len(flat) != count:
        raise malformed(
            f"{place}.data", f"{count} elements, as shape {list(document['shape'])} says", f"{len(flat)} elements"
        )
    return _READERS[datatype](flat, datatype, place)


def _check_sources(data: Any, given: Mapping[str, Any], count: int, place: str) -> None:
    """Raise MalformedRequest if a tensor's elements come from several sources, from none, or from shared memory."""
    size, region = given.get("binary_data_size"), given.get("shared_memory_region")
    named = {"'data'": data, "'binary_data_size'": size, "'shared_memory_region'": region}
    found = [key for key, value in named.items() if value is not None]
    if len(found) > 1 or not (found or count == 0):
        but = f"But set {' '.join(found)}" if found else "But no field is set"
        raise MalformedRequest(f"{place}: Input must set only one of the following fields: {_SOURCES}. {but}")
    if region is not None:
        raise NotImplementedHere(f"{place}: shared memory is not implemented; send 'data' or binary data")


def _may_hold_bools(flat: Sequence[Any], numbers: Array) -> bool:
    """Return True if bools may be among what was packed: as 0 and 1, so in many numbers only those are looked for."""
    if len(flat) > _FEW and not ((numbers == 0) | (numbers == 1)).any():
        return False
    return bool in set(map(type, flat))


def _flat(data: Any, place: str) -> Sequence[Any]:
    """Return the elements of lists in lists, in order; their nesting need not mirror the shape.

    Raises MalformedRequest.
    """
    if not isinstance(data, list):
        raise malformed(f"{place}.data", "a list", show(data))
    flat: list[Any] = data
    for _ in range(_DEEPEST):
        kinds = set(map(type, flat))
        if list not in kinds:
            return flat
        if kinds != {list}:
            return _flat_uneven(data, place)
        flat = list(chain.from_iterable(flat))
    raise malformed(f"{place}.data", f"at most {_DEEPEST} lists in each other", "more")


def _flat_uneven(data: list[Any], place: str) -> Sequence[Any]:
    flat = []
    unfinished = [iter(data)]
    while unfinished:
        for value in unfinished[-1]:
            if isinstance(value, list):
                unfinished.append(iter(value))
                break
            flat.append(value)
        else:
            unfinished.pop()
        if len(unfinished) > _DEEPEST:
            raise malformed(f"{place}.data", f"at most {_DEEPEST} lists in each other", "more")
    return flat


def _floats(flat: Sequence[Any], datatype: str, place: str) -> Array:
    kinds = set(map(type, flat))
    if not kinds <= {float, int, NoneType}:
        raise _refused(flat, lambda value: type(value) in {float, int, NoneType}, f"a number ({datatype})", place)
    numbers = np.array([math.nan if n is None else n for n in flat] if NoneType in kinds else flat, dtype=np.float64)
    if datatype == "FP32" and (np.abs(numbers) > _FP32_MAX).any():
        raise _refused(flat, lambda n: n is None or not abs(n) > _FP32_MAX, "a number that FP32 can hold", place)
    return numbers


def _integers(flat: Sequence[Any], datatype: str, place: str) -> Array:
    dtype = tensors.DTYPES[datatype]
    if set(map(type, flat)) <= {int}:
        try:
            return np.array(flat, dtype=dtype)
        except OverflowError:
            pass  # the closer look names the places
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

    def fits(value: Any) -> bool:
        return value is None or (_whole(value) and low <= value <= high)

    if not all(map(fits, flat)):
        raise _refused(flat, fits, f"a whole number from {low} to {high} ({datatype})", place)
    return objects([None if value is None else int(value) for value in flat])


def _whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _bools(flat: Sequence[Any], datatype: str, place: str) -> Array:
    kinds = set(map(type, flat))
    if not kinds <= {bool, NoneType}:
        raise _refused(flat, lambda value: type(value) in {bool, NoneType}, f"true or false ({datatype})", place)
    return objects(flat) if NoneType in kinds else np.array(flat, dtype=np.bool_)


def _strings(flat: Sequence[Any], datatype: str, place: str) -> Array:
    if not set(map(type, flat)) <= {str, NoneType}:
        raise _refused(flat, lambda value: type(value) in {str, NoneType}, f"a string ({datatype})", place)
    return objects(flat)


def _texts(values: Array, place: str, content_type: str) -> Array:
    """Read BYTES as text: UTF-8, out of base64 if the content type says so."""
    coded = content_type == "base64"
    elements = values.tolist()
    if not coded and bytes not in set(map(type, elements)):
        return values
    texts, faults = [], []
    for i, element in enumerate(elements):
        try:
            texts.append(_text_of(element, coded=coded))
        except (binascii.Error, ValueError):
            expected = "base64 of UTF-8 text" if coded else "UTF-8 text"
            faults.append(Fault(f"{place}.data[{i}]", expected, f"{len(element)} other bytes"))
            if len(faults) >= MOST_FAULTS:
                break
    refuse(faults)
    return objects(texts)


def _text_of(element: Any, *, coded: bool) -> str | None:
    if element is None:
        return None
    raw: bytes = element if isinstance(element, bytes) else element.encode()
    return (base64.b64decode(raw, validate=True) if coded else raw).decode()


def _refused(flat: Sequence[Any], fits: Callable[[Any], bool], expected: str, place: str) -> InvalidInput:
    wrong = (Fault(f"{place}.data[{i}]", expected, show(value)) for i, value in enumerate(flat) if not fits(value))
    return InvalidInput.of(*few(wrong))


_READERS: Mapping[str, Callable[[Sequence[Any], str, str], Array]] = {
    "BOOL": _bools,
    "BYTES": _strings,
    "FP32": _floats,
    "FP64": _floats,
    **dict.fromkeys(("UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"), _integers),
}
