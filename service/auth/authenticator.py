"""Who is asking: the principal that a request's headers prove. The database is asked for unknown callers alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from service.auth.access_view import AccessView
from service.auth.credentials import Credential, read_credential
from service.auth.permissions import PERMISSIONS
from service.auth.principals import NO_LIMIT, Grant, Limit, Principal, anonymous, quota_of
from service.auth.registry import CLIENT
from service.auth.secrets import api_keys
from service.auth.secrets.key_uses import KeyUses
from service.auth.snapshot import AccessSnapshot, StoredKey
from service.auth.tokens.access_tokens import LONGEST_TOKEN, AccessTokens, unverified_issuer
from service.auth.tokens.oidc import Issuer
from service.auth.tokens.refusals import refused
from service.metrics.access import AccessMetrics

_REMEMBER_SECONDS = 60
_MOST_REMEMBERED = 10_000

_Verified = tuple[Principal, float]
"""A principal, and until when its credential is good, in seconds since 1970."""


class Authenticator:
    """Verifies credentials against the view's snapshot and remembers, for a minute, those that were valid."""

    def __init__(  # noqa: PLR0913 - what a credential is checked against, by name
        self,
        *,
        view: AccessView,
        tokens: AccessTokens,
        issuers: Mapping[str, Issuer],
        uses: KeyUses,
        public_models: tuple[str, ...] = (),
        longest_token: int = LONGEST_TOKEN,
        clock: Callable[[], float] = time.time,
        most_remembered: int = _MOST_REMEMBERED,
    ) -> None:
        self._view = view
        self._tokens = tokens
        self._issuers = issuers
        self._uses = uses
        self._anonymous = anonymous(public_models)
        self._longest_token = longest_token
        self._clock = clock
        self._most = most_remembered
        self._metrics = AccessMetrics()

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the caller's principal, the anonymous one without credentials; header names are in lower case.

        Raises Unauthenticated for credentials that are not valid, Unavailable if the state of access is too old.
        """
        credential = read_credential(headers)
        if credential is None:
            return self._anonymous
        view = self._view
        now = self._clock()
        known = view.generation.verified.get(credential)
        if known is not None and now < known[1] and now < view.good_until:
            self._metrics.token_looked_up(hit=True)
            return known[0]
        self._metrics.token_looked_up(hit=False)
        return self._verify(credential, now)

    def _verify(self, credential: Credential, now: float) -> Principal:
        if now >= self._view.good_until:
            self._view.refresh_if_due()
        generation = self._view.generation
        principal, until = self._verified(credential)
        remembered = generation.verified
        while len(remembered) >= self._most:
            remembered.pop(next(iter(remembered)), None)
        if generation is self._view.generation:
            remembered[credential] = (principal, min(until, now + _REMEMBER_SECONDS))
        return principal

    def _verified(self, credential: Credential) -> _Verified:
        key, token = credential.api_key, credential.token
        if key is not None:
            return self._by_key(key)
        if token is not None:
            return self._by_token(token)
        raise refused("it is neither a bearer token nor an API key")

    def _by_key(self, text: str) -> _Verified:
        key_id = api_keys.key_id(text)
        if key_id is None:
            raise refused("it is no API key")
        if self._key(key_id) is None:
            self._view.refresh_if_due()
        current, key = self._view.current, self._key(key_id)
        right = api_keys.same(text, key.digest if key else "")
        expires = float("inf") if key is None or key.expires_at is None else float(key.expires_at)
        if key is None or not right or key.client_id not in current.clients:
            raise refused("there is no such API key, or it or its client is revoked")
        if expires <= self._clock():
            raise refused("the API key has expired")
        self._uses.note(key_id, self._clock())
        return self._principal(current, CLIENT + key.client_id, f"key:{key_id}", key.limit), expires

    def _by_token(self, token: str) -> _Verified:
        if len(token) > self._longest_token:
            raise refused(f"it is longer than {self._longest_token} characters")
        issuer = self._issuers.get(unverified_issuer(token)) if self._issuers else None
        return self._by_own_token(token) if issuer is None else self._by_foreign_token(issuer, token)

    def _by_own_token(self, token: str) -> _Verified:
        claims = self._tokens.verify(token)
        subject, current = CLIENT + claims.client_id, self._view.current
        if claims.client_id not in current.clients or subject not in current.grants:
            self._view.refresh_if_due()
            current = self._view.current
        revoked = not current.revoked.isdisjoint((claims.token_id, claims.family))
        if revoked or claims.client_id not in current.clients or claims.subject != claims.client_id:
            raise refused("it or its client is revoked, or it is of another subject than its client")
        return self._principal(
            current, subject, f"token:{claims.token_id}", Limit(claims.permissions)
        ), claims.expires_at

    def _by_foreign_token(self, issuer: Issuer, token: str) -> _Verified:
        identity = issuer.verify(token)
        current = self._view.current
        if identity.token_id in current.revoked:
            raise refused("it is revoked")
        ours = identity.scopes & PERMISSIONS
        limit = Limit(ours) if ours else NO_LIMIT
        principal = self._principal(current, identity.subject, "oidc", limit, identity.grants)
        if identity.why_no_role and identity.subject not in current.grants:
            principal = replace(principal, without_role=identity.why_no_role)
        return principal, identity.expires_at

    def _principal(
        self, current: AccessSnapshot, subject: str, credential: str, limit: Limit, extra: tuple[Grant, ...] = ()
    ) -> Principal:
        grants = current.grants.get(subject, ()) + extra
        return Principal(subject, credential, grants + self._anonymous.grants, limit, quota_of(grants))

    def _key(self, key_id: str) -> StoredKey | None:
        return self._view.current.keys.get(key_id)
