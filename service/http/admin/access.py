"""/admin/clients, /admin/keys and /admin/grants: who may do what. A secret is shown once, when it is made."""

from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from service.auth.access_view import AccessView
from service.auth.permissions import ACCESS_MANAGE, PERMISSIONS, ROLES
from service.auth.registry import LONGEST_OVERLAP, LONGEST_SUBJECT, Registry
from service.dialects.json_schema import TEXT
from service.http.admin import json_bodies
from service.http.audited import actor
from service.http.description.route import ADMINISTRATION, described
from service.http.guards import guarded

_NOT_STORED = {"Cache-Control": "no-store"}
_DAY = 24 * 3600
_MANAGE_REFUSALS = (400, 401, 403, 413, 415, 503)
_ONE_REFUSALS = (400, 401, 403, 404, 409, 413, 415, 503)

Name = Annotated[str, Meta(min_length=1, max_length=128, extra_json_schema={"pattern": r"^\S(.*\S)?$"})]
Positive = Annotated[int, Meta(ge=1, le=10**12)]
Overlap = Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP)]
Permission = Annotated[str, Meta(extra_json_schema={"enum": sorted(PERMISSIONS)})]
Subject = Annotated[
    str, Meta(extra_json_schema={"pattern": "^[^:]+:.+$", "maxLength": LONGEST_SUBJECT, "examples": ["client:ID"]})
]
Role = Annotated[str, Meta(extra_json_schema={"enum": list(ROLES)})]


class NewClient(msgspec.Struct, forbid_unknown_fields=True):
    """A client to be made."""

    name: Name


class ClientSecret(msgspec.Struct):
    """A client's id and its secret, which is shown this once."""

    client_id: str
    client_secret: str


class Client(msgspec.Struct):
    """A client; times are seconds since 1970, UTC."""

    id: str
    name: str
    previous_until: int | None
    created_at: int
    revoked_at: int | None


class Clients(msgspec.Struct):
    """All clients, also revoked ones."""

    clients: list[Client]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """An API key to be made for a client; without ``permissions`` and ``models`` it keeps all that the client has."""

    client_id: str
    name: Name = "key"
    permissions: list[Permission] | None = None
    models: list[str] | None = None
    expires_in: Positive | None = None


class KeySecret(msgspec.Struct):
    """An API key's id and the key itself, which is shown this once."""

    key_id: str
    api_key: str


class Key(msgspec.Struct):
    """An API key; times are seconds since 1970, UTC."""

    id: str
    client_id: str
    name: str
    permissions: list[Permission] | None
    models: list[str] | None
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    replaced_by: str | None
    revoked_at: int | None


class Keys(msgspec.Struct):
    """API keys, also revoked ones."""

    keys: list[Key]


class NewGrant(msgspec.Struct, forbid_unknown_fields=True):
    """A role on models for a subject: ``client:<id>``, or ``<issuer>:<sub>``."""

    subject: Subject
    role: Role
    models: list[str]
    requests_per_minute: Positive | None = None
    rows_per_minute: Positive | None = None


class GrantId(msgspec.Struct):
    """The id of a grant that was made."""

    grant_id: str


class Grant(msgspec.Struct):
    """A role on models that a subject has; times are seconds since 1970, UTC."""

    id: str
    subject: str
    role: Role
    models: list[str]
    requests_per_minute: int | None
    rows_per_minute: int | None
    created_at: int
    created_by: str
    revoked_at: int | None


