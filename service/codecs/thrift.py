"""Stepping over structs of Thrift's compact protocol, as Parquet page headers are; every read stays within the data."""

from enum import IntEnum

from service.errors import MalformedRequest

DEEPEST = 16
"""How deep structs and lists may nest."""

_LONGEST_VARINT = 10
_LONG_LIST = 15  # a list of this many items or more has its length after its head


class _Kind(IntEnum):
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


_BOOLS = (_Kind.TRUE, _Kind.FALSE)
_WHOLE_NUMBERS = (_Kind.I16, _Kind.I32, _Kind.I64)
_FIXED_SIZES = {_Kind.BYTE: 1, _Kind.DOUBLE: 8}


def read_struct(data: bytes, at: int) -> tuple[dict[int, int], int]:
    """The whole numbers of the struct at ``at`` by field number, and where it ends; raises MalformedRequest."""
    reader = _Reader(data, at)
    return reader.struct(0), reader.at


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def struct(self, depth: int) -> dict[int, int]:
        if depth > DEEPEST:
            raise _unreadable()
        numbers: dict[int, int] = {}
        field = 0
        while (head := self._byte()) != 0:
            field = field + (head >> 4) if head >> 4 else self._whole_number()
            if head & 15 in _WHOLE_NUMBERS:
                numbers[field] = self._whole_number()
            elif head & 15 not in _BOOLS:  # a field's bool is its kind
                self._skip(head & 15, depth + 1)
        return numbers

    def _skip(self, kind: int, depth: int) -> None:
        if kind in _WHOLE_NUMBERS:
            self._varint()
        elif kind == _Kind.STRUCT:
            self.struct(depth)
        elif kind in {_Kind.LIST, _Kind.SET}:
            self._list(depth)
        elif kind == _Kind.BINARY:
            self.at += self._varint()
        elif kind in _FIXED_SIZES:
            self.at += _FIXED_SIZES[_Kind(kind)]
        else:
            raise _unreadable()

    def _list(self, depth: int) -> None:
        if depth > DEEPEST:
            raise _unreadable()
        head = self._byte()
        kind = _Kind.BYTE if head & 15 in _BOOLS else head & 15
        for _ in range(self._varint() if head >> 4 == _LONG_LIST else head >> 4):
            self._skip(kind, depth + 1)
            if self.at > len(self._data):
                raise _unreadable()

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise _unreadable()
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _varint(self) -> int:
        value = 0
        for i in range(_LONGEST_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << 7 * i
            if not byte & 0x80:
                return value
        raise _unreadable()

    def _whole_number(self) -> int:
        zigzag = self._varint()
        return (zigzag >> 1) ^ -(zigzag & 1)


def _unreadable() -> MalformedRequest:
    return MalformedRequest("The body has a header that cannot be read")
