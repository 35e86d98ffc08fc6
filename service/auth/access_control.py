"""All parts of access control, put together."""

import contextlib
import os
import time
from collections.abc import Callable

from service.audit.chain_check import PERIOD as CHECK_SECONDS
from service.audit.chain_check import ChainCheck
from service.audit.log import AuditLog
from service.auth.access_view import AccessView
from service.auth.authenticator import Authenticator
from service.auth.configuration import Configuration, database_url
from service.auth.housekeeping import Housekeeping, Task
from service.auth.oauth import sessions
from service.auth.oauth.server import AuthorizationServer
from service.auth.permissions import parse_models
from service.auth.quotas import Quotas
from service.auth.registry import Registry
from service.auth.secrets.files import read_secret
from service.auth.secrets.key_uses import KeyUses
from service.auth.secrets.passwords import Passwords
from service.auth.snapshot import SnapshotFile
from service.auth.tokens.access_tokens import AccessTokens
from service.auth.tokens.issuers import read_issuers
from service.auth.tokens.key_ring import KeyRing
from service.auth.tokens.oidc import Issuer
from service.database.connection import Database
from service.database.leases import Leases
from service.database.migrate import check_schema
from service.errors import Unavailable

_POLL_SECONDS = 1.0
_WRITE_SECONDS = 30
_TIDY_SECONDS = 300


class AccessControl:
    """Who is asking, what they may do, and how much of it.

    Reads and checks all secrets at once: raises BadSecret, BadIssuers or SchemaMismatch if the service must not start.
    A database that does not answer is no such reason. ``database`` replaces the one that the configuration names.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Callable[[], float] = time.time,
        database: Database | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self.configuration = configuration
        self.database = database or Database(database_url(configuration), clock)
        self.leases = Leases(self.database)
        self.audit = AuditLog(self.database, read_secret(configuration.audit_key, "AUDIT_KEY"))
        self.ring = KeyRing(configuration.jwt_keys, configuration.access_seconds)
        self.tokens = _tokens(self.ring, configuration)
        self.passwords = passwords or Passwords()
        self.registry = Registry(self.database, self.audit)
        self.authorization = AuthorizationServer(
            self.database, self.audit, self.passwords, self.tokens, configuration.refresh_seconds
        )
        file = None if configuration.run_dir is None else SnapshotFile(configuration.run_dir)
        self.view = AccessView(self.database, file, configuration.stale_seconds, clock)
        self.key_uses = KeyUses(self.database)
        self._issuers = {config.issuer: Issuer(config) for config in read_issuers(configuration.oidc_issuers)}
        self.authenticator = Authenticator(
            view=self.view,
            tokens=self.tokens,
            issuers=self._issuers,
            uses=self.key_uses,
            public_models=parse_models(configuration.public_models),
            longest_token=configuration.longest_token,
            clock=clock,
        )
        self._check = ChainCheck(self.audit, self.leases, configuration.replica)
        self.housekeeping = Housekeeping(self._tasks(), self._book)
        self.quotas = Quotas(self.database, self.housekeeping.wake)
        with contextlib.suppress(Unavailable):
            check_schema(self.database)
        self.database.close()

    def start(self) -> None:
        """Read the state of access and keep it current; call it in each worker, after the fork."""
        self.database.reset()
        self.passwords.prepare()
        self.housekeeping.run_due()
        self.view.read_file()
        self.housekeeping.start()

    def stop(self) -> None:
        """Stop the background work and close the database."""
        self.housekeeping.stop()
        with contextlib.suppress(Unavailable):
            self.key_uses.write()
            self._check.hand_over()
        self.database.close()

    def follow(self) -> None:
        """See new keys and new changes. Raises Unavailable, and the last state stays in force then."""
        if self.ring.refresh():
            self.view.clear_verified()  # a key was withdrawn: what it signed is to be verified again
        if not self.view.refresh_or_keep():
            raise Unavailable("the database of access control does not answer now")

    def _tasks(self) -> tuple[Task, ...]:
        return (
            Task(_POLL_SECONDS, self.follow),
            Task(_WRITE_SECONDS, self.key_uses.write),
            Task(_WRITE_SECONDS, self.view.write_file),
            Task(_TIDY_SECONDS, self._tidy),
            Task(CHECK_SECONDS, self._check.start),
            Task(_POLL_SECONDS, self._keep_issuers_fresh),
        )

    def _book(self) -> None:
        self.quotas.book()

    def _tidy(self) -> None:
        """Delete what is over, in one worker of all replicas."""
        holder = f"{self.configuration.replica}:{os.getpid()}"
        if not self.leases.hold("tidy", holder, _TIDY_SECONDS):
            return
        with self.database.writing() as connection:
            sessions.delete_expired(connection, self.database.now())
            self.quotas.delete_old(connection)
            self.leases.delete_expired(connection)

    def _keep_issuers_fresh(self) -> None:
        for issuer in self._issuers.values():
            issuer.keep_fresh()


def _tokens(ring: KeyRing, configuration: Configuration) -> AccessTokens:
    return AccessTokens(
        ring,
        issuer=configuration.issuer,
        audience=configuration.audience,
        lifetime=configuration.access_seconds,
    )
