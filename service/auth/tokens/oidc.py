"""Tokens of configured OpenID Connect issuers: checked with keys found by discovery, their claims mapped to roles."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from model_store.request_errors import InvalidInput
from service.auth.permissions import ROLES, parse_models, parse_role
from service.auth.principals import Grant
from service.auth.tokens.access_tokens import LEEWAY_SECONDS, header_of, refused, scopes_of, type_of
from service.errors import Unavailable

_KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
_REFETCH_SECONDS = 30
_KEEP_SECONDS = 3600
_TIMEOUT_SECONDS = (2, 3)
_LARGEST_DOCUMENT = 2**20
_LONGEST_SUBJECT = 512
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SCOPE = "scope"
"""The one claim whose strings are lists by their own standard: names with spaces between (RFC 8693, section 4.2)."""
_REQUIRED_CLAIMS = ["iss", "aud", "sub", "iat", "exp"]

_LOG = logging.getLogger(__name__)


class BadIssuers(ValueError):
    """The file of issuers cannot be what it says; the message names the place."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Who has ``value`` in the issuer's roles claim gets ``grant``."""

    value: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class IssuerConfig:
    """One trusted issuer.

    ``types`` are the accepted ``typ`` headers, ``roles_claim`` is a path, names between dots. A claim that is a string
    is one value, unless ``separator`` says what divides it.
    """

    name: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    types: tuple[str, ...]
    roles_claim: str
    separator: str | None
    roles: tuple[RoleRule, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a foreign token names: ``subject`` is ``<issuer's name>:<sub>``, ``scopes`` is empty if it has none."""

    subject: str
    token_id: str
    grants: tuple[Grant, ...]
    scopes: frozenset[str]
    expires_at: float


def read_issuers(path: Path | None) -> tuple[IssuerConfig, ...]:
    """Return the issuers in a JSON file, none without one. Raises BadIssuers."""
    if path is None:
        return ()
    try:
        return tuple(_issuer(entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise BadIssuers(f"OIDC_ISSUERS: {path}: {type(error).__name__}: {error}") from error


def _issuer(entry: Mapping[str, Any]) -> IssuerConfig:
    name, issuer = entry["name"], entry["issuer"]
    algorithms = tuple(entry.get("algorithms", ("RS256", "ES256")))
    if not algorithms or not set(algorithms) <= _KEY_TYPES.keys():
        raise BadIssuers(f"{name}: algorithms {algorithms}: expected some of {', '.join(_KEY_TYPES)}")
    if not name.replace("-", "").isalnum() or name in {"client", "anonymous"}:
        raise BadIssuers(f"{name!r} is no name for an issuer: expected letters, digits and '-', not 'client'")
    _check_address(issuer)
    types = tuple(kind.lower() for kind in entry.get("types", ("at+jwt", "jwt")))
    rules = tuple(_rule(rule) for rule in entry["roles"])
    claim = entry.get("roles_claim", "roles")
    separator = entry.get("roles_separator", " " if claim == _SCOPE else None)
    if separator is not None and (not isinstance(separator, str) or not separator):
        raise BadIssuers(f"{name}: roles_separator is {separator!r}: expected a text such as ',' or null")
    return IssuerConfig(name, issuer, entry["audience"], algorithms, types, claim, separator, rules)


def _rule(rule: Mapping[str, Any]) -> RoleRule:
    permissions = ROLES[parse_role(rule["role"])]
    models = parse_models(rule["models"])
    return RoleRule(
        rule["value"], Grant(permissions, models, rule.get("requests_per_minute"), rule.get("rows_per_minute"))
    )


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise BadIssuers(f"{address}: expected https (or http on this machine)")


class Issuer:
    """One issuer's keys, fetched when first needed, kept, and fetched again for an unknown key id: at most so often."""

    def __init__(self, config: IssuerConfig, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self._monotonic = monotonic
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._skipped: frozenset[str] = frozenset()
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, token: str) -> Identity:
        """Return whom the token names. Raises Unauthenticated, or Unavailable without any key of the issuer."""
        config = self.config
        header = header_of(token)
        algorithm = header.get("alg")
        if algorithm not in config.algorithms or (type_of(header) or "jwt") not in config.types:
            raise refused()
        key = self._key(header.get("kid"))
        if key.key_type != _KEY_TYPES[algorithm]:
            raise refused()
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=config.audience,
                issuer=config.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED_CLAIMS},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise refused() from error
        return self._identity(claims)

    def keep_fresh(self) -> None:
        """Fetch the keys again once they are old; called in the background, only after a first use."""
        if self._keys and self._monotonic() - self._fetched_at > _KEEP_SECONDS:
            self._fetch()

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        held = _held(claims, self.config.roles_claim, self.config.separator)
        grants = tuple(rule.grant for rule in self.config.roles if rule.value in held)
        token_id, subject = claims.get("jti"), f"{self.config.name}:{claims['sub']}"
        if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise refused()  # it could be neither counted nor recorded
        return Identity(
            subject,
            token_id if isinstance(token_id, str) else "",
            grants,
            scopes_of(dict(claims)),
            float(claims["exp"]) + LEEWAY_SECONDS,
        )

    def _key(self, kid: object) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise refused()
        if kid not in self._keys:
            self._fetch()
        key = self._keys.get(kid)
        if key is None and not self._keys:
            raise Unavailable(
                f"the keys of issuer {self.config.name!r} cannot be had now", retry_after=_REFETCH_SECONDS
            )
        if key is None:
            raise refused()
        return key

    def _fetch(self) -> None:
        """Fetch the keys, once every half minute at most: unknown key ids cost a stranger nothing to make up."""
        with self._lock:
            if self._monotonic() - self._tried_at < _REFETCH_SECONDS:
                return
            self._tried_at = self._monotonic()
            try:
                self._keys, skipped = _published_keys(self.config)
            except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
                _LOG.warning("the keys of issuer %s cannot be fetched: %s", self.config.name, error)
            else:
                self._fetched_at = self._monotonic()
                self._report(skipped)

    def _report(self, skipped: Mapping[str, str]) -> None:
        """Log each key that cannot be used, once."""
        for kid in skipped.keys() - self._skipped:
            _LOG.warning("key %.64r of issuer %s cannot be used: %s", kid, self.config.name, skipped[kid])
        self._skipped = frozenset(skipped)


def _held(claims: Mapping[str, Any], path: str, separator: str | None) -> Sequence[str]:
    value = _claim(claims, path)
    if isinstance(value, str):
        return [value] if separator is None else [part.strip() for part in value.split(separator)]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _claim(claims: Any, path: str) -> Any:
    """Return the claim at a path, None if there is none. Of names with dots the longest that is there counts."""
    if not isinstance(claims, Mapping):
        return None
    names = path.split(".")
    for length in range(len(names), 0, -1):
        name = ".".join(names[:length])
        if name in claims:
            rest = ".".join(names[length:])
            return _claim(claims[name], rest) if rest else claims[name]
    return None


def _published_keys(config: IssuerConfig) -> tuple[Mapping[str, jwt.PyJWK], Mapping[str, str]]:
    """Fetch the issuer's signing keys by key id, and why each of the others cannot be used.

    Raises RequestException, ValueError, KeyError, TypeError or AttributeError if the documents cannot be had or read.
    """
    document = _document(config.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if document["issuer"] != config.issuer:
        raise ValueError(f"the discovery document is of {document['issuer']!r}")
    _check_address(document["jwks_uri"])
    keys, skipped = {}, {}
    for entry in _document(document["jwks_uri"])["keys"]:
        if entry.get("kid") and entry.get("use", "sig") == "sig" and entry.get("kty") in _KEY_TYPES.values():
            try:
                keys[entry["kid"]] = jwt.PyJWK(entry, algorithm=entry.get("alg") or _algorithm(entry))
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                skipped[str(entry["kid"])] = str(error)[:200]
    return keys, skipped


def _algorithm(entry: Mapping[str, Any]) -> str:
    return "RS256" if entry["kty"] == "RSA" else "ES256"


def _document(address: str) -> Any:
    with requests.get(address, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
        if response.status_code != requests.codes.ok:
            raise ValueError(f"{address} answered {response.status_code}")
        content = response.raw.read(_LARGEST_DOCUMENT + 1, decode_content=True)
    if len(content) > _LARGEST_DOCUMENT:
        raise ValueError(f"{address} answered more than {_LARGEST_DOCUMENT} bytes")
    return json.loads(content)
