"""Access control as the rest of the service sees it: authenticate, authorize, charge. No database on that path.

What it needs of the database is one immutable snapshot per worker. A background thread polls the counter of changes
every second and swaps the snapshot whole, and with it the memory of verified credentials, so that what was revoked is
refused everywhere within a few seconds. While the database is down the last snapshot stays good for ``stale_seconds``.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from model_store import atomic_file
from service.audit.entry import Entry
from service.audit.log import AuditLog
from service.auth import api_keys, sessions, snapshot, tables, tokens
from service.auth.authorization import AuthorizationServer
from service.auth.key_ring import KeyRing
from service.auth.oidc import Issuer, read_issuers
from service.auth.passwords import Passwords
from service.auth.permissions import MODEL_PREDICT, MODEL_READ, PERMISSIONS, parse_models
from service.auth.principals import ANONYMOUS, NO_LIMIT, Grant, Limit, Principal, quota_of
from service.auth.quotas import Quotas
from service.auth.refresher import Refresher
from service.auth.registry import CLIENT, Registry
from service.auth.secret_files import BadSecret, is_placeholder, read_secret
from service.auth.snapshot import AccessSnapshot, StoredKey
from service.database.connection import Database
from service.database.migrate import check_schema
from service.errors import Forbidden, ModelNotFound, Unauthenticated, Unavailable
from service.metrics.access import AccessMetrics
from service.settings import Settings

REMEMBER_SECONDS = 60
MOST_REMEMBERED = 10_000
_KEEP_USES_SECONDS = 30
_TIDY_SECONDS = 300
_LOOK_AGAIN_SECONDS = 0.25
_SNAPSHOT_FILE = "access-snapshot.json"
_CHAIN_FILE = "audit-chain-checked"
CHECK_CHAIN_SECONDS = 600.0
"""Seconds between two checks of the whole audit trail by one replica."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What access control is built with; `service.settings` says what each is."""

    database_url: str
    database_password: Path | None
    jwt_keys: Path
    audit_key: Path
    issuer: str
    audience: str = "millrace"
    access_seconds: int = 900
    refresh_seconds: int = 86_400
    public_models: tuple[str, ...] = ()
    oidc_issuers: Path | None = None
    stale_seconds: int = 86_400
    run_dir: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Configuration":
        """What the settings say of access control."""
        return cls(
            database_url=settings.database_url,
            database_password=settings.database_password,
            jwt_keys=settings.jwt_keys,
            audit_key=settings.audit_key,
            issuer=settings.issuer,
            audience=settings.audience,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
            public_models=settings.public_models,
            oidc_issuers=settings.oidc_issuers,
            stale_seconds=settings.access_stale_seconds,
            run_dir=settings.run_dir,
        )


class _View:
    """A snapshot and the credentials that were verified against it; replaced together."""

    __slots__ = ("snapshot", "verified")

    def __init__(self, current: AccessSnapshot | None) -> None:
        self.snapshot = current
        self.verified: dict[str, tuple[Principal, float]] = {}


