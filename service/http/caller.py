"""A request's id, caller address and routing key, as Nginx hands them on."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from service.auth.principals import Principal

LONGEST_KEY = 128
"""Characters of a routing key that count."""

_NOT_STORED = {"Cache-Control": "no-store"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id(environ: Mapping[str, Any]) -> str:
    """Return the id that Nginx gave or passed on (X-Request-ID), or a new one if a log may not carry it."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def routing_key(environ: Mapping[str, Any], principal: Principal | None, request: str) -> str:
    """Return what keeps requests to one version: X-Routing-Key, else who asks, if known, else the request's own id."""
    given: str = environ.get("HTTP_X_ROUTING_KEY", "")
    if given:
        return given[:LONGEST_KEY]
    return request if principal is None or principal.anonymous else principal.subject


def caller_address(environ: Mapping[str, Any]) -> str:
    """Return the caller's address: X-Real-IP, which Nginx overwrites, else the peer's own."""
    return environ.get("HTTP_X_REAL_IP") or environ.get("REMOTE_ADDR") or ""


def answer_headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what an answer says to caches: one to an API key is not stored.

    Caches know by themselves that an answer to Authorization is for one caller; of X-API-Key they know nothing.
    """
    return _NOT_STORED if "HTTP_X_API_KEY" in environ else {}


def has_credentials(environ: Mapping[str, Any]) -> bool:
    """Return whether the caller sent a token or a key, valid or not."""
    return "HTTP_AUTHORIZATION" in environ or "HTTP_X_API_KEY" in environ
