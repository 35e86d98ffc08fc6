"""A request's id and caller address, as Nginx hands them on."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id(environ: Mapping[str, Any]) -> str:
    """The id that Nginx gave or passed on (X-Request-ID), or a new one where it is none that a log may carry."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def caller_address(environ: Mapping[str, Any]) -> str:
    """The caller's address: X-Real-IP, which Nginx overwrites, else the peer's own."""
    return environ.get("HTTP_X_REAL_IP") or environ.get("REMOTE_ADDR") or ""


def has_credentials(environ: Mapping[str, Any]) -> bool:
    """Whether the caller sent a token or a key, valid or not."""
    return "HTTP_AUTHORIZATION" in environ or "HTTP_X_API_KEY" in environ
