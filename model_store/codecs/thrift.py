"""Reading structs of Thrift's compact protocol, as Parquet's footers and page headers are, within bounds.

Numbers and field numbers wrap as they do in Thrift's own C++ reader, so that both read the same from the same bytes.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from model_store.request_errors import MalformedRequest, PayloadTooLarge

DEEPEST = 16
"""How deep structs and lists may nest."""
MOST_VALUES = 600_000
"""How many fields and list items a struct may hold in all."""

_LONGEST_VARINT = 10
_LONG_LIST = 15  # a list of this many items or more has its length after its head


class Kind(IntEnum):
    """The protocol's types of fields."""

    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    STRUCT = 12


Struct = dict[tuple[int, int], Any]
"""A struct's fields by number and kind: whole numbers, lists, and structs; None for what nobody here asks for."""

_BOOLS = (Kind.TRUE, Kind.FALSE)
_BITS: Mapping[int, int] = {Kind.I16: 16, Kind.I32: 32, Kind.I64: 64}
_FIXED_SIZES: Mapping[int, int] = {Kind.BYTE: 1, Kind.DOUBLE: 8}


def read_struct(data: bytes, at: int) -> tuple[Struct, int]:
    """Return the struct at ``at``, and where it ends.

    Raises MalformedRequest, and PayloadTooLarge for one of too many values.
    """
    reader = _Reader(data, at)
    try:
        return reader.struct(0), reader.at
    except IndexError as error:
        raise _unreadable() from error


class _Reader:
    """Reads values one after the other; IndexError says that the data has ended."""

    def __init__(self, data: bytes, at: int) -> None:
        if at < 0:
            raise _unreadable()
        self._data = data
        self._left = MOST_VALUES
        self.at = at

    def struct(self, depth: int) -> Struct:
        fields: Struct = {}
        seen: set[int] = set()
        number = 0
        while head := self._byte():
            number = _wrapped(number + (head >> 4), 16) if head >> 4 else self._whole_number(16)
            if number in seen:  # which of two counts is a matter of the reader
                raise _unreadable()
            seen.add(number)
            kind = head & 15
            fields[number, kind] = None if kind <= Kind.FALSE else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise PayloadTooLarge(
                f"The body has a header of more than {MOST_VALUES} values: use fewer, larger row groups"
            )
        if kind in _BITS:
            return self._whole_number(_BITS[kind])
        if kind == Kind.BINARY:
            return self._skip(_wrapped(self._varint(), 32))
        if kind in _FIXED_SIZES:
            return self._skip(_FIXED_SIZES[kind])
        if depth > DEEPEST:
            raise _unreadable()
        if kind == Kind.STRUCT:
            return self.struct(depth)
        if kind in {Kind.LIST, Kind.SET}:
            return self._list(depth)
        raise _unreadable()

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        kind = Kind.BYTE if head & 15 in _BOOLS else head & 15
        count = _wrapped(self._varint(), 32) if head >> 4 == _LONG_LIST else head >> 4
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _skip(self, length: int) -> None:
        self.at += length
        if length < 0 or self.at > len(self._data):
            raise _unreadable()

    def _varint(self) -> int:
        value = self._byte()
        if value < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value
        value &= 0x7F
        for i in range(1, _LONGEST_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << 7 * i
            if not byte & 0x80:
                return value
        raise _unreadable()

    def _whole_number(self, bits: int) -> int:
        """Read a zigzag-coded number."""
        varint = self._varint()
        if varint < 0x8000:  # noqa: PLR2004 - what is within every number's bits
            return (varint >> 1) ^ -(varint & 1)
        varint &= 2 ** max(bits, 32) - 1
        return _wrapped((varint >> 1) ^ -(varint & 1), bits)


def _wrapped(number: int, bits: int) -> int:
    """Return the number that the lowest ``bits`` bits mean in two's complement."""
    half = 1 << (bits - 1)
    return ((number + half) & (2 * half - 1)) - half


def _unreadable() -> MalformedRequest:
    return MalformedRequest("The body has a header that cannot be read")
