"""Tokens of configured OpenID Connect issuers: checked with the published keys, their claims mapped to roles."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from service.auth.principals import Grant
from service.auth.tokens.access_tokens import LEEWAY_SECONDS, expiry_of, header_of, type_of
from service.auth.tokens.claims import rules_met, scopes_of, why_no_role
from service.auth.tokens.issuers import KEY_TYPES, IssuerConfig
from service.auth.tokens.published_keys import Fetch, PublishedKey, PublishedKeys, fetch_entries
from service.auth.tokens.refusals import judging, refused

_LONGEST_SUBJECT = 512
_REQUIRED_CLAIMS = ("iss", "sub", "iat", "exp")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a foreign token names: ``subject`` is ``<issuer's name>:<sub>``, ``scopes`` is empty if it has none.

    ``why_no_role`` says what was looked for, if no role was found.
    """

    subject: str
    token_id: str
    grants: tuple[Grant, ...]
    scopes: frozenset[str]
    expires_at: float
    why_no_role: str = ""


class Issuer:
    """One issuer, and the keys that it publishes; ``fetch`` gets them."""

    def __init__(
        self, config: IssuerConfig, monotonic: Callable[[], float] = time.monotonic, fetch: Fetch = fetch_entries
    ) -> None:
        self.config = config
        self._keys = PublishedKeys(config, monotonic, fetch)

    def verify(self, token: str) -> Identity:
        """Return whom the token names.

        Raises Unauthenticated, or Unavailable without any key of the issuer and while its key may be on its way.
        """
        header = header_of(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.config.algorithms:
            raise refused(f"its algorithm (alg) is none of {', '.join(self.config.algorithms)}")
        if (type_of(header) or "jwt") not in self.config.types:
            raise refused(f"its type (typ) is none of {', '.join(self.config.types)}")
        if kid is not None and not isinstance(kid, str):
            raise refused("the id of its key (kid) is no text")
        claims = self._claims(token, algorithm, kid)
        with judging():
            return self._identity(claims)

    def keep_fresh(self) -> None:
        """Fetch the keys again once they are old; called in the background, only after a first use."""
        self._keys.keep_fresh()

    def _claims(self, token: str, algorithm: str, kid: str | None) -> Mapping[str, Any]:
        """Return the claims of a token that its key signed, or the key that replaced it where none is named."""
        key = self._keys.key(kid, KEY_TYPES[algorithm])
        with judging():
            try:
                return self._decoded(token, algorithm, key)
            except jwt.InvalidSignatureError:
                new = None if kid is not None and kid == key.kid else self._keys.replacement(kid, key)
                if new is None:
                    raise
                return self._decoded(token, algorithm, new)

    def _decoded(self, token: str, algorithm: str, key: PublishedKey) -> Mapping[str, Any]:
        config = self.config
        by_aud = config.audience_claim == "aud"
        claims = jwt.decode(
            token,
            key.material,
            algorithms=[algorithm],
            audience=config.audiences if by_aud else None,
            issuer=config.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": [*_REQUIRED_CLAIMS, config.audience_claim], "verify_aud": by_aud},
        )
        if not by_aud:
            self._check_audience(claims[config.audience_claim])
        return claims

    def _check_audience(self, audience: Any) -> None:
        given = audience if isinstance(audience, list) else [audience]
        if not any(each in self.config.audiences for each in given):
            raise refused(f"its claim {self.config.audience_claim} names another audience")

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        grants = tuple(rule.grant for rule in rules_met(self.config.roles, claims))
        token_id, subject = claims.get("jti"), f"{self.config.name}:{claims['sub']}"
        if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise refused("its subject (sub) is too long, or cannot be printed, so that it could not be recorded")
        return Identity(
            subject,
            token_id if isinstance(token_id, str) else "",
            grants,
            scopes_of(claims),
            expiry_of(claims),
            "" if grants else why_no_role(self.config, claims),
        )
