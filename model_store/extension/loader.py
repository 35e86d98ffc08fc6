"""The extension's module, if it was built and is not turned off."""

import logging
import os
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from model_store.extension.source import shared_object

VARIABLE = "MILLRACE_EXTENSION"
"""The environment variable that turns the extension off: read here, since every process that predicts goes by it."""

log = logging.getLogger(__name__)


def turned_off() -> bool:
    """Return whether the extension is not to be used even if it is there."""
    return os.environ.get(VARIABLE, "").strip().upper() == "OFF"


@cache
def kernels() -> Any | None:
    """Return the extension's module, None if it is turned off or cannot be loaded: then the log says so, once."""
    if turned_off():
        log.info("%s is OFF: scikit-learn's own kernels walk the trees, several times slower", VARIABLE)
        return None
    try:
        path = shared_object()
        return load(path)
    except (ImportError, OSError) as error:
        log.warning(
            "no C extension of this source can be loaded (%s): scikit-learn is imported, and its own kernels walk the "
            "trees, several times slower. `deploy/local/build-extension` builds it",
            error,
        )
        return None


def load(path: Path) -> Any:
    """Return the module in a shared object. Raises ImportError if there is none that this Python can load."""
    loader = ExtensionFileLoader("model_store.extension.kernels", str(path))
    spec = spec_from_loader(loader.name, loader)
    if spec is None:
        raise ImportError(f"{path} is no extension module")
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module
