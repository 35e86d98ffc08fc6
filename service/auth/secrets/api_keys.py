"""API keys: ``mr_<id>_<secret>`` with 256 random bits, of which only a SHA-256 is kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

PREFIX = "mr_"
_FORM = re.compile(r"mr_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only time that its text is there to be shown."""

    id: str
    text: str
    digest: str


def new_key() -> NewKey:
    """Make a key of 256 random bits."""
    key_id = secrets.token_hex(8)
    text = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key_id, text, digest(text))


def digest(text: str) -> str:
    """Return what is stored of a key: enough for 256 random bits, which nobody can search through."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_id(text: str) -> str | None:
    """Return the id within a key's text, None if the text has not a key's form."""
    match = _FORM.fullmatch(text)
    return match[1] if match else None


def same(text: str, stored: str) -> bool:
    """Return whether the text is the key whose digest is stored; takes the same time either way."""
    return hmac.compare_digest(digest(text), stored)
