"""Whether what answers at this stack's port is this stack: another program may have taken the port meanwhile."""

import http.client
import secrets
import ssl
import time
from pathlib import Path

from deploy.local.settings import LocalSettings

_PATH = "/v1/models"
_LOGGED_WITHIN = 2.0
"""Seconds within which Nginx writes what it has answered into its log."""


def missing(settings: LocalSettings, log: Path) -> str | None:
    """Ask a replica through Nginx; say what is missing, or None if this stack's own Nginx logs the request."""
    own = f"start-{secrets.token_hex(8)}"
    try:
        _ask(settings, own)
    except (OSError, http.client.HTTPException) as error:
        return f"it does not answer ({getattr(error, 'strerror', None) or error or type(error).__name__})"
    deadline = time.monotonic() + _LOGGED_WITHIN
    while time.monotonic() < deadline:
        if log.is_file() and own.encode() in log.read_bytes():
            return None
        time.sleep(0.02)
    return "another program answers at its port"


def _ask(settings: LocalSettings, request_id: str) -> None:
    host, port = settings.host.strip("[]"), settings.tls_port if settings.tls else settings.port
    connection = _connection(host, port, tls=settings.tls)
    try:
        connection.request("GET", _PATH, headers={"X-Request-ID": request_id})
        connection.getresponse().read()
    finally:
        connection.close()


def _connection(host: str, port: int, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=5)
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # the log tells whose answer it is
    return http.client.HTTPSConnection(host, port, timeout=5, context=anyone)
