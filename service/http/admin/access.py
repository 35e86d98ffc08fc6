"""/admin/clients, /admin/keys and /admin/grants: who may do what. A secret is shown once, when it is made."""

from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from service.auth.access_view import AccessView
from service.auth.permissions import ACCESS_MANAGE
from service.auth.registry import LONGEST_OVERLAP, Registry
from service.http.actor import actor
from service.http.admin import json_bodies
from service.http.guards import guarded

_NOT_STORED = {"Cache-Control": "no-store"}
_DAY = 24 * 3600

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Positive = Annotated[int, Meta(ge=1, le=10**12)]
Overlap = Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP)]
Answer = tuple[Any, int, dict[str, str]]


class NewClient(msgspec.Struct, forbid_unknown_fields=True):
    """A client to be made."""

    name: Name


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """An API key to be made for a client; without ``permissions`` and ``models`` it keeps all that the client has."""

    client_id: str
    name: Name = "key"
    permissions: list[str] | None = None
    models: list[str] | None = None
    expires_in: Positive | None = None


class NewGrant(msgspec.Struct, forbid_unknown_fields=True):
    """A role on models for a subject: ``client:<id>``, or ``<issuer>:<sub>``."""

    subject: str
    role: str
    models: list[str]
    requests_per_minute: Positive | None = None
    rows_per_minute: Positive | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds the old secret stays good."""

    overlap: Overlap = _DAY


def blueprint(registry: Registry, view: AccessView) -> flask.Blueprint:
    """The routes of clients, keys and grants."""
    routes = flask.Blueprint("access_admin", __name__)
    _add_clients(routes, registry)
    _add_keys(routes, registry)
    _add_grants(routes, registry)
    routes.after_request(_shown_at_once(view))
    return routes


def _add_clients(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/clients")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def clients() -> Answer:
        return {"clients": registry.clients()}, 200, _NOT_STORED

    @routes.post("/admin/clients")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def create_client() -> Answer:
        shown = registry.create_client(json_bodies.read(NewClient).name, actor())
        return {"client_id": shown.id, "client_secret": shown.secret}, 201, _NOT_STORED

    @routes.post("/admin/clients/<client_id>/rotate")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def rotate_client(client_id: str) -> Answer:
        shown = registry.rotate_secret(client_id, json_bodies.read(Rotation).overlap, actor())
        return {"client_id": shown.id, "client_secret": shown.secret}, 200, _NOT_STORED

    @routes.delete("/admin/clients/<client_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def revoke_client(client_id: str) -> Answer:
        registry.revoke_client(client_id, actor())
        return {"revoked": client_id}, 200, _NOT_STORED


def _add_keys(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/keys")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def keys() -> Answer:
        return {"keys": registry.keys(flask.request.args.get("client_id"))}, 200, _NOT_STORED

    @routes.post("/admin/keys")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def create_key() -> Answer:
        wanted = json_bodies.read(NewKey)
        shown = registry.create_key(
            wanted.client_id,
            wanted.name,
            actor(),
            permissions=wanted.permissions,
            models=wanted.models,
            seconds=wanted.expires_in,
        )
        return {"key_id": shown.id, "api_key": shown.secret}, 201, _NOT_STORED

    @routes.post("/admin/keys/<key_id>/rotate")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def rotate_key(key_id: str) -> Answer:
        shown = registry.rotate_key(key_id, json_bodies.read(Rotation).overlap, actor())
        return {"key_id": shown.id, "api_key": shown.secret}, 200, _NOT_STORED

    @routes.delete("/admin/keys/<key_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def revoke_key(key_id: str) -> Answer:
        registry.revoke_key(key_id, actor())
        return {"revoked": key_id}, 200, _NOT_STORED


def _add_grants(routes: flask.Blueprint, registry: Registry) -> None:
    @routes.get("/admin/grants")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def grants() -> Answer:
        return {"grants": registry.grants(flask.request.args.get("subject"))}, 200, _NOT_STORED

    @routes.post("/admin/grants")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def create_grant() -> Answer:
        wanted = json_bodies.read(NewGrant)
        grant_id = registry.grant(
            wanted.subject,
            wanted.role,
            wanted.models,
            actor(),
            requests_per_minute=wanted.requests_per_minute,
            rows_per_minute=wanted.rows_per_minute,
        )
        return {"grant_id": grant_id}, 201, _NOT_STORED

    @routes.delete("/admin/grants/<grant_id>")
    @guarded(ACCESS_MANAGE, model_arg=None)
    def revoke_grant(grant_id: str) -> Answer:
        registry.revoke_grant(grant_id, actor())
        return {"revoked": grant_id}, 200, _NOT_STORED


def _shown_at_once(view: AccessView) -> Any:
    def refresh(response: flask.Response) -> flask.Response:
        """Let the worker that made a change go by it at once; the others follow within a second."""
        if flask.request.method != "GET" and response.status_code < 300:  # noqa: PLR2004 - a success
            view.refresh_or_keep()
        return response

    return refresh
