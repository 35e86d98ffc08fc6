"""Apache Parquet bodies: only the model's columns are read, and only after their pages have been measured."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_store.batch import Array
from model_store.schema import Schema
from service.codecs import thrift
from service.codecs.arrow import READ_ERRORS, check_extent, decoded_limit, table_columns
from service.codecs.placing import places
from service.errors import MalformedRequest

_BYTES_PER_VALUE = 8
_MOST_LISTED = 100_000
_PAGE_DECODED, _PAGE_COMPRESSED = 2, 3  # the fields' numbers in a page header (parquet.thrift)
_UNREADABLE = "The body is not a readable Parquet file"


def read_columns(body: bytes, schema: Schema) -> dict[str, Array | list[Any]]:
    """The model's columns by name; raises MalformedRequest, PayloadTooLarge or InvalidInput."""
    limit = decoded_limit(body)
    try:
        with _open(body, schema) as file:
            names = file.schema_arrow.names
            wanted = [names[place] for place in places(schema, names).values()]
            _measure(body, file.metadata, wanted, limit)
            table = file.read(columns=wanted, use_threads=False)
    except READ_ERRORS as error:
        raise MalformedRequest(_UNREADABLE) from error
    return table_columns(table, schema, limit)


def _open(body: bytes, schema: Schema) -> Any:
    return pq.ParquetFile(
        pa.BufferReader(body),
        # text stays dictionary-encoded: one long string that a million rows share stays one
        read_dictionary=[column.name for column in schema.columns if column.dtype == "string"],
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=len(body),
        thrift_container_size_limit=_MOST_LISTED,
    )


def _measure(body: bytes, metadata: Any, wanted: list[str], limit: int) -> None:
    """Refuse what is too large from what footer and page headers say, before any page is decompressed."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    if any(group.num_rows < 0 for group in groups) or metadata.num_rows != rows:
        raise MalformedRequest(_UNREADABLE)
    check_extent(rows, rows * len(wanted) * _BYTES_PER_VALUE, len(groups), limit)
    size = 0
    for chunk in _chunks(groups, frozenset(wanted)):
        size += _decoded_size(body, chunk)
        check_extent(rows, size, len(groups), limit)


def _chunks(groups: Iterable[Any], wanted: frozenset[str]) -> Iterable[Any]:
    for group in groups:
        for i in range(group.num_columns):
            chunk = group.column(i)
            if chunk.path_in_schema in wanted or chunk.path_in_schema.partition(".")[0] in wanted:
                yield chunk


def _decoded_size(body: bytes, chunk: Any) -> int:
    """The bytes that a column chunk's pages decode to, added up from the pages' own headers."""
    at, size = chunk.data_page_offset, 0
    if chunk.dictionary_page_offset is not None and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = at + chunk.total_compressed_size
    if not 0 <= at <= end <= len(body):
        raise MalformedRequest(_UNREADABLE)
    while at < end:
        header, at = thrift.read_struct(body, at)
        decoded, compressed = header.get(_PAGE_DECODED, -1), header.get(_PAGE_COMPRESSED, -1)
        if decoded < 0 or compressed < 0:
            raise MalformedRequest(_UNREADABLE)
        at += compressed
        size += decoded
    return size
