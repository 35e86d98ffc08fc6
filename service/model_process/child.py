"""The process that a model is in: ``python -m service.model_process.child SOCKET FOLDER SCRATCH MEMORY PARENT``.

It is confined before it imports NumPy, and before it reads a byte of the model. With a MEMORY of 0 it is not confined.
"""

import faulthandler
import os
import socket
import sys
from pathlib import Path

from model_store.confinement.confine import confine
from model_store.gate.confinement import die_with

CRASHED = "crashed.txt"
"""The file in the scratch folder that has the threads' stacks after a crash."""


def main() -> None:
    """Give up what a model needs not, then answer until the worker hangs up."""
    descriptor, folder, scratch, memory, parent = sys.argv[1:]
    die_with(int(parent))
    held = confine(Path(folder), Path(scratch), int(descriptor), int(memory)) if int(memory) else {}
    faulthandler.enable((Path(scratch) / CRASHED).open("w"))
    from service.model_process.serving import serve  # here: NumPy's threads come after the confinement

    serve(socket.socket(fileno=int(descriptor)), Path(folder), held)


if __name__ == "__main__":
    main()
    os._exit(0)  # a model's exit handlers have no say