class Grants(msgspec.Struct):
    """Grants, also those that were taken back."""

    grants: list[Grant]


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds the old secret stays good."""

    overlap: Overlap = _DAY


class Revoked(msgspec.Struct):
    """The id of what was revoked."""

    revoked: str


def blueprint(registry: Registry, view: AccessView) -> flask.Blueprint:
    """Return the routes of clients, keys and grants."""
    routes = flask.Blueprint("access_admin", __name__)
    _add_clients(routes, registry)
    _add_client_changes(routes, registry)
    _add_keys(routes, registry)
    _add_key_changes(routes, registry)
    _add_grants(routes, registry)
    routes.after_request(_shown_at_once(view))
    return routes


def _add_clients(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/clients")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(ADMINISTRATION, "All clients", response=Clients, refusals=_MANAGE_REFUSALS)
    def clients() -> flask.Response:
        return _response(Clients([Client(**row) for row in registry.clients()]))

    @routes.post("/admin/clients")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "Make a client; its secret is shown this once",
        request=NewClient,
        response=ClientSecret,
        refusals=(*_MANAGE_REFUSALS, 409),
        success=201,
    )
    def create_client() -> flask.Response:
        shown = registry.create_client(json_bodies.read(NewClient).name, actor())
        return _response(ClientSecret(shown.id, shown.secret), 201)


def _add_client_changes(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.post("/admin/clients/<client_id>/rotate")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "A new secret; the old one stays good for `overlap` seconds",
        request=Rotation,
        request_required=False,
        response=ClientSecret,
        refusals=_ONE_REFUSALS,
    )
    def rotate_client(client_id: str) -> flask.Response:
        shown = registry.rotate_secret(client_id, json_bodies.read(Rotation).overlap, actor())
        return _response(ClientSecret(shown.id, shown.secret))

    @routes.delete("/admin/clients/<client_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(ADMINISTRATION, "Revoke a client, its tokens and its keys", response=Revoked, refusals=_ONE_REFUSALS)
    def revoke_client(client_id: str) -> flask.Response:
        registry.revoke_client(client_id, actor())
        return _response(Revoked(client_id))


def _add_keys(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/keys")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "All API keys",
        response=Keys,
        refusals=_MANAGE_REFUSALS,
        query={"client_id": {**TEXT, "description": "Only those of this client"}},
    )
    def keys() -> flask.Response:
        found = registry.keys(flask.request.args.get("client_id"))
        return _response(Keys([Key(**row) for row in found]))

    @routes.post("/admin/keys")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "Make an API key of a client; it is shown this once",
        request=NewKey,
        response=KeySecret,
        refusals=_ONE_REFUSALS,
        success=201,
    )
    def create_key() -> flask.Response:
        wanted = json_bodies.read(NewKey)
        shown = registry.create_key(
            wanted.client_id,
            wanted.name,
            actor(),
            permissions=wanted.permissions,
            models=wanted.models,
            seconds=wanted.expires_in,
        )
        return _response(KeySecret(shown.id, shown.secret), 201)


def _add_key_changes(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.post("/admin/keys/<key_id>/rotate")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "A new key with the same rights; the old one stays good for `overlap` seconds",
        request=Rotation,
        request_required=False,
        response=KeySecret,
        refusals=_ONE_REFUSALS,
    )
    def rotate_key(key_id: str) -> flask.Response:
        shown = registry.rotate_key(key_id, json_bodies.read(Rotation).overlap, actor())
        return _response(KeySecret(shown.id, shown.secret))

    @routes.delete("/admin/keys/<key_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(ADMINISTRATION, "Revoke an API key", response=Revoked, refusals=_ONE_REFUSALS)
    def revoke_key(key_id: str) -> flask.Response:
        registry.revoke_key(key_id, actor())
        return _response(Revoked(key_id))


def _add_grants(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/grants")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "All grants",
        response=Grants,
        refusals=_MANAGE_REFUSALS,
        query={"subject": {**TEXT, "description": "Only those of this subject"}},
    )
    def grants() -> flask.Response:
        found = registry.grants(flask.request.args.get("subject"))
        return _response(Grants([Grant(**row) for row in found]))

    @routes.post("/admin/grants")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(
        ADMINISTRATION,
        "Give a role on models to `client:<id>` or `<issuer>:<sub>`",
        request=NewGrant,
        response=GrantId,
        refusals=_ONE_REFUSALS,
        success=201,
    )
    def create_grant() -> flask.Response:
        wanted = json_bodies.read(NewGrant)
        grant_id = registry.grant(
            wanted.subject,
            wanted.role,
            wanted.models,
            actor(),
            requests_per_minute=wanted.requests_per_minute,
            rows_per_minute=wanted.rows_per_minute,
        )
        return _response(GrantId(grant_id), 201)

    @routes.delete("/admin/grants/<grant_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    @described(ADMINISTRATION, "Take a grant back", response=Revoked, refusals=_ONE_REFUSALS)
    def revoke_grant(grant_id: str) -> flask.Response:
        registry.revoke_grant(grant_id, actor())
        return _response(Revoked(grant_id))


def _response(body: msgspec.Struct, status: int = 200) -> flask.Response:
    return json_bodies.response(body, status, _NOT_STORED)


def _shown_at_once(view: AccessView) -> Any:
    def refresh(response: flask.Response) -> flask.Response:
        """Let the worker that made a change go by it at once; the others follow within a second."""
        if flask.request.method != "GET" and response.status_code < 300:  # noqa: PLR2004 - a success
            view.refresh_or_keep()
        return response

    return refresh
