"""What a caller shows to prove who it is, as the request's headers carry it."""

from collections.abc import Mapping
from typing import NamedTuple

from service.auth.secrets.api_keys import PREFIX
from service.auth.tokens.refusals import refused

AUTHORIZATION, API_KEY = "authorization", "x-api-key"


class Credential(NamedTuple):
    """A header that proves who calls: its name in lower case, and its value. Not yet verified."""

    header: str
    value: str

    @property
    def api_key(self) -> str | None:
        """The API key, from either header; None if the value is something else."""
        if self.header == API_KEY:
            return self.value
        bearer = self._bearer
        return bearer if bearer is not None and bearer.startswith(PREFIX) else None

    @property
    def token(self) -> str | None:
        """What is shown as an access token; None if the value is something else."""
        return self._bearer

    @property
    def _bearer(self) -> str | None:
        scheme, _, rest = self.value.partition(" ")
        return rest if self.header == AUTHORIZATION and scheme.lower() == "bearer" else None


def read_credential(headers: Mapping[str, str]) -> Credential | None:
    """Return what the headers (names in lower case) show, None for nothing. Raises Unauthenticated for two of them."""
    authorization, key = headers.get(AUTHORIZATION), headers.get(API_KEY)
    if key is None:
        return None if authorization is None else Credential(AUTHORIZATION, authorization)
    if authorization is not None:
        raise refused("a request shows one credential, not two")
    return Credential(API_KEY, key)
