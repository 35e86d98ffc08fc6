"""Access control, as routes ask for it."""

from collections.abc import Mapping
from typing import Protocol

from service.audit.entry import Entry
from service.auth.principals import Principal


class Authentication(Protocol):
    """Tells who is asking; ``service.auth.authenticator.Authenticator`` is the real one."""

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the caller's principal, the anonymous one without credentials. Raises Unauthenticated, Unavailable."""


class Charging(Protocol):
    """Counts what callers use; ``service.auth.quotas.Quotas`` is the real one."""

    def charge(self, principal: Principal, rows: int) -> Mapping[str, str]:
        """Count a request and its rows; return RateLimit headers. Raises QuotaExceeded, LargerThanQuota."""


class Recording(Protocol):
    """Keeps who did what; ``service.audit.log.AuditLog`` is the real one."""

    def record(self, entry: Entry) -> None:
        """Append an entry. Raises Unavailable."""


class Access(Protocol):
    """What all routes need of access control; ``service.auth.access_control.AccessControl`` is the real one."""

    @property
    def authenticator(self) -> Authentication:
        """Return what tells who is asking."""

    @property
    def quotas(self) -> Charging:
        """Return what counts their requests."""

    @property
    def audit(self) -> Recording:
        """Return what keeps what they did."""

    def start(self) -> None:
        """Begin to follow the state of access; call it in each worker, after the fork."""

    def stop(self) -> None:
        """End what ``start`` began."""
