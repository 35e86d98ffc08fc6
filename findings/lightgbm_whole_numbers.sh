#!/usr/bin/env bash
# LightGBM 4.7.0: whole numbers in a NumPy array or a list are rounded to float32 before trees see them; in a DataFrame they are not.
#
# Guess: a model answers a row the same way whether it comes as an array of int64, an array of float64, a list or a DataFrame
#        of int64: all of them hold the number exactly, and thresholds are doubles.
# Seen:  fitted on float64, a tree splits 16777216 from 16777217 (2**24 and the next). As float64 array and as DataFrame of
#        int64 the two rows are answered 0 and 1. As int64 array, int32 array and list both are answered 0: such input is
#        cast to float32, where the two numbers are one. No warning is given.
# So:    ids, counts of bytes and timestamps as whole numbers need .astype(float) before predict (and before fit).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  lightgbm==4.7.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lightgbm
import numpy as np
import pandas as pd

numbers = np.array([[2**24], [2**24 + 1]] * 50)
options = {"n_estimators": 1, "learning_rate": 1.0, "min_child_samples": 1, "min_data_in_bin": 1, "verbose": -1}
model = lightgbm.LGBMRegressor(**options).fit(numbers.astype(float), [0.0, 1.0] * 50)
two = numbers[:2]
forms = {
    "float64 array": two.astype(float),
    "DataFrame of int64": pd.DataFrame(two),
    "int64 array": two,
    "int32 array": two.astype(np.int32),
    "list": two.tolist(),
}
answers = {form: model.predict(rows).tolist() for form, rows in forms.items()}
for form, answer in answers.items():
    print(f"{form}: {answer}")
assert answers["float64 array"] == answers["DataFrame of int64"] == [0.0, 1.0]
assert answers["int64 array"] == answers["int32 array"] == answers["list"] == [0.0, 0.0]
PYTHON
