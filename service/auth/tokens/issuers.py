"""The OpenID Connect issuers that are trusted, as a JSON file names them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from model_store.request_errors import InvalidInput
from service.auth.permissions import ROLES, parse_models, parse_role
from service.auth.principals import Grant

KEY_TYPES: Mapping[str, str] = {"RS256": "RSA", "ES256": "EC"}
"""The algorithms that an issuer may sign with, and the type of key that each needs."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SCOPE = "scope"
"""The one claim whose strings are lists by their own standard: names with spaces between (RFC 8693, section 4.2)."""


class BadIssuers(ValueError):
    """The file of issuers cannot be what it says; the message names the place."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Who has ``value`` in a claim of the issuer's tokens gets ``grant``.

    ``claim`` is a path, names between dots. A claim that is a string is one value, unless ``separator`` says what
    divides it.
    """

    claim: str
    separator: str | None
    value: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class IssuerConfig:
    """One trusted issuer.

    ``audiences`` are the accepted values of ``audience_claim``, ``types`` the accepted ``typ`` headers, ``discovery``
    the address of its discovery document.
    """

    name: str
    issuer: str
    discovery: str
    audiences: tuple[str, ...]
    audience_claim: str
    algorithms: tuple[str, ...]
    types: tuple[str, ...]
    roles: tuple[RoleRule, ...]


def read_issuers(path: Path | None) -> tuple[IssuerConfig, ...]:
    """Return the issuers in a JSON file, none without one. Raises BadIssuers."""
    if path is None:
        return ()
    try:
        return _distinct([_issuer(entry) for entry in json.loads(path.read_text(encoding="utf-8"))])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise BadIssuers(f"OIDC_ISSUERS: {path}: {type(error).__name__}: {error}") from error


def check_address(address: str) -> None:
    """Check that nobody on the way can change what is at the address. Raises BadIssuers."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise BadIssuers(f"{address}: expected https (or http on this machine)")


def _distinct(configs: Sequence[IssuerConfig]) -> tuple[IssuerConfig, ...]:
    """Return the issuers, each once: a token names its issuer, and a subject holds the name. Raises BadIssuers."""
    for what in ("name", "issuer"):
        for value, count in Counter(getattr(config, what) for config in configs).items():
            if count > 1:
                raise BadIssuers(f"{count} entries have the {what} {value!r}: expected each {what} once")
    return tuple(configs)


def _issuer(entry: Mapping[str, Any]) -> IssuerConfig:
    name, issuer = entry["name"], entry["issuer"]
    if not name.replace("-", "").isalnum() or name in {"client", "anonymous"}:
        raise BadIssuers(f"{name!r} is no name for an issuer: expected letters, digits and '-', not 'client'")
    discovery = entry.get("discovery", issuer.rstrip("/") + "/.well-known/openid-configuration")
    check_address(issuer)
    check_address(discovery)
    return IssuerConfig(
        name,
        issuer,
        discovery,
        _audiences(name, entry["audience"]),
        _text(name, "audience_claim", entry.get("audience_claim", "aud")),
        _algorithms(name, tuple(entry.get("algorithms", KEY_TYPES))),
        tuple(kind.lower() for kind in entry.get("types", ("at+jwt", "jwt"))),
        tuple(_rule(name, entry, rule) for rule in entry["roles"]),
    )


def _algorithms(name: str, algorithms: tuple[str, ...]) -> tuple[str, ...]:
    if not algorithms or not set(algorithms) <= KEY_TYPES.keys():
        raise BadIssuers(f"{name}: algorithms {algorithms}: expected some of {', '.join(KEY_TYPES)}")
    return algorithms


def _audiences(name: str, audience: Any) -> tuple[str, ...]:
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences:
        raise BadIssuers(f"{name}: audience is empty: expected a text, or a list of them")
    return tuple(_text(name, "audience", each) for each in audiences)


def _rule(name: str, entry: Mapping[str, Any], rule: Mapping[str, Any]) -> RoleRule:
    claim = _text(name, "the claim of a role", rule.get("claim", entry.get("roles_claim", "roles")))
    grant = Grant(
        ROLES[parse_role(rule["role"])],
        parse_models(rule["models"]),
        _quota(name, "requests_per_minute", rule),
        _quota(name, "rows_per_minute", rule),
    )
    return RoleRule(claim, _separator(name, entry, claim), _text(name, "the value of a role", rule["value"]), grant)


def _separator(name: str, entry: Mapping[str, Any], claim: str) -> str | None:
    separator = entry.get("roles_separator", " " if claim == _SCOPE else None)
    return None if separator is None else _text(name, "roles_separator", separator)


def _text(name: str, what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadIssuers(f"{name}: {what} is {value!r}: expected a text that is not empty")
    return value


def _quota(name: str, what: str, rule: Mapping[str, Any]) -> int | None:
    quota = rule.get(what)
    if quota is None:
        return None
    if isinstance(quota, bool) or not isinstance(quota, (int, float)) or quota < 1 or quota != int(quota):
        raise BadIssuers(f"{name}: {what} is {quota!r}: expected a whole number from 1")
    return int(quota)
