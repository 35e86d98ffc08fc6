"""Frames: a mark, two lengths, a head that says what the frame is, and a body of arrays.

The mark is four bytes; then the bytes of the head (uint32) and of the body (uint64), little-endian; then the head,
padded to a multiple of 8 bytes, and the body. All is bounded before memory is taken for it.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from model_store.batch import Array, Batch
from service.model_process.arrays import BadFrame, Buffer, packed, unpacked
from service.model_process.messages import Answer, Ask, Message, Piece

MARK = b"MRF1"
START = struct.Struct("<4sIQ")
MOST_HEAD = 8 * 2**20
"""Bytes of a head: a hundred for each of as many columns as any table has."""
MOST_BODY = 4 * 2**30

_ALIGNMENT = 8
_SMALLEST_READ = 64 * 1024
_LARGEST_READ = 2**20
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class Frame(NamedTuple):
    """A frame that has come in: what it says, and the bytes of its arrays."""

    message: Message
    body: memoryview


def written(message: Message, body: Sequence[Buffer] = ()) -> list[Buffer]:
    """Return a frame as buffers to be sent one after the other."""
    head = _encode(message)
    start = START.pack(MARK, len(head), sum(len(buffer) for buffer in body))
    return [start + head + bytes(_padded(len(head)) - len(head)), *body]


class Incoming:
    """Puts frames together from what a socket gives. One frame at a time: who asks waits for the answer."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._length = 0

    @property
    def missing(self) -> int:
        """How many bytes to ask the socket for."""
        return min(max(self._length - len(self._bytes), _SMALLEST_READ), _LARGEST_READ)

    def take(self, data: bytes, most: int = MOST_BODY) -> Frame | None:
        """Return the frame that these bytes complete, if any; its body may have ``most`` bytes. Raises BadFrame."""
        self._bytes += data
        if not self._length and len(self._bytes) >= START.size:
            self._length = _length(self._bytes, most)
        if not self._length or len(self._bytes) < self._length:
            return None
        if len(self._bytes) > self._length:
            raise BadFrame("bytes follow it that nobody asked for")
        whole, self._bytes, self._length = self._bytes, bytearray(), 0
        return _read(memoryview(whole))


def _length(data: bytearray, most: int) -> int:
    mark, head, body = START.unpack_from(data)
    if mark != MARK:
        raise BadFrame("it does not begin with the mark of a frame")
    if head > MOST_HEAD or body > most:
        raise BadFrame(f"it has a head of {head} and a body of {body} bytes: at most {MOST_HEAD} and {most} are taken")
    return START.size + _padded(head) + int(body)


def _read(data: memoryview) -> Frame:
    head = START.unpack_from(data)[1]
    try:
        message = _decode(data[START.size : START.size + head])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # msgspec lets the second one through
        raise BadFrame(f"its head is none: {error}") from error
    return Frame(message, data[START.size + _padded(head) :])


def _padded(length: int) -> int:
    return length + -length % _ALIGNMENT


def question(batch: Batch, outputs: Sequence[str]) -> list[Buffer]:
    """Return the frame that asks for the outputs of a batch. Raises TypeError for values that no schema has."""
    arrays = {"": batch.matrix} if batch.matrix is not None else batch.columns or {}
    pieces, body = _all_packed(arrays)
    return written(Ask(batch.rows, tuple(outputs), batch.matrix is not None, pieces), body)


def digest(batch: Batch, outputs: Sequence[str]) -> bytes:
    """Return the SHA-256 of a question (32 bytes). Raises TypeError for values that no schema has."""
    found = hashlib.sha256()
    for buffer in question(batch, outputs):
        found.update(buffer)
    return found.digest()


def batch_of(ask: Ask, body: memoryview) -> Batch:
    """Return the rows that a question brings. Raises BadFrame."""
    arrays = arrays_of(ask.pieces, body)
    if any(len(array) != ask.rows for array in arrays.values()):
        raise BadFrame(f"its arrays have not {ask.rows} rows each")
    if not ask.matrix:
        return Batch(ask.rows, columns=arrays)
    if len(arrays) != 1:
        raise BadFrame(f"it has {len(arrays)} arrays: expected a matrix")
    return Batch(ask.rows, matrix=next(iter(arrays.values())))


def answer(outputs: Mapping[str, Array], seconds: float) -> list[Buffer]:
    """Return the frame that answers with these outputs. Raises TypeError for values that no schema has."""
    pieces, body = _all_packed(outputs)
    return written(Answer(seconds, pieces), body)


def arrays_of(pieces: Sequence[Piece], body: memoryview) -> dict[str, Array]:
    """Return the arrays in a body, by their names. Raises BadFrame unless they are all of the body."""
    if any(piece.bytes < 0 for piece in pieces) or sum(piece.bytes for piece in pieces) != len(body):
        raise BadFrame(f"its arrays are not the {len(body)} bytes of its body")
    end, arrays = 0, {}
    for piece in pieces:
        start, end = end, end + piece.bytes
        arrays[piece.name] = unpacked(piece, body[start:end])
    if len(arrays) != len(pieces):
        raise BadFrame("two of its arrays have the same name")
    return arrays


def _all_packed(arrays: Mapping[str, Array]) -> tuple[tuple[Piece, ...], list[Buffer]]:
    pieces, body = [], []
    for name, array in arrays.items():
        piece, buffers = packed(name, array)
        pieces.append(piece)
        body += buffers
    return tuple(pieces), body
