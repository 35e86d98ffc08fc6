"""What of a confinement holds here, found out by ``python -m model_store.confinement.probe``, which ends after it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from model_store.confinement.confine import confine
from model_store.confinement.environment import bare
from model_store.confinement.parts import Part

_SECONDS = 60
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def probed() -> Mapping[str, bool]:
    """Return for each part whether a process that is started now can have it; none of them if it does not answer."""
    with tempfile.TemporaryDirectory(prefix="millrace-probe-") as scratch:
        try:
            answer = subprocess.run(  # noqa: S603 - our own module, no shell
                [sys.executable, "-P", "-m", "model_store.confinement.probe", scratch],
                env=bare(Path(scratch), [str(_PACKAGE_PARENT)]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
            held = json.loads(answer.stdout)
        except (OSError, ValueError, subprocess.SubprocessError):
            held = {}
    return {part.value: held.get(part.value) is True for part in Part}


def main() -> None:
    """Confine this process to the folder that is its argument, and print what holds."""
    scratch = Path(sys.argv[1])
    print(json.dumps(confine(scratch, scratch, -1)))  # noqa: T201 - what it is asked for


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
