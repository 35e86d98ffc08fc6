"""What may be done, the roles that bundle it, and the patterns that say with which models."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from model_store.request_errors import InvalidInput

MODEL_READ = "model:read"
MODEL_PREDICT = "model:predict"
MODEL_PUBLISH = "model:publish"
MODEL_PROMOTE = "model:promote"
ACCESS_MANAGE = "access:manage"
AUDIT_READ = "audit:read"

PERMISSIONS = frozenset({MODEL_READ, MODEL_PREDICT, MODEL_PUBLISH, MODEL_PROMOTE, ACCESS_MANAGE, AUDIT_READ})

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({MODEL_READ}),
    "predictor": frozenset({MODEL_READ, MODEL_PREDICT}),
    "operator": frozenset({MODEL_READ, MODEL_PREDICT, MODEL_PUBLISH, MODEL_PROMOTE}),
    "admin": PERMISSIONS,
}

_PATTERN = re.compile(r"[A-Za-z0-9._*?-]{1,128}", re.ASCII)


def parse_role(name: str) -> str:
    """Return a role's name. Raises InvalidInput for a role that does not exist."""
    if name not in ROLES:
        raise InvalidInput(f"{name[:64]!r} is not a role: expected one of {', '.join(ROLES)}")
    return name


def parse_permissions(names: Iterable[str]) -> frozenset[str]:
    """Return permissions by name. Raises InvalidInput for one that does not exist."""
    wanted = frozenset(names)
    unknown = sorted(wanted - PERMISSIONS)
    if unknown:
        raise InvalidInput(f"{unknown[0][:64]!r} is not a permission: expected {', '.join(sorted(PERMISSIONS))}")
    return wanted


def parse_models(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of model names: ``*`` is any characters, ``?`` any one. Raises InvalidInput for others."""
    parsed = tuple(dict.fromkeys(patterns))
    for pattern in parsed:
        if not _PATTERN.fullmatch(pattern):
            raise InvalidInput(
                f"{pattern[:128]!r} is not a pattern of model names: letters, digits, '.', '_', '-', '*', '?'"
            )
    return parsed


def matches(patterns: Iterable[str], model: str) -> bool:
    """Return whether any of the patterns covers the model's whole name; case counts."""
    return any(_compiled(pattern).fullmatch(model) for pattern in patterns)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.ASCII | re.DOTALL)
