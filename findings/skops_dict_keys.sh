#!/usr/bin/env bash
# skops 0.16.0 with scikit-learn 1.9.1: dictionaries whose keys are bools lose an entry on the way through a file.
#
# Guess: class_weight={False: 1.0, True: 5.0} comes back as it was written, or dumps() refuses it.
# Seen:  it comes back as {True: 5.0}, without an error: keys are written as text, and bool("False") is True.
#        In the same way {1: "a", "1": "b"} comes back as {1: "b"}.
# So:    refitting a loaded estimator uses other class weights. A mapping inside a transformer answers differently, and
#        nothing but a comparison of answers before and after the file shows it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skops==0.16.0 scikit-learn==1.9.1 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

weighted = LogisticRegression(class_weight={False: 1.0, True: 5.0})
weights = skops.io.loads(skops.io.dumps(weighted)).class_weight
print("class_weight", weighted.class_weight, "->", weights)
assert weights == {True: 5.0}

mapping = FunctionTransformer(kw_args={"names": {1: "a", "1": "b"}})
names = skops.io.loads(skops.io.dumps(mapping)).kw_args["names"]
print("names", mapping.kw_args["names"], "->", names)
assert names == {1: "b"}
PYTHON
