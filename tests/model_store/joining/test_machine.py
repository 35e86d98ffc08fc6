"""What the last bits of an answer depend on besides the model is named."""

import os
import subprocess
import sys
from pathlib import Path

from model_store.joining.machine import here

PRINTED = "import numpy; from model_store.joining.machine import here; print(here()['kernel'])"


def test_kernel_processor_and_libraries_are_named():
    facts = here()
    assert all(facts.values())
    assert facts == here()
    assert [part.split()[0] for part in facts["libraries"].split(", ")] == ["numpy", "scipy", "scikit-learn"]


def kernel_of(processor):
    environment = {**os.environ, "OPENBLAS_CORETYPE": processor}
    told = subprocess.run(
        [sys.executable, "-c", PRINTED], env=environment, cwd=Path.cwd(), check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


def test_another_kernel_of_blas_is_another_machine():
    assert len({"", kernel_of("Haswell"), kernel_of("Prescott")}) == 3
