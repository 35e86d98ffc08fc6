#!/usr/bin/env bash
# lightgbm 4.7.0: a label column is left out of a CSV to predict, until the CSV says what its columns are.
#
# Guess: predict("rows.csv") finds the label in the first column by itself, and answers as for the array.
# Seen:  without a header it does. With one (data_has_header=True) it goes by the columns' names: right if the model
#        knows them. A model fitted on an array knows Column_0, Column_1 ..., and takes the label for its first feature.
#        The answers have the right number and a plausible size; nothing is said.
# So:    with a header line, give the model feature names when it is fitted, or cut the label off before predicting.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 2>/dev/null
cd "$folder"
venv/bin/python - <<'PYTHON'
import lightgbm
import numpy as np

draws = np.random.default_rng(0)
X = draws.normal(size=(500, 3)).round(3)
y = (2 * X[:, 0] + X[:, 1]).round(3)
names = ["age", "size", "rate"]
rows = np.column_stack([y, X])
np.savetxt("bare.csv", rows, delimiter=",", fmt="%.3f")
np.savetxt("headed.csv", rows, delimiter=",", fmt="%.3f", header="target,age,size,rate", comments="")

parameters = {"objective": "regression", "num_leaves": 7, "verbose": -1, "num_threads": 1}
for kind, known in (("fitted with names", names), ("fitted without", "auto")):
    model = lightgbm.train(parameters, lightgbm.Dataset(X, y, feature_name=known), 10)
    right = model.predict(X)
    bare = model.predict("bare.csv")
    headed = model.predict("headed.csv", data_has_header=True)
    print(f"{kind}: array {right[:3].round(2)}, bare file {bare[:3].round(2)}, with a header {headed[:3].round(2)}")
    assert np.allclose(bare, right)
    assert np.allclose(headed, right) is (known == names)
assert np.allclose(headed, model.predict(rows[:, :3]))
PYTHON