class Access:
    """Who is asking, what they may do, and how much of it.

    Reads and checks all secrets at once: raises BadSecret, BadIssuers or SchemaMismatch where the service must not
    start. A database that does not answer is no such reason.
    """

    def __init__(self, configuration: Configuration, clock: Callable[[], float] = time.time) -> None:
        self.configuration = configuration
        self._clock = clock
        self.database = Database(database_url(configuration), clock)
        self.audit = AuditLog(self.database, read_secret(configuration.audit_key, "AUDIT_KEY"))
        self.ring = KeyRing(configuration.jwt_keys, configuration.access_seconds)
        self.tokens = tokens.AccessTokens(
            self.ring,
            issuer=configuration.issuer,
            audience=configuration.audience,
            lifetime=configuration.access_seconds,
        )
        self.passwords = Passwords()
        self.registry = Registry(self.database, self.audit)
        self.authorization = AuthorizationServer(
            self.database, self.audit, self.passwords, self.tokens, configuration.refresh_seconds
        )
        self._issuers = {config.issuer: Issuer(config) for config in read_issuers(configuration.oidc_issuers)}
        self._refresher = Refresher(self._poll, self._book)
        self.quotas = Quotas(self.database, self._refresher.wake)
        self._anonymous = _anonymous(parse_models(configuration.public_models))
        self._view = _View(None)
        self._good_until = 0.0
        self._metrics = AccessMetrics()
        self._reachable = True
        self._refreshing = threading.Lock()
        self._uses: dict[str, int] = {}
        self._uses_kept_at = self._tidied_at = self._looked_at = time.monotonic()
        self._chain_checked_at = float("-inf")
        with contextlib.suppress(Unavailable):
            check_schema(self.database)
        self.database.close()

    def start(self) -> None:
        """Read the state of access and keep it current; called in each worker after it was forked."""
        self.database.reset()
        self.passwords.prepare()
        self._poll()
        if self._view.snapshot is None:
            self._take_over_file()
        self._refresher.start()

    def stop(self) -> None:
        """Stop the background work and close the database."""
        self._refresher.stop()
        with contextlib.suppress(Unavailable):
            self._keep_uses()
        self.database.close()

    def authenticate(self, headers: Mapping[str, str], address: str) -> Principal:  # noqa: ARG002 - part of the facade
        """The caller's principal, the anonymous one without credentials.

        Raises Unauthenticated for credentials that are not valid, Unavailable where nobody can tell any more.
        """
        shown = headers.get("authorization")
        key = headers.get("x-api-key")
        if key is not None:
            if shown is not None:
                raise tokens.refused()
            shown = "\0 " + key  # no header holds a NUL: never taken for an Authorization header
        if shown is None:
            return self._anonymous
        view = self._view
        now = self._clock()
        known = view.verified.get(shown)
        if known is not None and now < known[1] and now < self._good_until:
            self._metrics.token_looked_up(hit=True)
            return known[0]
        self._metrics.token_looked_up(hit=False)
        return self._verify(shown, now)

    def authorize(self, principal: Principal, permission: str, model: str | None) -> None:
        """Raise Unauthenticated, Forbidden, or ModelNotFound for a model that the caller may not see."""
        if principal.may(permission, model):
            return
        if principal.anonymous:
            raise Unauthenticated("this needs an access token or an API key")
        if model is not None and not principal.may(MODEL_READ, model):
            raise ModelNotFound(f"there is no model {model[:128]!r}")
        raise Forbidden(f"this needs the permission {permission}" + (f" on model {model[:128]!r}" if model else ""))

    @staticmethod
    def may(principal: Principal, permission: str, model: str | None) -> bool:
        """Whether ``authorize`` would pass."""
        return principal.may(permission, model)

    def charge(self, principal: Principal, rows: int) -> Mapping[str, str]:
        """Count a request and its rows; returns RateLimit headers, raises QuotaExceeded with ``retry_after``."""
        return self.quotas.charge(principal, rows)

    def record(self, entry: Entry) -> None:
        """Append to the record of who did what; raises Unavailable."""
        self.audit.record(entry)

    def refresh(self) -> None:
        """Look at the database now, so that this worker sees what it just changed; raises Unavailable."""
        with self._refreshing, self.database.reading() as connection:
            now = self._clock()
            current = self._view.snapshot
            if current is None or snapshot.change_counter(connection) != current.counter:
                current = snapshot.read(connection, now)
                self._show(current)
                self._store_file()
            self._good_until = now + self.configuration.stale_seconds

    def look_again(self) -> None:
        """Show this worker what it has just changed; the others see it within a second."""
        self._try_refresh()

    def _verify(self, shown: str, now: float) -> Principal:
        scheme, _, credential = shown.partition(" ")
        if now >= self._good_until:
            self._look_again()
        view = self._view
        if scheme == "\0" or (scheme.lower() == "bearer" and credential.startswith(api_keys.PREFIX)):
            principal, until = self._by_key(credential)
        elif scheme.lower() == "bearer" and len(credential) <= tokens.LONGEST_TOKEN:
            principal, until = self._by_token(credential)
        else:
            raise tokens.refused()
        verified = view.verified
        while len(verified) >= MOST_REMEMBERED:
            verified.pop(next(iter(verified), ""), None)
        if view is self._view:
            verified[shown] = (principal, min(until, now + REMEMBER_SECONDS))
        return principal

    def _by_key(self, text: str) -> tuple[Principal, float]:
        key_id = api_keys.key_id(text)
        if key_id is None:
            raise tokens.refused()
        if self._key(key_id) is None:
            self._look_again()
        current, key = self._current(), self._key(key_id)
        right = api_keys.same(text, key.digest if key else "")
        expires = float("inf") if key is None or key.expires_at is None else float(key.expires_at)
        if key is None or not right or key.client_id not in current.clients or expires <= self._clock():
            raise tokens.refused()
        self._uses[key_id] = int(self._clock())
        return self._principal(current, CLIENT + key.client_id, f"key:{key_id}", key.limit), expires

    def _by_token(self, token: str) -> tuple[Principal, float]:
        issuer = self._issuers.get(tokens.unverified_issuer(token)) if self._issuers else None
        if issuer is not None:
            return self._by_foreign_token(issuer, token)
        claims = self.tokens.verify(token)
        current = self._current()
        if claims.client_id not in current.clients or CLIENT + claims.client_id not in current.grants:
            self._look_again()
        current = self._current()
        revoked = not current.revoked.isdisjoint((claims.token_id, claims.family))
        if revoked or claims.client_id not in current.clients or claims.subject != claims.client_id:
            raise tokens.refused()
        subject, limit = CLIENT + claims.client_id, Limit(claims.permissions)
        return self._principal(current, subject, f"token:{claims.token_id}", limit), claims.expires_at

    def _by_foreign_token(self, issuer: Issuer, token: str) -> tuple[Principal, float]:
        identity = issuer.verify(token)
        current = self._current()
        if identity.token_id in current.revoked:
            raise tokens.refused()
        ours = identity.scopes & PERMISSIONS
        limit = Limit(ours) if ours else NO_LIMIT
        return self._principal(current, identity.subject, "oidc", limit, identity.grants), identity.expires_at

    def _principal(
        self, current: AccessSnapshot, subject: str, credential: str, limit: Limit, extra: tuple[Grant, ...] = ()
    ) -> Principal:
        grants = self._grants(current, subject) + extra
        return Principal(subject, credential, grants + self._anonymous.grants, limit, quota_of(grants))

    @staticmethod
    def _grants(current: AccessSnapshot, subject: str) -> tuple[Grant, ...]:
        return current.grants.get(subject, ())

    def _key(self, key_id: str) -> StoredKey | None:
        return self._current().keys.get(key_id)

    def _current(self) -> AccessSnapshot:
        """The snapshot; raises Unavailable where there is none, or only one that is too old to go by."""
        current = self._view.snapshot
        if current is None or self._clock() >= self._good_until:
            raise Unavailable("credentials cannot be checked now: the database does not answer", retry_after=2)
        return current

    def _look_again(self) -> None:
        """For a caller unknown here who may have been made known to another worker just now: at most so often."""
        if not self._reachable or time.monotonic() - self._looked_at < _LOOK_AGAIN_SECONDS:
            return
        self._looked_at = time.monotonic()
        self._try_refresh()

    def _poll(self) -> None:
        """What the background does every second."""
        if self.ring.refresh():
            self._view = _View(self._view.snapshot)  # a key was withdrawn: what it signed is to be verified again
        self._try_refresh()
        if not self._reachable:
            return
        with contextlib.suppress(Unavailable):
            self._housekeeping()

    def _try_refresh(self) -> None:
        try:
            self.refresh()
        except (Unavailable, sa.exc.SQLAlchemyError) as error:
            if self._reachable:
                _LOG.warning("the database of access control does not answer: going by the last state", exc_info=error)
            self._reachable = False
            self._metrics.database(up=False)
        else:
            if not self._reachable:
                _LOG.warning("the database of access control answers again")
            self._reachable = True
            self._metrics.database(up=True)

    def _book(self) -> None:
        with contextlib.suppress(Unavailable):
            self.quotas.book()

    def _housekeeping(self) -> None:
        now = time.monotonic()
        if now - self._uses_kept_at > _KEEP_USES_SECONDS:
            self._uses_kept_at = now
            self._keep_uses()
            self._store_file()
        if now - self._tidied_at > _TIDY_SECONDS:
            self._tidied_at = now
            with self.database.writing() as connection:
                sessions.forget_expired(connection, self.database.now())
                self.quotas.forget_old(connection)
        if now - self._chain_checked_at > CHECK_CHAIN_SECONDS:
            self._chain_checked_at = now
            # beside, because a long trail takes seconds, and revocations must not wait for it
            threading.Thread(target=self._check_chain, name="audit-check", daemon=True).start()
        for issuer in self._issuers.values():
            issuer.keep_fresh()

    def _check_chain(self) -> None:
        """Check the audit trail, in one worker of each replica: a file says when it was last done."""
        if self.configuration.run_dir is not None:
            stamp = self.configuration.run_dir / _CHAIN_FILE
            with contextlib.suppress(FileNotFoundError):
                if self._clock() - stamp.stat().st_mtime < CHECK_CHAIN_SECONDS:
                    return
            with contextlib.suppress(OSError):
                stamp.touch()
        try:
            count, broken = self.audit.verify()
        except Unavailable:
            return
        if broken is not None:
            _LOG.error("the audit trail was altered after entry %d: %s", count, broken)
        self._metrics.audit_chain(whole=broken is None)

    def _keep_uses(self) -> None:
        """Write down when keys were last used: seconds late, and not once a request."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        keys = tables.api_keys
        with self.database.writing() as connection:
            for key_id, at in uses.items():
                connection.execute(keys.update().where(keys.c.id == key_id).values(last_used_at=at))

    def _show(self, current: AccessSnapshot) -> None:
        self._view = _View(current)

    def _store_file(self) -> None:
        """Leave the snapshot, which is current, for workers that start while the database is down."""
        current = self._view.snapshot
        if self.configuration.run_dir is None or current is None:
            return
        path = self.configuration.run_dir / _SNAPSHOT_FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_file.write(path, replace(current, read_at=self._clock()).to_json(), mode=0o600)
        except OSError as error:
            _LOG.warning("the state of access cannot be stored in %s: %s", self.configuration.run_dir, error)

    def _take_over_file(self) -> None:
        if self.configuration.run_dir is None:
            return
        try:
            current = snapshot.from_json((self.configuration.run_dir / _SNAPSHOT_FILE).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return
        self._good_until = current.read_at + self.configuration.stale_seconds
        self._show(current)


def database_url(configuration: Configuration) -> sa.URL:
    """The database's address with its password; raises BadSecret for one that is a placeholder."""
    url = sa.make_url(configuration.database_url)
    if configuration.database_password is not None:
        url = url.set(password=read_secret(configuration.database_password, "DATABASE_PASSWORD_FILE").decode())
    elif url.password and is_placeholder(str(url.password).encode()):
        raise BadSecret("DATABASE_URL: its password is a placeholder")
    return url


def _anonymous(public_models: tuple[str, ...]) -> Principal:
    grants = (Grant(frozenset({MODEL_READ, MODEL_PREDICT}), public_models),) if public_models else ()
    return Principal(ANONYMOUS, grants=grants)
