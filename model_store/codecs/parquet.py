"""Apache Parquet bodies: only the model's columns are read, and only after the file's pages have been measured.

Footer and page headers are read here and not through pyarrow's metadata objects: those abort the process when a
damaged footer lacks what they ask for.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_store.batch import Array
from model_store.codecs.arrow import READ_ERRORS, check_extent, check_type, decoded_limit, table_columns
from model_store.codecs.placing import MOST_ROWS, places
from model_store.codecs.thrift import Kind, Struct, read_struct
from model_store.request_errors import MalformedRequest
from model_store.schema import Schema

_BYTES_PER_VALUE = 8
_MOST_LISTED = 100_000
_UNREADABLE = "The body is not a readable Parquet file"

_MAGIC = b"PAR1"
_TAIL = 8  # the footer's length and the magic bytes
# Fields by number and kind, as in parquet.thrift:
_FILE_ROWS, _FILE_GROUPS = (3, Kind.I64), (4, Kind.LIST)
_GROUP_CHUNKS, _GROUP_ROWS = (1, Kind.LIST), (3, Kind.I64)
_CHUNK_ELSEWHERE, _CHUNK_METADATA = (1, Kind.BINARY), (3, Kind.STRUCT)
_CHUNK_ENCODINGS, _CHUNK_BYTES = (2, Kind.LIST), (7, Kind.I64)
_CHUNK_DATA, _CHUNK_DICTIONARY = (9, Kind.I64), (11, Kind.I64)
_PREFIXED = 7  # DELTA_BYTE_ARRAY: how much of the text before it a text repeats, and what follows
_DELTA_TEXTS = {6, _PREFIXED}  # DELTA_LENGTH_BYTE_ARRAY: all lengths, then all texts
_PAGE_DECODED, _PAGE_COMPRESSED = (2, Kind.I32), (3, Kind.I32)


@dataclass(frozen=True, slots=True)
class _Extent:
    """How large a file is: its rows, whether texts may stay in dictionaries, and the largest page of repeated prefixes.

    pyarrow cannot keep texts in dictionaries if some are in delta encodings.
    """

    rows: int
    in_dictionaries: bool
    largest_prefixed: int


def read_columns(
    body: bytes, schema: Schema, max_rows: int = MOST_ROWS, limit: int | None = None
) -> dict[str, Array | list[Any]]:
    """Return the model's columns by name.

    Raises MalformedRequest, InvalidInput, and PayloadTooLarge for more than ``max_rows`` rows, or for pages that decode
    to more than ``limit`` bytes, by default ``decoded_limit(body)``.
    """
    limit = decoded_limit(body) if limit is None else limit
    try:
        extent = _measure(body, limit, max_rows)
        if not extent.rows:  # its pages may have no headers
            return {name: [] for name in schema.names}
        with _open(body, _texts(body, schema) if extent.in_dictionaries else []) as file:
            found = file.schema_arrow
            wanted = [found.names[place] for place in places(schema, found.names).values()]
            check_extent(extent.rows, extent.rows * len(wanted) * _BYTES_PER_VALUE, 0, limit, max_rows)
            for name, place in places(schema, found.names).items():
                check_type(name, schema, found.field(place).type)
            table = _read(file, wanted, extent, limit)
    except READ_ERRORS as error:
        raise MalformedRequest(_UNREADABLE) from error
    return table_columns(table, schema, limit)


def _read(file: Any, wanted: list[str], extent: _Extent, limit: int) -> Any:
    """Return the wanted columns, at once, or some rows after the other where texts may grow beyond their pages.

    Raises PayloadTooLarge.
    """
    if not extent.largest_prefixed:
        return file.read(columns=wanted, use_threads=False)
    batches, size = [], 0
    rows = max(1, limit // extent.largest_prefixed)  # no text is longer than the page that it is in
    for batch in file.iter_batches(batch_size=rows, columns=wanted, use_threads=False):
        size += batch.nbytes
        check_extent(0, size, 0, limit, 0)
        batches.append(batch)
    return pa.Table.from_batches(batches)


def _texts(body: bytes, schema: Schema) -> list[str]:
    """Return the columns of text that the file has: pyarrow refuses to be told of others."""
    texts = [column.name for column in schema.columns if column.dtype == "string"]
    if not texts:
        return []
    with _open(body, []) as file:
        found = set(file.schema_arrow.names)
    return [name for name in texts if name in found]


def _open(body: bytes, texts: list[str]) -> Any:
    return pq.ParquetFile(
        pa.BufferReader(body),
        # text stays dictionary-encoded: one long string that a million rows share stays one
        read_dictionary=texts,
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=len(body),
        thrift_container_size_limit=_MOST_LISTED,
    )


def _measure(body: bytes, limit: int, max_rows: int) -> _Extent:
    """Return how large a file is. Raises PayloadTooLarge, before any page is decoded, if that is too large."""
    footer = _footer(body)
    groups = footer.get(_FILE_GROUPS) or []
    counts = [_number(group, _GROUP_ROWS) for group in groups]
    rows = sum(counts)
    if _number(footer, _FILE_ROWS) != rows:
        raise MalformedRequest(_UNREADABLE)
    check_extent(rows, 0, len(groups), limit, max_rows)
    size = largest_prefixed = 0
    in_dictionaries = True
    for chunk in _chunks(groups if rows else []):
        encodings = set(chunk.get(_CHUNK_ENCODINGS) or [])
        in_dictionaries &= not encodings & _DELTA_TEXTS
        for decoded in _page_sizes(body, chunk):
            size += decoded
            check_extent(rows, size, len(groups), limit, max_rows)
            largest_prefixed = max(largest_prefixed, decoded if _PREFIXED in encodings else 0)
    return _Extent(rows, in_dictionaries, largest_prefixed)


def _footer(body: bytes) -> Struct:
    if len(body) < len(_MAGIC) + _TAIL or not body.startswith(_MAGIC) or not body.endswith(_MAGIC):
        raise MalformedRequest(f"{_UNREADABLE}: it does not begin and end with PAR1")
    length = struct.unpack_from("<I", body, len(body) - _TAIL)[0]
    start = len(body) - _TAIL - length
    if start < len(_MAGIC):
        raise MalformedRequest(f"{_UNREADABLE}: its footer is cut short")
    return read_struct(body, start)[0]


def _chunks(groups: list[Any]) -> Iterator[Struct]:
    for group in groups:
        for chunk in group.get(_GROUP_CHUNKS) or []:
            if not isinstance(chunk, dict) or _CHUNK_ELSEWHERE in chunk or not chunk.get(_CHUNK_METADATA):
                raise MalformedRequest(_UNREADABLE)
            yield chunk[_CHUNK_METADATA]


def _page_sizes(body: bytes, chunk: Struct) -> Iterator[int]:
    """Yield the bytes that each of a column chunk's pages decodes to, from the pages' own headers."""
    at = _number(chunk, _CHUNK_DATA)  # 0 if there is none, as in a row group without rows
    dictionary = chunk.get(_CHUNK_DICTIONARY, 0)
    if dictionary > 0 and (dictionary < at or not at):
        at = dictionary
    end = at + _number(chunk, _CHUNK_BYTES)
    if end > len(body):
        raise MalformedRequest(_UNREADABLE)
    while at < end:
        page, at = read_struct(body, at)
        at += _number(page, _PAGE_COMPRESSED)
        yield _number(page, _PAGE_DECODED)


def _number(fields: Any, field: tuple[int, int]) -> int:
    """Return a field that must be there and must not be negative. Raises MalformedRequest."""
    number = fields.get(field, -1) if isinstance(fields, dict) else -1
    if number < 0:
        raise MalformedRequest(_UNREADABLE)
    return int(number)
