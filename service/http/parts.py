"""What the blueprints are made from: built once by ``service.app`` and handed to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from model_store.stores.store import Store
from service.audit.entry import Entry
from service.inference.line import Inference
from service.runtime.catalog import Catalog
from service.runtime.router import Router


class Access(Protocol):
    """Who is asking and what they may do; ``service.auth.access.Access`` is the real one."""

    def start(self) -> None:
        """Begin to follow the state of access; in each worker, after the fork."""

    def stop(self) -> None:
        """End what ``start`` began."""

    def authenticate(self, headers: Mapping[str, str], address: str) -> Any:
        """The caller's principal, the anonymous one without credentials; raises Unauthenticated for bad ones."""

    def authorize(self, principal: Any, permission: str, model: str | None) -> None:
        """Raise Unauthenticated, Forbidden, or ModelNotFound for a model that the caller may not see."""

    def may(self, principal: Any, permission: str, model: str | None) -> bool:
        """Whether ``authorize`` would pass."""

    def charge(self, principal: Any, rows: int) -> Mapping[str, str]:
        """Count a request and its rows against the caller's quotas; RateLimit headers, or raises QuotaExceeded."""

    def record(self, entry: Entry) -> None:
        """Append to the record of who did what; raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The built parts, and the plain values that blueprints need of the settings."""

    inference: Inference
    catalog: Catalog
    router: Router
    store: Store
    access: Access
    replica: str
    default_model: str | None
    max_body_bytes: int
