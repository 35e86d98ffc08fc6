#!/usr/bin/env bash
# sklearn-pmml-model 1.0.8: a regression in PMML 4.4 is evaluated without its exponent, link, clipping and rescaling.
#
# Guess: an attribute or element that the reader does not evaluate is refused when the document is read.
# Seen:  `exponent`, `normalizationMethod="exp"`, `outliers="asExtremeValues"` and `Targets` are read over without an
#        error, and predict() answers what the plain linear model would.
# So:    a model that comes as PMML needs its answers compared with those of the program that wrote it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  sklearn-pmml-model==1.0.8 scikit-learn==1.9.1 pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
from io import StringIO

import pandas as pd
from sklearn_pmml_model.auto_detect import auto_detect_regressor

TEMPLATE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary>
  <DataField name="x" optype="continuous" dataType="double"/>
  <DataField name="z" optype="continuous" dataType="double"/>
  <DataField name="y" optype="continuous" dataType="double"/>
</DataDictionary>
<RegressionModel functionName="regression"{link}>
  <MiningSchema><MiningField name="x"{clip}/><MiningField name="z"/><MiningField name="y" usageType="target"/></MiningSchema>
  {targets}
  <RegressionTable intercept="1">
    <NumericPredictor name="x" coefficient="2"{exponent}/><NumericPredictor name="z" coefficient="1"/>
  </RegressionTable>
</RegressionModel></PMML>"""
ROW = pd.DataFrame({"x": [3.0], "z": [1.0]})
PLAIN = 1 + 2 * 3 + 1


def answer(link="", clip="", targets="", exponent=""):
    document = TEMPLATE.format(link=link, clip=clip, targets=targets, exponent=exponent)
    return float(auto_detect_regressor(pmml=StringIO(document)).predict(ROW)[0])


cases = {
    "nothing more": (PLAIN, {}),
    "exponent 2": (1 + 2 * 9 + 1, {"exponent": ' exponent="2"'}),
    "link exp": (math.exp(PLAIN), {"link": ' normalizationMethod="exp"'}),
    "x clipped to at most 1": (4, {"clip": ' outliers="asExtremeValues" lowValue="0" highValue="1"'}),
    "rescaled by 100": (100 * PLAIN, {"targets": '<Targets><Target field="y" rescaleFactor="100"/></Targets>'}),
}
for name, (right, parts) in cases.items():
    got = answer(**parts)
    print(f"{name}: by the standard {right:g}, answered {got:g}")
    assert got == PLAIN
PYTHON
