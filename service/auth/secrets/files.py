"""Secrets from files: refused when missing, short or a placeholder, and written so that only their owner reads them."""

import re
from pathlib import Path

from model_store import atomic_file

SHORTEST_BYTES = 32
_FEWEST_DIFFERENT_BYTES = 10
_PLACEHOLDER = re.compile(
    rb"change.?me|replace.?me|placeholder|example|insecure|your.?(secret|key|password)|password|passw0rd|default|dummy|"
    rb"todo|secret.?key|to.?be.?(set|changed)|1234567|abcdefg|<.*>|\$\{",
    re.IGNORECASE,
)


class BadSecret(Exception):
    """A secret that the service does not start with; the message says which, why, and what to do. Never its value."""


def read_secret(path: Path, setting: str) -> bytes:
    """Return the secret in a file, without surrounding white space. Raises BadSecret, naming ``setting``."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise BadSecret(
            f"{setting}: {path} cannot be read ({error.strerror}): create it with "
            "`python -m service.auth create-secrets`, or mount one"
        ) from error
    check_secret(secret, f"{setting}: {path}")
    return secret


def check_secret(secret: bytes, what: str) -> None:
    """Raise BadSecret for a secret that is empty, short, a placeholder, or of too few different bytes."""
    if not secret:
        raise BadSecret(f"{what} is empty")
    if len(secret) < SHORTEST_BYTES:
        raise BadSecret(f"{what} holds {len(secret)} bytes: expected {SHORTEST_BYTES} or more")
    if is_placeholder(secret) or len(set(secret)) < _FEWEST_DIFFERENT_BYTES:
        raise BadSecret(f"{what} is a placeholder: generate one, for instance with `openssl rand -base64 48`")


def is_placeholder(secret: bytes) -> bool:
    """Return whether the secret reads like one that a template left behind."""
    return _PLACEHOLDER.search(secret) is not None


def write_secret(path: Path, content: bytes) -> bool:
    """Write a file of mode 0600, whole, unless it exists; return False if it did."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        atomic_file.write(path, content, durable=True, mode=0o600, replace=False)
    except FileExistsError:
        return False
    return True
