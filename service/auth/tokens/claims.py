"""What the claims of a token say: the values at a path, its scopes, and why it gives no role."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.auth.tokens.issuers import IssuerConfig, RoleRule
from service.auth.tokens.refusals import refused

_MOST_NAMED = 10
_SCOPES = ("scope", "scp")
"""RFC 8693 names the first; Okta and Microsoft Entra write the second."""


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in the claims ``scope`` and ``scp``, each a list or a text with spaces between.

    Raises Unauthenticated for what is neither.
    """
    return frozenset().union(*(_names(claims.get(name) or "") for name in _SCOPES))


def rules_met(rules: Sequence[RoleRule], claims: Mapping[str, Any]) -> tuple[RoleRule, ...]:
    """Return the rules whose value the claims have."""
    return tuple(rule for rule in rules if rule.value in _held(claims, rule))


def why_no_role(config: IssuerConfig, claims: Mapping[str, Any]) -> str:
    """Say which claims were looked at, for which values, and why none was found; nothing of what the claims hold."""
    values: dict[str, list[str]] = {}
    for rule in config.roles:
        values.setdefault(rule.claim, []).append(rule.value)
    looked = "; ".join(f"{claim!r} for {_list(sought)}: {_state(claims, claim)}" for claim, sought in values.items())
    return (
        f"the token is valid and gives no role here. Looked in its claim {looked}. "
        f"Get the role from the identity provider, or a grant for the token's subject here"
    )


def _state(claims: Mapping[str, Any], path: str) -> str:
    if _claim(claims, path) is not None:
        return "none of these is there"
    if _left_out(claims, path):
        return (
            "the identity provider left the claim out because it would be too long (overage); "
            "let it send roles of the application, or assign fewer groups to it"
        )
    return "there is no such claim"


def _left_out(claims: Mapping[str, Any], path: str) -> bool:
    """Tell whether the issuer says that it left a claim out: distributed claims (OpenID Connect Core, section 5.6.2).

    Microsoft Entra does so for groups, or sets ``hasgroups`` where even that would be too long.
    """
    elsewhere = claims.get("_claim_names")
    named = isinstance(elsewhere, Mapping) and path in elsewhere
    return named or (path == "groups" and claims.get("hasgroups") in (True, "true"))


def _list(values: Sequence[str]) -> str:
    named = " or ".join(repr(value) for value in values[:_MOST_NAMED])
    more = len(values) - _MOST_NAMED
    return f"{named} or {more} more" if more > 0 else named


def _names(scope: Any) -> frozenset[str]:
    names = scope.split() if isinstance(scope, str) else scope
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refused("its scope is neither a text nor a list of texts")
    return frozenset(names)


def _held(claims: Mapping[str, Any], rule: RoleRule) -> Sequence[str]:
    if rule.claim == "email" and claims.get("email_verified") in (False, "false"):
        return []  # anyone can say that an address is theirs
    value = _claim(claims, rule.claim)
    if isinstance(value, str):
        return [value] if rule.separator is None else [part.strip() for part in value.split(rule.separator)]
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
