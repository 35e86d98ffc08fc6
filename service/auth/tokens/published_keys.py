"""The keys that an issuer publishes: found by discovery, kept, and fetched again when a token needs another one.

They are fetched in a thread, since an issuer that is slow must not keep a worker from its other requests.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import requests

from service.auth.tokens.issuers import KEY_TYPES, IssuerConfig, check_address
from service.auth.tokens.refusals import refused
from service.errors import Unavailable
from service.metrics.access import AccessMetrics

REFETCH_SECONDS = 30
_KEEP_SECONDS = 3600
_TIMEOUT_SECONDS = (2, 3)
PATIENCE_SECONDS = 0.5
"""How long the request that has keys fetched waits for them; most issuers answer sooner."""
_RETRY_SECONDS = 1
_LARGEST_DOCUMENT = 2**20
_ALGORITHMS = {kind: algorithm for algorithm, kind in KEY_TYPES.items()}

Fetch = Callable[[IssuerConfig], Sequence[Any]]
"""Gets the entries of an issuer's key set, and raises what ``fetch_entries`` does."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One key for signatures; ``kid`` is None if the issuer gives it no id, ``kind`` is RSA or EC."""

    kid: str | None
    kind: str
    material: Any
    entry: Mapping[str, Any]


def fetch_entries(config: IssuerConfig) -> Sequence[Any]:
    """Get the entries of the issuer's key set by its discovery document.

    Raises RequestException, ValueError, KeyError, TypeError or AttributeError if they cannot be had or read.
    """
    document = _document(config.discovery)
    if document["issuer"] != config.issuer:
        raise ValueError(f"the discovery document is of {document['issuer']!r}")
    check_address(document["jwks_uri"])
    entries = _document(document["jwks_uri"])["keys"]
    if not isinstance(entries, list):
        raise TypeError("the key set's keys are no list")
    return entries


