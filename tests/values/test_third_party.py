"""Estimators that other libraries bring along, in an environment of their own: served as their own calls answer."""

import json
from pathlib import Path

import pytest

from tests.foreign import ROOT, environment, run
from tests.system.fuzzing import FACTOR

HERE = Path(__file__).parent


@pytest.mark.skipif(not FACTOR, reason="make soak installs seventeen libraries for it")
@pytest.mark.timeout(1800)
def test_every_output_is_what_the_librarys_own_call_answers():
    python = environment("third-party", HERE / "third_party.txt") / "python"
    done = run(python, "-m", "tests.values.third_party_script", seconds=1200, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) >= 60
    assert {name: words for name, words in found.items() if words} == {}
