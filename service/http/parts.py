"""What the blueprints are made from: built once by ``service.app`` and handed to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from model_store.stores.store import Store
from service.audit.entry import Entry
from service.auth.principals import Principal
from service.inference.line import Inference
from service.runtime.catalog import Catalog
from service.runtime.convergence import Convergence
from service.runtime.router import Router


class Authentication(Protocol):
    """Tells who is asking; ``service.auth.authenticator.Authenticator`` is the real one."""

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the caller's principal, the anonymous one without credentials; raises Unauthenticated, Unavailable."""


class Charging(Protocol):
    """Counts what callers use; ``service.auth.quotas.Quotas`` is the real one."""

    def charge(self, principal: Principal, rows: int) -> Mapping[str, str]:
        """Count a request and its rows; return RateLimit headers; raises QuotaExceeded."""


class Recording(Protocol):
    """Keeps who did what; ``service.audit.log.AuditLog`` is the real one."""

    def record(self, entry: Entry) -> None:
        """Append an entry; raises Unavailable."""


class Access(Protocol):
    """What all routes need of access control; ``service.auth.access_control.AccessControl`` is the real one."""

    @property
    def authenticator(self) -> Authentication:
        """Who is asking."""

    @property
    def quotas(self) -> Charging:
        """How much they may ask."""

    @property
    def audit(self) -> Recording:
        """What they did."""

    def start(self) -> None:
        """Begin to follow the state of access; call it in each worker, after the fork."""

    def stop(self) -> None:
        """End what ``start`` began."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The built parts, and the plain values that blueprints need of the settings."""

    inference: Inference
    catalog: Catalog
    router: Router
    store: Store
    convergence: Convergence
    authenticator: Authentication
    quotas: Charging
    audit: Recording
    replica: str
    default_model: str | None
    max_body_bytes: int
