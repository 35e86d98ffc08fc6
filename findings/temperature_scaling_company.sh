#!/usr/bin/env bash
# scikit-learn 1.9.1: with calibration by temperature, one outlier in a request changes the probabilities of all other rows.
#
# Guess: predict_proba answers row by row. A row that is no neighbour of anything may have odd probabilities, others have theirs.
# Seen:  a RadiusNeighborsClassifier answers a row without neighbours with its outlier label and a row of zeros. Calibrated
#        with method="temperature", the row of iris at hand is 0.92 of its class alone, and 0.77 in a request with such an
#        outlier. Temperature scaling looks at the whole batch to tell whether it was given probabilities, whose logarithm it
#        takes, or scores, which it takes as they are: rows of zeros do not sum to one, so all rows count as scores then.
# So:    such a model has to be asked one row at a time. Requests must not be batched, and offline scores differ from online ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import RadiusNeighborsClassifier

rows, labels = load_iris(return_X_y=True)
neighbours = RadiusNeighborsClassifier(radius=1.0, outlier_label=-1).fit(rows[::2], labels[::2])
model = CalibratedClassifierCV(FrozenEstimator(neighbours), method="temperature").fit(rows[1::2], labels[1::2])
row, outlier = rows[101:102], np.full((1, 4), 50.0)
alone = model.predict_proba(row)[0]
in_company = model.predict_proba(np.vstack([row, outlier]))[0]
print("the outlier's own probabilities before calibration:", neighbours.predict_proba(outlier)[0].tolist())
print("alone:       ", alone.round(4).tolist())
print("with outlier:", in_company.round(4).tolist())
assert abs(alone - in_company).max() > 0.15
assert model.predict_proba(np.vstack([row, row]))[0].tolist() == alone.tolist()
PYTHON
