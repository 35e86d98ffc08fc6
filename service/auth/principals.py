"""Who asks: a subject with grants, narrowed by what the credential itself allows."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from service.auth.permissions import MODEL_PREDICT, MODEL_READ, matches
from service.errors import Forbidden, ModelNotFound, Unauthenticated

_MOST_VERDICTS = 2048


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions on the models that the patterns cover; a quota of None is no quota."""

    permissions: frozenset[str]
    models: tuple[str, ...]
    requests_per_minute: int | None = None
    rows_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What a credential keeps of its owner's grants; None keeps all."""

    permissions: frozenset[str] | None = None
    models: tuple[str, ...] | None = None


NO_LIMIT = Limit()


@dataclass(frozen=True, slots=True)
class Quota:
    """The most requests and rows in a calendar minute; None is no bound."""

    requests: int | None = None
    rows: int | None = None


UNLIMITED = Quota()


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """One caller as one credential shows it.

    ``subject`` names whom quotas and records count (``client:<id>``, ``<issuer>:<sub>`` or ``anonymous``),
    ``credential`` the token or key that was shown. ``without_role`` says why a valid token gives no rights at all; it
    names no model, and may be told. Verdicts are remembered: a principal is replaced, never changed.
    """

    subject: str
    credential: str = ""
    grants: tuple[Grant, ...] = ()
    limit: Limit = NO_LIMIT
    quota: Quota = UNLIMITED
    without_role: str = ""
    _verdicts: dict[tuple[str, str | None], bool] = field(default_factory=dict, repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether no credentials were given."""
        return self.subject == ANONYMOUS

    def may(self, permission: str, model: str | None) -> bool:
        """Return whether a grant gives the permission, on that model; without a model, on any."""
        key = (permission, model)
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._decide(permission, model)
            if len(self._verdicts) < _MOST_VERDICTS:
                self._verdicts[key] = verdict
        return verdict

    @property
    def permissions(self) -> frozenset[str]:
        """Everything that the caller may do with some model."""
        every = frozenset[str]().union(*(grant.permissions for grant in self.grants))
        return every if self.limit.permissions is None else every & self.limit.permissions

    def _decide(self, permission: str, model: str | None) -> bool:
        limit = self.limit
        if limit.permissions is not None and permission not in limit.permissions:
            return False
        if model is not None and limit.models is not None and not matches(limit.models, model):
            return False
        return any(
            permission in grant.permissions and (model is None or matches(grant.models, model)) for grant in self.grants
        )


ANONYMOUS = "anonymous"


def anonymous(public_models: tuple[str, ...]) -> Principal:
    """Return the principal of callers without credentials, who may use the public models (patterns of names)."""
    grants = (Grant(frozenset({MODEL_READ, MODEL_PREDICT}), public_models),) if public_models else ()
    return Principal(ANONYMOUS, grants=grants)


def authorize(principal: Principal, permission: str, model: str | None) -> None:
    """Check that the caller may. Raises Unauthenticated, Forbidden, or ModelNotFound for a hidden model."""
    if principal.may(permission, model):
        return
    if principal.anonymous:
        raise Unauthenticated("this needs an access token or an API key")
    if principal.without_role:
        raise Forbidden(principal.without_role)
    if model is not None and not principal.may(MODEL_READ, model):
        raise ModelNotFound(f"there is no model {model[:128]!r}")
    raise Forbidden(f"this needs the permission {permission}" + (f" on model {model[:128]!r}" if model else ""))


def quota_of(grants: Iterable[Grant]) -> Quota:
    """Return the most generous quota among the grants that allow predictions."""
    predicting = [grant for grant in grants if MODEL_PREDICT in grant.permissions]
    return Quota(
        _most(grant.requests_per_minute for grant in predicting), _most(grant.rows_per_minute for grant in predicting)
    )


def _most(bounds: Iterable[int | None]) -> int | None:
    known = list(bounds)
    return None if not known or None in known else max(bound for bound in known if bound is not None)
