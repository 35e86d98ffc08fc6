#!/usr/bin/env bash
# category_encoders 2.11.2: HashingEncoder puts a number into another column when a different row has a gap.
#
# Guess: numbers and texts that look alike stay apart: 1 has its own column, the text "1" another.
# Seen:  1 and "1" share one, since texts are hashed. A batch with one missing value holds floats, so 1 is hashed as
#        "1.0", and so is each other row of the batch, even in pandas' Int64, which keeps integers beside gaps.
# So:    a service that encodes codes such as postal areas answers a row differently by the rows it came with. Make
#        such columns text before the encoder, in training and in serving.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  category_encoders==2.11.2 scikit-learn==1.9.1 pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pandas as pd
from category_encoders import HashingEncoder

encoder = HashingEncoder(cols=["area"], n_components=8, max_process=1).fit(pd.DataFrame({"area": [1, 2]}))


def columns(area):
    return encoder.transform(pd.DataFrame({"area": area})).to_numpy().argmax(axis=1).tolist()


batches = {
    "numbers": [1, 2, 1],
    "texts": ["1", "2", "1"],
    "numbers and a gap": [1, 2, None],
    "Int64 and a gap": pd.array([1, 2, None], dtype="Int64"),
    "floats as texts": ["1.0", "2.0", "1.0"],
}
seen = {name: columns(area)[:2] for name, area in batches.items()}
for name, answer in seen.items():
    print(f"{name}: 1 and 2 are in columns {answer}")
assert seen["numbers"] == seen["texts"]
assert seen["numbers and a gap"] == seen["Int64 and a gap"] == seen["floats as texts"]
assert seen["numbers"][0] != seen["numbers and a gap"][0]
PYTHON
