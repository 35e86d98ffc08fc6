"""The keys that access tokens are signed with: a folder of RSA private keys, read again when it changes.

File names order the keys. The greatest name signs, once its file is ``SETTLE_SECONDS`` old: by then every replica, and
everyone who caches the JWK set, has seen it. All keys verify; one that has been followed by another stops when the last
token that it signed has expired. So a rotation is: add a file, wait, remove the old one.
"""

import base64
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from service.auth.secrets.files import BadSecret, write_secret

ALGORITHM = "RS256"
"""RFC 9068, section 4: the one algorithm that every resource server has to know."""

SETTLE_SECONDS = 120
_BITS = 3072
_FEWEST_BITS = 2048
_LEEWAY_SECONDS = 10

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair; ``kid`` is its RFC 7638 thumbprint, ``since`` when its file came."""

    kid: str
    private: RSAPrivateKey
    public: RSAPublicKey
    since: float


Stamp = tuple[tuple[str, int, int], ...]


class KeyRing:
    """The keys of one folder. ``lifetime`` is the longest that an access token lives, in seconds."""

    def __init__(self, folder: Path, lifetime: int) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._stamp: Stamp = ()
        self._keys: tuple[SigningKey, ...] = ()
        self.signing: SigningKey
        self.verifying: Mapping[str, RSAPublicKey] = {}
        self._load(self._look(), strict=True)
        self._arrange(time.time())

    def refresh(self) -> bool:
        """Read the folder again if it changed; return True if a key no longer verifies."""
        stamp = self._look()
        if stamp and stamp != self._stamp:
            self._load(stamp, strict=False)
        before = self.verifying.keys()
        self._arrange(time.time())
        return bool(before - self.verifying.keys())

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517)."""
        return {"keys": [_jwk(kid, key) for kid, key in self.verifying.items()]}

    def _look(self) -> Stamp:
        try:
            found = sorted(self._folder.glob("*.pem"))
            return tuple((path.name, stat.st_mtime_ns, stat.st_size) for path in found if (stat := path.stat()))
        except OSError:
            return ()

    def _load(self, stamp: Stamp, *, strict: bool) -> None:
        keys = []
        for name, modified, _size in stamp:
            try:
                keys.append(_read(self._folder / name, modified / 1e9))
            except BadSecret as error:
                if strict:
                    raise
                _LOG.error("a signing key is left out: %s", error)
        if not keys and strict:
            raise BadSecret(
                f"JWT_KEYS: {self._folder} holds no *.pem: create one with `python -m service.auth create-secrets`"
            )
        if keys:
            self._keys, self._stamp = tuple(keys), stamp

    def _arrange(self, now: float) -> None:
        settled = [key for key in self._keys if key.since + SETTLE_SECONDS <= now]
        self.signing = settled[-1] if settled else self._keys[0]
        self.verifying = {
            key.kid: key.public for i, key in enumerate(self._keys) if now < self._ends(self._keys[i + 1 :])
        }

    def _ends(self, followers: tuple[SigningKey, ...]) -> float:
        """Return when the last token signed before the first of the followers took over has expired."""
        takes_over = min((key.since + SETTLE_SECONDS for key in followers), default=float("inf"))
        return takes_over + self._lifetime + _LEEWAY_SECONDS


def create_key(folder: Path) -> Path:
    """Add a new key to the folder and return the path of its file."""
    private = generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{_thumbprint(private.public_key())[:8]}.pem"
    write_secret(path, pem)
    return path


def _read(path: Path, since: float) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadSecret(f"JWT_KEYS: {path} is no unencrypted private key in PEM") from error
    if not isinstance(private, RSAPrivateKey) or private.key_size < _FEWEST_BITS:
        raise BadSecret(f"JWT_KEYS: {path} is no RSA key of {_FEWEST_BITS} bits or more")
    public = private.public_key()
    return SigningKey(_thumbprint(public), private, public, since)


def _jwk(kid: str, key: RSAPublicKey) -> dict[str, Any]:
    return {**_members(key), "kid": kid, "use": "sig", "alg": ALGORITHM}


def _members(key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}


def _thumbprint(key: RSAPublicKey) -> str:
    """Return the RFC 7638 thumbprint: SHA-256 of the required members, in order, without white space."""
    canonical = json.dumps(_members(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _unsigned(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
