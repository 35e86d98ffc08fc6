#!/usr/bin/env bash
# pygam 0.12.0: where a factor's codes have gaps, different categories share one coefficient, and codes between them are answered.
#
# Guess: a factor term f(0) has one coefficient for each code in training, as one-hot columns have; a code that training did
#        not have raises ValueError, or counts as the base level.
# Seen:  with the codes 0, 1, 2 and 7, whose targets are 0, 10, 20 and 70 without noise, the model answers about 5 for 0 and
#        for 1. With the codes 0, 1, 2 and 3 it answers each target. A term cuts the range from the least to the greatest
#        code into as many equal parts as there are codes. So codes that training did not have, 3 and 6.5, are answered
#        with the part that they fall into. Only codes beyond the range, 8, raise ValueError.
# So:    number the categories from 0 without gaps before fitting, and refuse unknown codes before the model sees them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygam==0.12.0 numpy==2.4.6 scipy==1.16.3 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from pygam import LinearGAM, f


def answers(codes, targets, asked):
    rows = np.repeat(np.array(codes, dtype=float), 100)[:, None]
    model = LinearGAM(f(0)).fit(rows, np.repeat(np.array(targets, dtype=float), 100))
    return model, model.predict(np.array(asked, dtype=float)[:, None]).round(1).tolist()


targets = [0, 10, 20, 70]
_, whole = answers([0, 1, 2, 3], targets, [0, 1, 2, 3])
model, gaps = answers([0, 1, 2, 7], targets, [0, 1, 2, 7])
_, unknown = answers([0, 1, 2, 7], targets, [3, 6.5])
print("targets:                      ", targets)
print("codes 0, 1, 2, 3:             ", whole)
print("codes 0, 1, 2, 7:             ", gaps)
print("codes 3 and 6.5 (not trained):", unknown)
assert all(abs(answer - target) < 1 for answer, target in zip(whole, targets))
assert gaps[0] == gaps[1] and 4 < gaps[0] < 6
assert unknown[0] == gaps[2] and unknown[1] == gaps[3]
try:
    model.predict(np.array([[8.0]]))
except ValueError as error:
    print("code 8:                       ", error)
else:
    raise AssertionError("a code beyond the range was answered")
PYTHON
