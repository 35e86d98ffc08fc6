#!/usr/bin/env bash
# liac-arff 2.5.0: the category "?" turns into a missing value, and an omitted text of a sparse row into the text "0".
#
# Guess: dumps() quotes a category that is spelled "?", so that loads() gives it back; a text that a sparse row omits
#        comes back as "" or None.
# Seen:  "?" is written without quotes and read as None. The empty text is written as "?" too, and is None as well. With
#        return_type=DENSE an omitted number is 0.0, an omitted category is the first one, and an omitted text is "0".
# So:    a data set that went through this format may have gaps, and texts "0", that were never measured.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check liac-arff==2.5.0 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import arff

attributes = [("answer", ["yes", "?"]), ("remark", "STRING")]
rows = [["yes", "good"], ["?", ""]]
read = arff.loads(arff.dumps({"relation": "survey", "attributes": attributes, "data": rows}))["data"]
print(rows, "->", read)
assert read == [["yes", "good"], [None, None]]

sparse = """@RELATION survey
@ATTRIBUTE age NUMERIC
@ATTRIBUTE answer {no,yes}
@ATTRIBUTE remark STRING
@DATA
{0 41}
{1 yes,2 good}
"""
dense = arff.loads(sparse, return_type=arff.DENSE)["data"]
print("sparse ->", dense)
assert dense == [[41.0, "no", "0"], [0.0, "yes", "good"]]
PYTHON
