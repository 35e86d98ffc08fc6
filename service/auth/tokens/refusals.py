"""The one error for every credential that is not valid, and what makes one of whatever the token library raises."""

from collections.abc import Iterator
from contextlib import contextmanager

import jwt

from service.errors import Unauthenticated


def refused(reason: str) -> Unauthenticated:
    """Return the one error for every credential that is not valid; the reason is for the log, never for the caller."""
    error = Unauthenticated("the credentials are not valid")
    error.reason = reason
    return error


@contextmanager
def judging() -> Iterator[None]:
    """Refuse a token (raise Unauthenticated) for any error that is raised while it is read or checked.

    The library documents its own errors alone; what the parts below it raise for odd tokens (OverflowError for a time
    that is too large, UnsupportedAlgorithm, AttributeError, RecursionError) escapes it.
    """
    try:
        yield
    except Unauthenticated:
        raise
    except Exception as error:
        raise refused(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return why, in words that quote nothing of the token."""
    if isinstance(error, jwt.InvalidSignatureError):
        return "its signature does not fit"
    if isinstance(error, jwt.DecodeError) or not isinstance(error, jwt.PyJWTError):
        return f"it cannot be read ({type(error).__name__})"
    return str(error)[:200]
