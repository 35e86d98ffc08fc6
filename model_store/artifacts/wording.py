"""How the errors of libraries are worded when an artifact cannot be written or read."""

import re
import sys

_NO_ATTRIBUTE = re.compile(r"Can't get attribute '([^']{1,80})' on (<module .*>)")


def words(error: Exception) -> str:
    """Return an error's type and message in one line, cut short."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def missing_code(error: Exception) -> str | None:
    """Return what to do about code that an estimator needs and that is not there; None for any other error."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"it needs the module {error.name!r}, which is not installed here: install it where replicas run "
            "(`.venv` of `make run`, the image of Compose) and where you publish"
        )
    found = _NO_ATTRIBUTE.search(str(error))
    if found and found[2] == repr(sys.modules["__main__"]):
        return (
            f"it needs {found[1]!r}, which was defined in a notebook or script: put it into a module, install that "
            "where replicas run and where you publish, and fit again with it"
        )
    return None
