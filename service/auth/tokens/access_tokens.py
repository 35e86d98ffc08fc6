"""Access tokens: JWTs as RFC 9068 shapes them, checked as RFC 8725 asks."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from service.auth.tokens.key_ring import ALGORITHM, KeyRing
from service.auth.tokens.refusals import judging, refused

TYPE = "at+jwt"
LEEWAY_SECONDS = 10
LONGEST_TOKEN = 8192
REQUIRED_CLAIMS = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")
FAMILY = "family"
"""The claim that ties an access token to the refresh tokens it came with, so that they are revoked together."""

_FOREIGN_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that was found valid says."""

    issuer: str
    subject: str
    client_id: str
    token_id: str
    family: str
    expires_at: float
    permissions: frozenset[str]


def header_of(token: str) -> dict[str, Any]:
    """Return a token's header, not yet to be trusted. Raises Unauthenticated for one that brings its own key."""
    with judging():
        header = jwt.get_unverified_header(token)
    if not _FOREIGN_KEY_HEADERS.isdisjoint(header):
        raise refused("its header brings a key, or says what is critical")
    return header


def type_of(header: dict[str, Any]) -> str:
    """Return the token's media type in short form (RFC 7515, section 4.1.9)."""
    kind = header.get("typ")
    return kind.lower().removeprefix("application/") if isinstance(kind, str) else ""


def unverified_issuer(token: str) -> str:
    """Return who a token says it is from, only good for choosing whose keys to check it with.

    Raises Unauthenticated for what is no token.
    """
    with judging():
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    return issuer if isinstance(issuer, str) else ""


def expiry_of(claims: Mapping[str, Any]) -> float:
    """Return until when a token is good, in seconds since 1970. Raises OverflowError for a time out of all bounds."""
    return float(claims["exp"]) + LEEWAY_SECONDS


class AccessTokens:
    """The tokens that this service issues itself; lives ``lifetime`` seconds each."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, lifetime: int) -> None:
        self.ring = ring
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime

    def headers(self) -> dict[str, str]:
        """Return the header of a token that is about to be signed with the ring's signing key."""
        return {"typ": TYPE, "kid": self.ring.signing.kid}

    def claims(self, client_id: str, permissions: frozenset[str], family: str) -> dict[str, Any]:
        """Return what a new token says besides ``iss``, ``aud``, ``sub``, ``iat`` and ``exp``."""
        scope = " ".join(sorted(permissions))
        return {"client_id": client_id, "scope": scope, FAMILY: family, "jti": secrets.token_urlsafe(16)}

    def issue(self, client_id: str, permissions: frozenset[str], family: str) -> str:
        """Return a signed token."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": client_id,
            "iat": now,
            "exp": now + self.lifetime,
            **self.claims(client_id, permissions, family),
        }
        return jwt.encode(claims, self.ring.signing.private, ALGORITHM, headers=self.headers())

    def verify(self, token: str) -> Claims:
        """Return what the token says. Raises Unauthenticated unless every rule is kept."""
        if len(token) > LONGEST_TOKEN:
            raise refused(f"it is longer than {LONGEST_TOKEN} characters")
        header = header_of(token)
        if header.get("alg") != ALGORITHM or type_of(header) != TYPE:
            raise refused(f"its algorithm (alg) or its type (typ) is another than {ALGORITHM} and {TYPE}")
        key = self._key(header.get("kid"))
        with judging():
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED_CLAIMS), "strict_aud": True},
            )
            return _claims(claims)

    def _key(self, kid: object) -> Any:
        if not isinstance(kid, str):
            raise refused("the id of its key (kid) is no text")
        if kid not in self.ring.verifying:
            self.ring.refresh()  # another worker may have signed with a key that came a moment ago
        key = self.ring.verifying.get(kid)
        if key is None:
            raise refused("no signing key has the id (kid) that it names")
        return key


def _scope(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in the claim ``scope``, which is always a text in this service's tokens (RFC 9068, 2.2.3)."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise refused("its scope is no text")
    return frozenset(scope.split())


def _claims(claims: dict[str, Any]) -> Claims:
    texts = [claims[name] for name in ("iss", "sub", "client_id", "jti")]
    family = claims.get(FAMILY, "")
    if not all(isinstance(text, str) and text for text in texts) or not isinstance(family, str):
        raise refused("one of its claims is no text, or is empty")
    issuer, subject, client_id, token_id = texts
    return Claims(issuer, subject, client_id, token_id, family, expiry_of(claims), _scope(claims))