class PublishedKeys:
    """One issuer's keys, fetched when first needed, kept, and fetched again for an unknown one: at most so often.

    ``patience`` is how many seconds the request that has them fetched waits; all others never wait.
    """

    def __init__(
        self, config: IssuerConfig, monotonic: Callable[[], float], fetch: Fetch, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._entries = fetch
        self._patience = patience
        self._keys: tuple[PublishedKey, ...] = ()
        self._skipped: frozenset[str] = frozenset()
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()
        self._fetching: threading.Thread | None = None

    def key(self, kid: str | None, kind: str) -> PublishedKey:
        """Return the key that a token names. A token that names none has the only key of its kind.

        Raises Unauthenticated, or Unavailable without any key of the issuer and while the key may be on its way.
        """
        found = self._find(kid, kind)
        if not found:
            self.fetch()
            found = self._find(kid, kind)
        if not found and self._is_fetching():
            raise Unavailable(f"the keys of issuer {self._config.name!r} are being fetched", retry_after=_RETRY_SECONDS)
        if not self._keys:
            raise Unavailable(
                f"the keys of issuer {self._config.name!r} cannot be had now", retry_after=REFETCH_SECONDS
            )
        if len(found) != 1:
            raise refused(_why_not_one(kid, found))
        return found[0]

    def replacement(self, kid: str | None, key: PublishedKey) -> PublishedKey | None:
        """Fetch again for a token that ``key``, alone in fitting, did not sign; return another that fits, or None."""
        self.fetch()
        found = self._find(kid, key.kind)
        return found[0] if len(found) == 1 and found[0].entry != key.entry else None

    def keep_fresh(self) -> None:
        """Fetch the keys again once they are old; only after a first use."""
        if self._keys and self._monotonic() - self._fetched_at > _KEEP_SECONDS:
            self.fetch()

    def fetch(self) -> None:
        """Have the keys fetched, and wait a moment for them.

        Once every half minute at most, and never twice at a time: unknown key ids cost a stranger nothing to make up.
        """
        with self._lock:
            begun = self._begun()
        if begun is not None:
            begun.join(self._patience)

    def _begun(self) -> threading.Thread | None:
        if self._is_fetching() or self._monotonic() - self._tried_at < REFETCH_SECONDS:
            return None
        self._tried_at = self._monotonic()
        self._fetching = threading.Thread(target=self._fetch, name=f"keys-of-{self._config.name}", daemon=True)
        self._fetching.start()
        return self._fetching

    def _is_fetching(self) -> bool:
        return self._fetching is not None and self._fetching.is_alive()

    def _fetch(self) -> None:
        try:
            entries = self._entries(self._config)
        except Exception as error:  # noqa: BLE001 - any kind, for another's server may answer anything, or break off
            _LOG.warning(
                "the keys of issuer %s cannot be fetched: %s: %s", self._config.name, type(error).__name__, error
            )
        else:
            self._fetched_at = self._monotonic()
            self._take(entries)

    def _take(self, entries: Sequence[Any]) -> None:
        keys: dict[tuple[object, str], PublishedKey] = {}
        skipped = {}
        for number, entry in enumerate(entries):
            if _other_use(entry):
                continue
            try:
                key = _key(entry)
            except _Unusable as error:
                skipped[_name(entry, number)] = str(error)
            else:
                keys[key.kid if key.kid is not None else number, key.kind] = key
        self._keys = tuple(keys.values())
        self._report(skipped)

    def _report(self, skipped: Mapping[str, str]) -> None:
        """Log and count each key that cannot be used, once."""
        for name in skipped.keys() - self._skipped:
            _LOG.warning("key %.64r of issuer %s cannot be used: %s", name, self._config.name, skipped[name])
            AccessMetrics().key_skipped(self._config.name)
        self._skipped = frozenset(skipped)

    def _find(self, kid: str | None, kind: str) -> list[PublishedKey]:
        """Return the keys that may have signed: those with the id, else those without any; all for a token without."""
        fitting = [key for key in self._keys if key.kind == kind]
        if kid is None:
            return fitting
        return [key for key in fitting if key.kid == kid] or [key for key in fitting if key.kid is None]


class _Unusable(ValueError):
    """A published key that cannot be used; the message says why, and quotes no key."""


def _why_not_one(kid: str | None, found: Sequence[PublishedKey]) -> str:
    if found:
        return "it names no key (kid) of the issuer, which publishes several"
    return "the issuer publishes no key of the algorithm" + ("" if kid is None else " with the id (kid) that it names")


def _key(entry: Any) -> PublishedKey:
    if not isinstance(entry, Mapping):
        raise _Unusable("it is no JSON object")
    kid, kind = entry.get("kid") or None, entry.get("kty")
    if kid is not None and not isinstance(kid, str):
        raise _Unusable("its id (kid) is no text")
    if not isinstance(kind, str) or kind not in _ALGORITHMS:
        raise _Unusable(f"its type (kty) is none of {', '.join(_ALGORITHMS)}")
    return PublishedKey(kid, kind, _material(entry, kind), entry)


def _material(entry: Mapping[str, Any], kind: str) -> Any:
    try:
        key = jwt.PyJWK(dict(entry), algorithm=entry.get("alg") or _ALGORITHMS[kind]).key
    except Exception as error:
        # whatever the library and its own raise for a key that they do not know; their words may quote the key
        raise _Unusable(f"{type(error).__name__}, with the algorithm {entry.get('alg')!r:.40}") from error
    if not hasattr(key, "verify"):
        raise _Unusable("it is no public key")
    return key


def _other_use(entry: Any) -> bool:
    """Tell whether a key is plainly not for signatures; such keys are no fault of anyone."""
    if not isinstance(entry, Mapping):
        return False
    operations = entry.get("key_ops")
    return entry.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations)


def _name(entry: Any, number: int) -> str:
    kid = entry.get("kid") if isinstance(entry, Mapping) else None
    return str(kid) if kid else f"number {number + 1}"


def _document(address: str) -> Any:
    with requests.get(address, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
        if response.status_code != requests.codes.ok:
            raise ValueError(f"{address} answered {response.status_code}")
        content = response.raw.read(_LARGEST_DOCUMENT + 1, decode_content=True)
    if len(content) > _LARGEST_DOCUMENT:
        raise ValueError(f"{address} answered more than {_LARGEST_DOCUMENT} bytes")
    return json.loads(content)
