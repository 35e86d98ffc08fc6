"""Reading single fields of FlatBuffers tables, as Arrow IPC messages are; every read stays within the data."""

import struct
from collections.abc import Iterator

from model_store.request_errors import MalformedRequest


def root(data: bytes) -> "Table":
    """Return the table that a buffer holds."""
    return Table(data, _offset(data, 0))


class Table:
    """One table. Fields go by their number. Raises MalformedRequest if the data ends too soon."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - _unpack("<i", data, at)

    def position(self, field: int) -> int | None:
        """Return where a field's value stands, or None if it has its default."""
        entry = 4 + 2 * field
        if entry + 2 > _unpack("<H", self._data, self._fields):
            return None
        offset = _unpack("<H", self._data, self._fields + entry)
        return self._at + offset if offset else None

    def table(self, field: int) -> "Table":
        """Return the table that a field refers to. Raises MalformedRequest without one."""
        at = self.position(field)
        if at is None:
            raise MalformedRequest("The body has a message without content")
        return Table(self._data, _offset(self._data, at))

    def uint8(self, field: int) -> int:
        """Return a field's byte, 0 by default."""
        at = self.position(field)
        return 0 if at is None else _unpack("<B", self._data, at)

    def int64(self, field: int) -> int:
        """Return a field's long, 0 by default."""
        at = self.position(field)
        return 0 if at is None else _unpack("<q", self._data, at)

    def blocks(self, field: int) -> list[tuple[int, int, int]]:
        """Return a vector of structs of a long, an int and a long, empty by default.

        Raises MalformedRequest if it leaves the buffer.
        """
        return [(offset, head, body) for offset, head, body in self._structs(field, "<qi4xq")]

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Return a vector of structs of two longs, empty by default.

        Raises MalformedRequest if it leaves the buffer.
        """
        return [(first, second) for first, second in self._structs(field, "<qq")]

    def _structs(self, field: int, form: str) -> Iterator[tuple[int, ...]]:
        at = self.position(field)
        if at is None:
            return iter(())
        start = _offset(self._data, at)
        end = start + 4 + struct.calcsize(form) * _unpack("<I", self._data, start)
        if end > len(self._data):
            raise _cut_short()
        return struct.iter_unpack(form, self._data[start + 4 : end])


def _unpack(form: str, data: bytes, at: int) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(form):
        raise _cut_short()
    value: int = struct.unpack_from(form, data, at)[0]
    return value


def _offset(data: bytes, at: int) -> int:
    return at + _unpack("<I", data, at)


def _cut_short() -> MalformedRequest:
    return MalformedRequest("The body has a message that is cut short")
