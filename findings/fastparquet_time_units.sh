#!/usr/bin/env bash
# fastparquet 2026.9.0 with pandas 3.1.1: times in whole seconds are written a thousand or a million times too small.
#
# Guess: times that one of fastparquet and pyarrow writes, the other reads equal.
# Seen:  datetime64[s] is stored as so many milliseconds, in January 1970; timedelta64[s] as so many microseconds. The
#        other units are right. A `date` column of pyarrow's is read in nanoseconds: 9999-12-31 turns into 1816-03-29.
# So:    pd.Series(...).astype("datetime64[s]") needs another unit before it is written, and "valid until" columns need
#        another reader.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1 2>/dev/null
cd "$folder"
venv/bin/python - <<'PYTHON'
import datetime

import fastparquet
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

for unit, right in (("s", False), ("ms", True), ("us", True)):
    paid = pd.Series(["2024-05-01"]).astype(f"datetime64[{unit}]")
    delay = pd.to_timedelta(pd.Series(["90s"])).astype(f"timedelta64[{unit}]")
    fastparquet.write("written.parquet", pd.DataFrame({"paid": paid, "delay": delay}))
    [stored] = pq.read_table("written.parquet").to_pylist()
    print(f"2024-05-01 and 90 s in {unit}: stored as {stored['paid']} and {stored['delay']}")
    assert (stored["paid"] == datetime.datetime(2024, 5, 1)) is right
    assert (stored["delay"] == datetime.time(0, 1, 30)) is right

valid_until = [datetime.date(9999, 12, 31), datetime.date(2024, 1, 1)]
pq.write_table(pa.table({"valid_until": valid_until}), "dates.parquet")
read = fastparquet.ParquetFile("dates.parquet").to_pandas()["valid_until"]
print([str(day) for day in valid_until], "->", [f"{day:%Y-%m-%d}" for day in read])
assert [f"{day:%Y-%m-%d}" for day in read] == ["1816-03-29", "2024-01-01"]
PYTHON
