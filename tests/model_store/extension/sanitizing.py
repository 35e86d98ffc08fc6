"""The extension's source, compiled with a sanitizer that watches a program use it."""

import os
import subprocess
import sys
from pathlib import Path

from model_store.extension import source

ROOT = Path(__file__).parents[3]
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g", "-O1")


def sanitized(folder, sanitizer, kind, change=lambda text: text):
    """Compile the source with a change, and let a program use what is damaged of a kind under the sanitizer."""
    for name in source.SOURCES:
        (folder / name).write_text(change((source.FOLDER / name).read_text()))
    built = folder / "kernels.so"
    subprocess.run(["cc", "@flags", *SANITIZED, "kernels.c", "-o", built, "-lm"], cwd=folder, check=True)
    return subprocess.run(
        [sys.executable, "-m", "tests.model_store.extension.damaging", kind, built, "300"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": sanitizer, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
