#!/usr/bin/env bash
# fastparquet 2026.9.0 on files of pyarrow 26.0.1: two encodings of the Parquet standard are read as other values.
#
# Guess: what is written in any of the standard's encodings is read equal, or refused.
# Seen:  DELTA_BYTE_ARRAY and BYTE_STREAM_SPLIT are refused. 64-bit integers in DELTA_BINARY_PACKED are right in a data
#        page of version 1. In one of version 2, each pair of them becomes one number. Booleans in RLE are right in
#        version 2; in version 1 others come before them.
# So:    a count of rows and a column's type say nothing here: compare a sum with the writer's. Columns of 32 bits are
#        right, which hides it in tests on small numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1 2>/dev/null
cd "$folder"
venv/bin/python - <<'PYTHON'
import fastparquet
import pyarrow as pa
import pyarrow.parquet as pq


def read(values, encoding, version):
    table = pa.table({"column": values})
    pq.write_table(
        table,
        "one.parquet",
        use_dictionary=False,
        column_encoding={"column": encoding},
        data_page_version=version,
    )
    assert pq.read_table("one.parquet").equals(table)
    answer = fastparquet.ParquetFile("one.parquet").to_pandas()["column"].tolist()
    print(f"{encoding} {values.type} in pages {version}: {values.to_pylist()} -> {answer}")
    return answer


numbers = [7, 14, 3, 28, 5]
assert read(pa.array(numbers, pa.int64()), "DELTA_BINARY_PACKED", "1.0") == numbers
assert read(pa.array(numbers, pa.int32()), "DELTA_BINARY_PACKED", "2.0") == numbers
paired = read(pa.array(numbers, pa.int64()), "DELTA_BINARY_PACKED", "2.0")
assert paired[:2] == [7 + (14 << 32), 3 + (28 << 32)]

flags = [True, True, False, False, False]
assert read(pa.array(flags), "RLE", "2.0") == flags
assert read(pa.array(flags), "RLE", "1.0") == [False, True, True, False, False]
PYTHON
