"""The OAuth 2 authorization server: clients proved, tokens issued, refreshed, revoked and introspected. No Flask.

Grants: client_credentials and refresh_token, for clients that show their secret. Every issue and refusal is recorded in
the transaction that makes it so. Attempts made while a caller has to wait are neither examined nor recorded one by one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Connection

from model_store.request_errors import RequestError
from service.audit.entry import Actor
from service.audit.log import AuditLog
from service.auth import tables
from service.auth.oauth import backoff, sessions
from service.auth.oauth.sessions import Session
from service.auth.permissions import ACCESS_MANAGE, PERMISSIONS, ROLES
from service.auth.registry import CLIENT
from service.auth.secrets import passwords
from service.auth.secrets.passwords import Passwords
from service.auth.tokens.access_tokens import LEEWAY_SECONDS, AccessTokens
from service.database.connection import Database
from service.errors import QuotaExceeded, Unauthenticated


class OAuthError(RequestError):
    """An error of RFC 6749, section 5.2; ``code`` is the RFC's own word."""

    code, title = "invalid_request", "The token request cannot be read"


class InvalidClient(OAuthError):
    """The client is unknown or its secret is wrong: nobody learns which."""

    code, title = "invalid_client", "The client could not be authenticated"


class InvalidGrant(OAuthError):
    """The refresh token is unknown, used, expired, revoked or another client's."""

    code, title = "invalid_grant", "The grant is not valid"


class UnauthorizedClient(OAuthError):
    """The client has been granted nothing that a token could carry."""

    code, title = "unauthorized_client", "The client has no grants"


class UnsupportedGrantType(OAuthError):
    """A grant type that this server does not know."""

    code, title = "unsupported_grant_type", "The grant type is not supported"


class InvalidScope(OAuthError):
    """The scope names what does not exist or goes beyond the client's grants."""

    code, title = "invalid_scope", "The scope is not valid"


class TooManyAttempts(QuotaExceeded):
    """The caller failed too often and has to wait."""

    code: ClassVar[str] = "too_many_attempts"
    title: ClassVar[str] = "Too many failed attempts"


@dataclass(frozen=True, slots=True)
class Issued:
    """What a new access token says, and the refresh token that goes with it."""

    client_id: str
    permissions: frozenset[str]
    family: str
    refresh_token: str


