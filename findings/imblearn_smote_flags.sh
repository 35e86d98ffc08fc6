#!/usr/bin/env bash
# imbalanced-learn 0.14.2: SMOTE makes a 0/1 column rarer if it holds integers, and more frequent if it holds bools.
#
# Guess: a row between one with the flag and one without gets a fraction, or the nearer of both values.
# Seen:  the fraction is cast to the column's type without rounding. An integer loses it, so the flag is 0; a bool is
#        true unless the fraction is exactly 0, so it is True. Same rows, same seed: two different answers.
# So:    whole numbers such as counts shrink in synthetic rows, and flags move either way with a change of dtype that
#        means nothing elsewhere. SMOTENC, told which columns are categories, keeps to values that were there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  imbalanced-learn==0.14.2 scikit-learn==1.9.1 pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE

draws = np.random.default_rng(0)
y = np.repeat([0, 1], [800, 200])
amount = draws.normal(size=1000) * 100
flag = np.arange(1000) % 2

shares = {}
for dtype in ("float64", "int64", "bool"):
    rows = pd.DataFrame({"amount": amount, "flag": flag.astype(dtype)})
    resampled, _ = SMOTE(random_state=0).fit_resample(rows, y)
    synthetic = resampled["flag"][1000:]
    assert synthetic.dtype == dtype
    shares[dtype] = synthetic.mean()
    print(f"{dtype}: mean of the flag 0.50 in the rows given, {shares[dtype]:.2f} in {len(synthetic)} synthetic ones")
assert abs(shares["float64"] - 0.5) < 0.05
assert shares["int64"] < 0.4
assert shares["bool"] > 0.6
PYTHON
