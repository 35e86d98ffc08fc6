"""What a request costs its caller's quotas: one request in any case, and its rows if they are to be predicted."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

from model_store.request_errors import RequestError
from service.auth.principals import Principal
from service.errors import QuotaExceeded
from service.http.access import Charging
from service.http.problems import status_of


class Charge:
    """The charge for one request of a caller. ``headers`` tell what remains once it is charged.

    As a context it charges also the request that fails inside by a fault of its own, without rows; where the quota of
    requests is used up, QuotaExceeded takes the error's place.
    """

    __slots__ = ("_charged", "_principal", "_quotas", "headers")

    def __init__(self, quotas: Charging, principal: Principal) -> None:
        self.headers: Mapping[str, str] = {}
        self._quotas = quotas
        self._principal = principal
        self._charged = False

    def rows(self, rows: int) -> None:
        """Charge the request with its rows. Raises QuotaExceeded, LargerThanQuota."""
        self.headers = self._quotas.charge(self._principal, rows)
        self._charged = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, RequestError) and not self._charged and _own_fault(error):
            self.rows(0)
            error.headers = {**self.headers, **error.headers}


def _own_fault(error: RequestError) -> bool:
    return status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, QuotaExceeded)
