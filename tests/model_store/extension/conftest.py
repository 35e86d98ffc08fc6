"""The extension, and the sanitizer that a C compiler brings."""

import shutil
import subprocess
from pathlib import Path

import pytest

from model_store.extension import loader


@pytest.fixture(scope="module")
def kernels():
    return loader.kernels() or pytest.skip("the extension is not built here: deploy/local/build-extension")


@pytest.fixture(scope="module")
def sanitizer():
    """The library that a sanitized shared object needs before everything else; skips where no compiler has one."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler on PATH")
    told = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    if not Path(told.stdout.strip()).is_absolute():
        pytest.skip("this compiler has no address sanitizer of its own")
    return told.stdout.strip()
