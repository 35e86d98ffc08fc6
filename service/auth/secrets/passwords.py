"""Client secrets at rest: argon2id, a bounded number at a time, and the same work for a client that does not exist."""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.errors import Overloaded

_FORM = re.compile(r"mrs_([1-9][0-9]{0,8})_[A-Za-z0-9_-]{43}", re.ASCII)
_AT_ONCE = 2
_WAIT_SECONDS = 0.5
_REMEMBER_SECONDS = 60
_MOST_REMEMBERED = 1024

# OWASP's first choice for argon2id with one lane: 19 MiB, two passes
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def new_secret(number: int) -> str:
    """Make a client's ``number``-th secret, of 256 random bits; it says its number, so that one hash alone is tried."""
    return f"mrs_{number}_{secrets.token_urlsafe(32)}"


def number_of(secret: str) -> int | None:
    """Return which of the client's secrets this is, None if it has not a secret's form."""
    match = _FORM.fullmatch(secret)
    return int(match[1]) if match else None


def hashed(secret: str) -> str:
    """Return the argon2id hash to store."""
    return _HASHER.hash(secret)


class Passwords:
    """Checks secrets against stored hashes, and remembers for a minute which were right, by digest.

    A secret waits ``wait_seconds`` at most for one of two slots to be checked in.
    """

    def __init__(self, hasher: PasswordHasher = _HASHER, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._hasher = hasher
        self._wait_seconds = wait_seconds
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._right: dict[str, float] = {}
        self._decoy = ""

    def prepare(self) -> None:
        """Make the decoy before the first stranger comes, whose refusal would take longer for it.

        It is a hash that no secret fits, for clients that do not exist.
        """
        self._decoy = self._decoy or self._hasher.hash(new_secret(1))

    def right(self, secret: str, stored: str | None) -> bool:
        """Return whether the secret fits the stored hash. None, for an unknown client, takes as long and never fits.

        Raises Overloaded if too many secrets are being checked already.
        """
        memory = hashlib.sha256(f"{stored}\0{secret}".encode("utf-8", "replace")).hexdigest()
        if stored is not None and self._right.get(memory, 0.0) > time.monotonic():
            return True
        self.prepare()
        fits = self._verify(secret, stored or self._decoy) and stored is not None
        if fits:
            self._remember(memory)
        return fits

    def _verify(self, secret: str, stored: str) -> bool:
        with self._slot():
            try:
                return self._hasher.verify(stored, secret)
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False

    def _remember(self, memory: str) -> None:
        while len(self._right) >= _MOST_REMEMBERED:
            self._right.pop(next(iter(self._right)), None)
        self._right[memory] = time.monotonic() + _REMEMBER_SECONDS

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise Overloaded("too many secrets are being checked at once", retry_after=1)
        try:
            yield
        finally:
            self._slots.release()
