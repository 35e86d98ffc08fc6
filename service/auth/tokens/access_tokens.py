"""Access tokens: JWTs as RFC 9068 shapes them, checked as RFC 8725 asks."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from service.auth.tokens.key_ring import ALGORITHM, KeyRing
from service.errors import Unauthenticated

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


def refused() -> Unauthenticated:
    """Return the one error for every credential that is not valid, for any reason."""
    return Unauthenticated("the credentials are not valid")


def header_of(token: str) -> dict[str, Any]:
    """Return a token's header, not yet to be trusted. Raises Unauthenticated for one that brings its own key."""
    if len(token) > LONGEST_TOKEN:
        raise refused()
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise refused() from error
    if not _FOREIGN_KEY_HEADERS.isdisjoint(header):
        raise refused()
    return header


def type_of(header: dict[str, Any]) -> str:
    """Return the token's media type in short form (RFC 7515, section 4.1.9)."""
    kind = header.get("typ")
    return kind.lower().removeprefix("application/") if isinstance(kind, str) else ""


def unverified_issuer(token: str) -> str:
    """Return who a token says it is from, only good for choosing whose keys to check it with.

    Raises Unauthenticated for what is no token.
    """
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise refused() from error
    return issuer if isinstance(issuer, str) else ""


def scopes_of(claims: dict[str, Any]) -> frozenset[str]:
    """Return the names in the claim ``scope`` (RFC 9068, section 2.2.3). Raises Unauthenticated for what is no text."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise refused()
    return frozenset(scope.split())


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
        header = header_of(token)
        if header.get("alg") != ALGORITHM or type_of(header) != TYPE:
            raise refused()
        try:
            claims = jwt.decode(
                token,
                self._key(header.get("kid")),
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED_CLAIMS), "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise refused() from error
        return _claims(claims)

    def _key(self, kid: object) -> Any:
        if not isinstance(kid, str):
            raise refused()
        if kid not in self.ring.verifying:
            self.ring.refresh()  # another worker may have signed with a key that came a moment ago
        key = self.ring.verifying.get(kid)
        if key is None:
            raise refused()
        return key


def _claims(claims: dict[str, Any]) -> Claims:
    texts = [claims[name] for name in ("iss", "sub", "client_id", "jti")]
    family = claims.get(FAMILY, "")
    if not all(isinstance(text, str) and text for text in texts) or not isinstance(family, str):
        raise refused()
    issuer, subject, client_id, token_id = texts
    expires_at = float(claims["exp"]) + LEEWAY_SECONDS
    return Claims(issuer, subject, client_id, token_id, family, expires_at, scopes_of(claims))
