"""Compares each estimator of other libraries with its own calls, and prints what is not equal as JSON by case."""

import json
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

from tests.values.bodies import FORMATS  # noqa: E402 - warnings of imports too
from tests.values.estimators.third_party import CASES  # noqa: E402
from tests.values.serving import Workbench  # noqa: E402


def compared(workbench, make):
    """What is not as it should be, in words; nothing if every format answers equally."""
    try:
        outcome = workbench.sweep(make())
    except Exception:  # noqa: BLE001 - to be reported by the test
        return traceback.format_exc()[-1000:]
    forms = {*outcome.equal, *(form.partition(",")[0] for form in outcome.rounded), *outcome.unwritten}
    if outcome.unpublished or outcome.wrong or outcome.refused or forms != FORMATS.keys():
        return str(outcome)
    return ""


with tempfile.TemporaryDirectory() as folder:
    workbench = Workbench(Path(folder))
    found = {name: compared(workbench, make) for name, make in CASES.items()}
    sys.stdout.write("\n" + json.dumps(found))