class AuthorizationServer:
    """Everything that the routes under /oauth do."""

    def __init__(
        self, database: Database, audit: AuditLog, checker: Passwords, tokens: AccessTokens, refresh_seconds: int
    ) -> None:
        self._database = database
        self._audit = audit
        self._passwords = checker
        self._tokens = tokens
        self._refresh_seconds = refresh_seconds

    def check_client(self, client_id: str, secret: str, by: Actor) -> None:
        """Prove a client by its secret. Raises InvalidClient, TooManyAttempts, Overloaded or Unavailable."""
        with self._database.reading() as connection:
            wait = backoff.wait(connection, client_id, by.address, self._database.now())
            row = _client(connection, client_id)
        if wait:
            raise TooManyAttempts("too many failed attempts: wait before the next one", retry_after=wait)
        if not self._passwords.right(secret, _hash_for(secret, row, self._database.now())):
            with self._database.writing() as connection:
                backoff.failed(connection, client_id, by.address, self._database.now())
                self._refuse(connection, client_id, InvalidClient.code, by)
            raise InvalidClient("the client is unknown or its secret is wrong")

    def issue(self, client_id: str, scope: str | None, by: Actor) -> Issued:
        """Issue tokens for a proved client: its whole rights, or the scope's part of them. Raises an OAuthError."""
        try:
            with self._database.writing() as connection:
                backoff.succeeded(connection, backoff.caller(client_id, by.address))
                permissions = _within(_granted(connection, client_id), scope)
                return self._issued(connection, Session(client_id, permissions, sessions.new_family()), by)
        except OAuthError as error:
            self._record_refusal(client_id, error.code, by)
            raise

    def refresh(self, client_id: str, token: str, scope: str | None, by: Actor) -> Issued:
        """Issue tokens for a refresh token, which is used up; one that was used before revokes all of its family.

        Raises InvalidGrant or another OAuthError.
        """
        try:
            with self._database.writing() as connection:
                session = sessions.use(connection, token, client_id, self._database.now())
                if session is None:
                    raise InvalidGrant("the refresh token is not valid")
                permissions = _within(session.permissions, scope) & _granted(connection, client_id)
                return self._issued(connection, Session(client_id, permissions, session.family), by)
        except sessions.Reused as reused:
            self._revoke_family(reused.family, client_id, by)
            raise InvalidGrant("the refresh token is not valid") from reused
        except OAuthError as error:
            self._record_refusal(client_id, error.code, by)
            raise

    def revoke(self, client_id: str, token: str, by: Actor) -> None:
        """Revoke an access or refresh token of the client (RFC 7009); an unknown one is as good as revoked.

        Raises InvalidGrant for another client's token.
        """
        with self._database.writing() as connection:
            stored = sessions.find(connection, token)
            owner, name = (stored.client_id, stored.family) if stored is not None else self._access_token(token)
            if not name:
                return
            if owner != client_id:
                raise InvalidGrant("the token is another client's")
            sessions.revoke(connection, name, self._no_later())
            self._audit.append(connection, by.entry("token.revoke", CLIENT + client_id, token=name))

    def introspect(self, client_id: str, token: str) -> dict[str, Any]:
        """Return what a token is (RFC 7662): to its own client, and to clients that manage access."""
        with self._database.reading() as connection:
            found = self._described(connection, token)
            if found.get("client_id") == client_id or ACCESS_MANAGE in _granted(connection, client_id):
                return found
        return {"active": False}

    def _no_later(self) -> int:
        """Return when a token issued now, and each that follows from it, is no longer good."""
        return self._database.now() + max(self._refresh_seconds, self._tokens.lifetime) + LEEWAY_SECONDS

    def _issued(self, connection: Connection, session: Session, by: Actor) -> Issued:
        if not session.permissions:
            raise UnauthorizedClient("the client has no grants: a token would be good for nothing")
        refresh_token = sessions.open_session(connection, session, self._database.now(), self._refresh_seconds)
        scope = " ".join(sorted(session.permissions))
        self._audit.append(
            connection, by.entry("token.issue", CLIENT + session.client_id, scope=scope, family=session.family)
        )
        return Issued(session.client_id, session.permissions, session.family, refresh_token)

    def _revoke_family(self, family: str, client_id: str, by: Actor) -> None:
        with self._database.writing() as connection:
            sessions.revoke(connection, family, self._no_later())
            self._audit.append(connection, by.entry("token.reuse", CLIENT + client_id, family=family))

    def _record_refusal(self, client_id: str, code: str, by: Actor) -> None:
        with self._database.writing() as connection:
            self._refuse(connection, client_id, code, by)

    def _refuse(self, connection: Connection, client_id: str, code: str, by: Actor) -> None:
        entry = by.entry("token.refuse", CLIENT + client_id, outcome=code)
        self._audit.append(connection, entry)

    def _access_token(self, token: str) -> tuple[str, str]:
        """Return an access token's client and id, empty if it is not valid."""
        try:
            claims = self._tokens.verify(token)
        except Unauthenticated:
            return "", ""
        return claims.client_id, claims.token_id

    def _described(self, connection: Connection, token: str) -> dict[str, Any]:
        stored = sessions.find(connection, token)
        if stored is not None:
            good = stored.used_at is None and stored.expires_at > self._database.now()
            if not good or sessions.is_revoked(connection, stored.family) or not _client(connection, stored.client_id):
                return {"active": False}
            facts = {"client_id": stored.client_id, "scope": stored.scope, "exp": stored.expires_at}
            return {"active": True, "token_type": "refresh_token", **facts}
        return self._described_access_token(connection, token)

    def _described_access_token(self, connection: Connection, token: str) -> dict[str, Any]:
        try:
            claims = self._tokens.verify(token)
        except Unauthenticated:
            return {"active": False}
        revoked = any(sessions.is_revoked(connection, name) for name in (claims.token_id, claims.family))
        if revoked or not _client(connection, claims.client_id):
            return {"active": False}
        return {
            "active": True,
            "token_type": "Bearer",
            "scope": " ".join(sorted(claims.permissions)),
            "client_id": claims.client_id,
            "sub": claims.subject,
            "iss": claims.issuer,
            "aud": self._tokens.audience,
            "jti": claims.token_id,
            "exp": int(claims.expires_at - LEEWAY_SECONDS),
        }


def _client(connection: Connection, client_id: str) -> Any | None:
    if not client_id.isascii() or not client_id.isprintable():
        return None  # no id is like that, and PostgreSQL refuses to look for some texts
    clients = tables.clients.c
    query = sa.select(tables.clients).where(clients.id == client_id, clients.revoked_at.is_(None))
    return connection.execute(query).one_or_none()


def _hash_for(secret: str, row: Any | None, now: int) -> str | None:
    """Return the stored hash that the secret could fit: the newest one's, or its predecessor's while that is good."""
    number = passwords.number_of(secret)
    if row is None or number is None:
        return None
    if number == row.secret_number:
        stored: str = row.secret_hash
        return stored
    earlier_is_good = row.previous_until is not None and now < row.previous_until
    previous: str | None = row.previous_hash
    return previous if number == row.secret_number - 1 and earlier_is_good else None


def _granted(connection: Connection, client_id: str) -> frozenset[str]:
    """Return everything that the client may do with some model."""
    grants = tables.grants.c
    query = sa.select(grants.role).where(grants.subject == CLIENT + client_id, grants.revoked_at.is_(None))
    roles = connection.execute(query).scalars()
    return frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))


def _within(permissions: frozenset[str], scope: str | None) -> frozenset[str]:
    if scope is None:
        return permissions
    wanted = frozenset(scope.split())
    if not wanted or not wanted <= PERMISSIONS or not wanted <= permissions:
        raise InvalidScope("the scope names what does not exist or what the client was not granted")
    return wanted
