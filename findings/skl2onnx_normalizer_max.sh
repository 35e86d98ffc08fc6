#!/usr/bin/env bash
# skl2onnx 1.20.0 with onnxruntime 1.32.0: Normalizer(norm="max") divides by the largest value, not the largest size.
#
# Guess: [1, -4, 2] becomes [0.25, -1, 0.5], as in scikit-learn, which takes the maximum of the absolute values.
# Seen:  it becomes [0.5, -2, 1]; a row of negative values changes its sign. ONNX defines its operator with the plain
#        maximum, and the converter passes the name on. "l1" and "l2" agree, as do rows without negative values.
# So:    an ONNX file of such a pipeline is right on counts and wrong on centred data. Only rows whose value of the
#        largest size is negative show it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.preprocessing import Normalizer

X = np.array([[1, 4, 2], [1, -4, 2], [-1, -2, -4]], dtype=np.float32)
for norm in ("l1", "l2", "max"):
    step = Normalizer(norm).fit(X)
    session = onnxruntime.InferenceSession(to_onnx(step, X[:1]).SerializeToString())
    [answers] = session.run(None, {"X": X})
    right = step.transform(X)
    for row, ours, theirs in zip(X, right, answers, strict=True):
        print(f"{norm} of {row}: scikit-learn {ours.round(2)}, ONNX {theirs.round(2)}")
    assert np.allclose(answers, right) is (norm != "max")
assert answers.tolist() == [[0.25, 1, 0.5], [0.5, -2, 1], [1, 2, 4]]
PYTHON
