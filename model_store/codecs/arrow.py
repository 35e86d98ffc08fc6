"""Apache Arrow IPC bodies, stream and file form, both ways; and Arrow columns as the arrays that validation takes.

A body is foreign data: its messages are measured before anything is allocated for them, its arrays are validated in
full before they are read, and extension types are refused.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from model_store.batch import Array
from model_store.codecs import flatbuffers
from model_store.codecs.media_types import ARROW_FILE
from model_store.codecs.placing import MOST_ROWS, places
from model_store.request_errors import Fault, InvalidInput, MalformedRequest, PayloadTooLarge
from model_store.schema import DATETIMES, INTEGERS, TIMEDELTAS, Column, Schema
from model_store.validation.words import expected

LEAST_DECODED_LIMIT = 128 * 2**20
"""A body may always decode to this many bytes, however small it is."""
LARGEST_GROWTH = 4
"""A larger body may decode to this many times its own size."""
MOST_PARTS = 10_000
"""Most record batches in an Arrow body and row groups in a Parquet body: each costs time."""

READ_ERRORS = (
    pa.ArrowException,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    MemoryError,
    struct.error,
)
"""What pyarrow raises for bytes that are not what they say."""

_MAGIC = b"ARROW1"
_FILE_TAIL = 10  # the footer's length and the magic bytes
_CONTINUATION = b"\xff\xff\xff\xff"
_MESSAGE_HEADER_TYPE, _MESSAGE_HEADER, _MESSAGE_BODY_LENGTH = 1, 2, 3  # the fields' numbers in format/Message.fbs
_FOOTER_DICTIONARIES, _FOOTER_BATCHES = 2, 3  # and in format/File.fbs
_DICTIONARY_BATCH, _RECORD_BATCH, _DICTIONARY_DATA = 2, 3, 1
_BATCH_LENGTH, _BATCH_BUFFERS, _BATCH_COMPRESSION = 0, 2, 3
_OPTIONS = pa.ipc.IpcReadOptions(use_threads=False)
_PREFIX = 8  # a compressed buffer begins with its decompressed length, a long,
_RAW = -1  # or with this, where it is not compressed after all
_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_PLAIN = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
_TIMES = (pa.types.is_timestamp, pa.types.is_date)
_DURATIONS = (pa.types.is_duration,)


def decoded_limit(body: bytes) -> int:
    """Return the most bytes that ``body`` may decode to."""
    return max(LEAST_DECODED_LIMIT, LARGEST_GROWTH * len(body))


def read_columns(body: bytes, schema: Schema, max_rows: int = MOST_ROWS) -> dict[str, Array | list[Any]]:
    """Return the model's columns by name, sharing the body's memory if it holds plain numbers.

    Raises MalformedRequest if the body is no Arrow IPC stream or file, InvalidInput, and PayloadTooLarge, for more
    than ``max_rows`` rows too.
    """
    is_file = body.startswith(_MAGIC)
    try:
        _measure(_messages_of_file(body) if is_file else _messages_of_stream(body), decoded_limit(body), max_rows)
        table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(pa.py_buffer(body), options=_OPTIONS).read_all()
    except READ_ERRORS as error:
        raise MalformedRequest("The body is not a readable Arrow IPC stream or file") from error
    return table_columns(table, schema, decoded_limit(body))


def table_columns(table: Any, schema: Schema, limit: int) -> dict[str, Array | list[Any]]:
    """Return the model's columns of a foreign ``pyarrow.Table``, whose buffers may refer to ``limit`` bytes.

    Raises MalformedRequest, InvalidInput, PayloadTooLarge.
    """
    try:
        order = places(schema, table.column_names)
        chosen = {column.name: table.column(order[column.name]) for column in schema.columns if column.name in order}
        for name, data in chosen.items():
            check_type(name, schema, data.type)
        _check_arrays(chosen.values(), limit)
        return {c.name: _values(c, chosen[c.name]) for c in schema.columns if c.name in chosen}
    except READ_ERRORS as error:
        raise MalformedRequest("The body's columns do not hold what their types say") from error


def check_type(name: str, schema: Schema, found: Any) -> None:
    """Raise InvalidInput if no value of the Arrow type ``found`` could go into the column ``name``."""
    kind = found.value_type if pa.types.is_dictionary(found) else found
    if not _is(kind, (*_PLAIN, *_TEXT, *_TIMES, *_DURATIONS, pa.types.is_decimal)):
        column = next(column for column in schema.columns if column.name == name)
        raise _wrong(column, f"a column of type {str(found)[:40]}")


def write(
    outputs: Mapping[str, Array], labels: Mapping[str, Sequence[Any]], about: Mapping[str, str], form: str
) -> bytes:
    """Return a table of one column for each output, in the form ARROW_STREAM or ARROW_FILE.

    Entries that are arrays themselves become fixed-size lists. ``labels`` name their positions and stand, as JSON, in
    the field's metadata under ``labels``; ``about`` is the table's own metadata.
    """
    columns = [_column(array) for array in outputs.values()]
    fields = [
        pa.field(name, column.type, metadata={"labels": orjson.dumps(list(labels[name]))} if labels.get(name) else None)
        for name, column in zip(outputs, columns, strict=True)
    ]
    schema = pa.schema(fields, metadata=dict(about))
    sink = pa.BufferOutputStream()
    make = pa.ipc.new_file if form == ARROW_FILE else pa.ipc.new_stream
    with make(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _column(array: Array) -> Any:
    if array.dtype.kind in "OU":
        flat: Any = pa.array(array.ravel().tolist(), type=pa.string())
    else:
        flat = pa.array(np.ascontiguousarray(array).ravel())
    for extent in reversed(array.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, extent)
    return flat


def _messages_of_stream(body: bytes) -> Iterator[tuple[flatbuffers.Table, Any]]:
    """Yield each message of a stream, and the bytes that follow it."""
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        yield flatbuffers.root(bytes(message.metadata)), message.body


def _messages_of_file(body: bytes) -> Iterator[tuple[flatbuffers.Table, Any]]:
    """Yield the messages that a file's footer names, and the bytes that follow each (Arrow's format/File.fbs).

    The footer alone says where they are: what lies between them, and in front of them, differs from writer to writer.
    Raises MalformedRequest.
    """
    if len(body) < len(_MAGIC) + _FILE_TAIL or not body.endswith(_MAGIC):
        raise MalformedRequest("The Arrow IPC file is cut short: it does not end with its magic bytes")
    (length,) = struct.unpack_from("<i", body, len(body) - _FILE_TAIL)
    start = len(body) - _FILE_TAIL - length
    if length < 0 or start < len(_MAGIC):
        raise MalformedRequest("The Arrow IPC file has a footer that does not fit into it")
    footer = flatbuffers.root(body[start : start + length])
    for field in (_FOOTER_DICTIONARIES, _FOOTER_BATCHES):
        for block in footer.blocks(field):
            yield _message_at(body[:start], *block)


def _message_at(body: bytes, offset: int, head: int, length: int) -> tuple[flatbuffers.Table, Any]:
    """Return the message in a block of a file, and the bytes that follow it. Raises MalformedRequest."""
    end = offset + head + length
    if min(offset, length) < 0 or head < 2 * _PREFIX or end > len(body):
        raise MalformedRequest("The Arrow IPC file has a block that is not in it")
    marked = body.startswith(_CONTINUATION, offset)  # older writers have the length alone
    message = flatbuffers.root(body[offset + (_PREFIX if marked else _PREFIX // 2) : offset + head])
    if message.int64(_MESSAGE_BODY_LENGTH) != length:
        raise MalformedRequest("The Arrow IPC file has a block of another length than its message says")
    return message, memoryview(body)[offset + head : end]


def _measure(messages: Iterable[tuple[flatbuffers.Table, Any]], limit: int, max_rows: int) -> None:
    """Refuse what is too large from what its messages say of themselves, before their buffers are decompressed."""
    rows = size = parts = 0
    for message, data in messages:
        kind = message.uint8(_MESSAGE_HEADER_TYPE)
        if kind not in {_DICTIONARY_BATCH, _RECORD_BATCH}:
            continue
        length, grown = _batch_extent(message, data)
        if kind == _DICTIONARY_BATCH:
            check_extent(length, 0, 0, limit, MOST_ROWS)
        else:
            rows += length
        size, parts = size + grown, parts + 1
        if length < 0 or grown < 0:
            raise MalformedRequest("The Arrow body has a batch of negative length")
        check_extent(rows, size, parts, limit, max_rows)


def check_extent(rows: int, size: int, parts: int, limit: int, max_rows: int) -> None:
    """Raise PayloadTooLarge for more rows, decoded bytes or parts than a body may hold."""
    if rows > max_rows:
        raise PayloadTooLarge(f"The body has more than {max_rows} rows")
    if size > limit:
        raise PayloadTooLarge(f"The body decodes to more than {limit} bytes")
    if parts > MOST_PARTS:
        raise PayloadTooLarge(f"The body has more than {MOST_PARTS} record batches or row groups: use larger ones")


def _batch_extent(message: flatbuffers.Table, body: Any) -> tuple[int, int]:
    """Return rows and decoded bytes of one record batch or dictionary batch (Arrow's format/Message.fbs).

    Raises MalformedRequest.
    """
    batch = message.table(_MESSAGE_HEADER)
    if message.uint8(_MESSAGE_HEADER_TYPE) == _DICTIONARY_BATCH:
        batch = batch.table(_DICTIONARY_DATA)
    compressed = batch.position(_BATCH_COMPRESSION) is not None
    size = 0
    for offset, length in batch.pairs(_BATCH_BUFFERS):
        raw = struct.unpack_from("<q", body, offset)[0] if compressed and length >= _PREFIX else _RAW
        size += length if raw == _RAW else raw
        if length < 0 or raw < _RAW:
            raise MalformedRequest("The Arrow body has a buffer of negative length")
    return batch.int64(_BATCH_LENGTH), size


def _check_arrays(columns: Any, limit: int) -> None:
    size = 0
    for column in columns:
        column.validate()  # buffers are as long as they must be; only then may sizes be asked for
        size += column.nbytes
        if pa.types.is_string_view(column.type):
            size += sum(map(_viewed_bytes, column.chunks))
        if size > limit:
            raise PayloadTooLarge(f"The body decodes to more than {limit} bytes")
        column.validate(full=True)


def _viewed_bytes(chunk: Any) -> int:
    """Count the bytes that text views show in all: they may overlap. A view's first of four int32 is its length."""
    views = np.frombuffer(chunk.buffers()[1], np.int32).reshape(-1, 4)[chunk.offset : chunk.offset + len(chunk)]
    return int(np.where(chunk.is_valid().to_numpy(zero_copy_only=False), views[:, 0], 0).astype(np.int64).sum())


def _values(column: Column, data: Any) -> Array | list[Any]:
    if pa.types.is_dictionary(data.type):
        if _is(data.type.value_type, _TEXT):
            return _shared_text(data)
        data = data.cast(data.type.value_type)
    if pa.types.is_decimal(data.type):
        data = data.cast(pa.float64())
    if column.dtype in DATETIMES and _is(data.type, _TIMES):
        return _times(column, data)
    if column.dtype in TIMEDELTAS and _is(data.type, _DURATIONS):
        return _in_unit(column, data, pa.duration)
    if _is(data.type, (*_TIMES, *_DURATIONS)):
        raise _wrong(column, f"a column of type {data.type}")
    if data.null_count and column.dtype in INTEGERS:
        values: list[Any] = data.to_pylist()  # as an array, null would make them floats
        return values
    array: Array = data.chunk(0).to_numpy(zero_copy_only=False) if data.num_chunks == 1 else data.to_numpy()
    return array


def _shared_text(data: Any) -> Array:
    """Return the text of dictionary-encoded columns: rows share the dictionary's strings, however many they are."""
    parts = [np.empty(0, dtype=object)]
    for chunk in data.chunks:
        words = np.array([*chunk.dictionary.to_pylist(), None], dtype=object)
        parts.append(words[chunk.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)


def _times(column: Column, data: Any) -> Array:
    zone = data.type.tz if pa.types.is_timestamp(data.type) else None
    if column.zone and zone is None:
        raise _wrong(column, f"a column of type {data.type}, which has no time zone")
    return _in_unit(column, data, lambda unit: pa.timestamp(unit, zone))


def _in_unit(column: Column, data: Any, kind: Callable[[str], Any]) -> Array:
    """Return times or durations in the column's unit, without cutting anything off. Raises InvalidInput."""
    try:
        array: Array = data.cast(kind(column.time_unit)).to_numpy()
    except pa.ArrowInvalid:
        raise _wrong(column, f"values of type {data.type} that do not fit {column.dtype}") from None
    return array


def _is(kind: Any, questions: Sequence[Any]) -> bool:
    return any(question(kind) for question in questions)


def _wrong(column: Column, got: str) -> InvalidInput:
    return InvalidInput.of(Fault(f"column {column.name}", expected(column), got))
