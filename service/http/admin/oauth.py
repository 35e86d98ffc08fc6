"""The routes of OAuth 2: tokens issued (RFC 6749), revoked (RFC 7009), introspected (RFC 7662), and who issues them.

flask-jwt-extended signs the tokens, and its decorators are not used: the guards verify with ``service.auth.tokens``.
Errors have the form of RFC 6749, section 5.2, merged with the shape of all other errors.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus, urljoin, urlsplit

import flask
import flask_jwt_extended as jwt_extended
import msgspec
from msgspec import Meta
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from model_store.request_errors import PayloadTooLarge, RequestError
from service.audit.entry import Actor
from service.auth.access_view import AccessView
from service.auth.oauth.server import (
    AuthorizationServer,
    InvalidClient,
    Issued,
    OAuthError,
    UnsupportedGrantType,
)
from service.auth.permissions import PERMISSIONS
from service.auth.registry import CLIENT
from service.auth.tokens.access_tokens import TYPE, AccessTokens
from service.auth.tokens.key_ring import ALGORITHM
from service.http.admin import json_bodies
from service.http.caller import caller_address
from service.http.description.route import ACCESS, described
from service.http.guards import public
from service.http.problems import problem
from service.wire import JSON, ErrorForm

_LARGEST_FORM = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CACHED = {"Cache-Control": "public, max-age=60"}
_REFUSALS = (400, 401, 413, 429, 503)


def _members(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"error": body["code"], "error_description": body["detail"]}


ERRORS = ErrorForm(
    JSON,
    _members,
    {"error_description": {"type": "string", "description": "On OAuth's routes: the same as `detail`"}},
)
"""An error as RFC 6749, section 5.2, has it: ``error`` is its code."""


class Credentials(msgspec.Struct, kw_only=True):
    """A client's id and secret, if they are not in the header Authorization."""

    client_id: str | msgspec.UnsetType = msgspec.UNSET
    client_secret: str | msgspec.UnsetType = msgspec.UNSET


class TokenRequest(Credentials, kw_only=True):
    """What a token is asked for with."""

    grant_type: Literal["client_credentials", "refresh_token"]
    scope: Annotated[str, Meta(description=f"Some of: {', '.join(sorted(PERMISSIONS))}")] = ""
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET


class TokenQuestion(Credentials, kw_only=True):
    """The token that is to be revoked or looked at."""

    token: str


class Token(msgspec.Struct):
    """An access token, for how many seconds it is good and for what, and a token to refresh it with, once."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str


class RevokedToken(msgspec.Struct):
    """Nothing: an unknown token is as good as revoked."""


class Introspection(msgspec.Struct):
    """Whether a token is good, and if so what it says (RFC 7662)."""

    active: bool
    token_type: str | msgspec.UnsetType = msgspec.UNSET
    scope: str | msgspec.UnsetType = msgspec.UNSET
    client_id: str | msgspec.UnsetType = msgspec.UNSET
    sub: str | msgspec.UnsetType = msgspec.UNSET
    iss: str | msgspec.UnsetType = msgspec.UNSET
    aud: str | msgspec.UnsetType = msgspec.UNSET
    jti: str | msgspec.UnsetType = msgspec.UNSET
    exp: int | msgspec.UnsetType = msgspec.UNSET


class KeySet(msgspec.Struct):
    """The public keys that access tokens verify with (RFC 7517)."""

    keys: list[dict[str, Any]]


class ServerMetadata(msgspec.Struct):
    """Where tokens come from and how (RFC 8414)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]


def blueprint(server: AuthorizationServer, tokens: AccessTokens, view: AccessView) -> flask.Blueprint:
    """Return /oauth/… and the metadata of RFC 8414."""
    routes = flask.Blueprint("oauth", __name__)
    routes.record_once(lambda state: _install_jwt(state.app, tokens))
    routes.register_error_handler(RequestError, _refuse)
    _add_token(routes, server, tokens)
    _add_revocation(routes, server, view)
    _add_introspection(routes, server)
    _add_metadata(routes, tokens)
    return routes


def _add_token(routes: flask.Blueprint, server: AuthorizationServer, tokens: AccessTokens) -> None:
    @routes.post("/oauth/token")
    @public
    @described(
        ACCESS,
        "An access token for a client's id and secret (Basic or in the form), or for a refresh token",
        request=TokenRequest,
        request_media_type=_FORM,
        response=Token,
        refusals=_REFUSALS,
        errors=ERRORS,
    )
    def token() -> flask.Response:
        form = _form()
        client_id, actor = _prove(server, form)
        grant_type, scope = _needed(form, "grant_type"), form.get("scope")
        if grant_type == "client_credentials":
            issued = server.issue(client_id, scope, actor)
        elif grant_type == "refresh_token":
            issued = server.refresh(client_id, _needed(form, "refresh_token"), scope, actor)
        else:
            raise UnsupportedGrantType("expected the grant type client_credentials or refresh_token")
        return json_bodies.response(_token(tokens, issued), headers=_NOT_STORED)


def _add_revocation(routes: flask.Blueprint, server: AuthorizationServer, view: AccessView) -> None:
    @routes.post("/oauth/revoke")
    @public
    @described(
        ACCESS,
        "Revoke a token",
        request=TokenQuestion,
        request_media_type=_FORM,
        response=RevokedToken,
        refusals=_REFUSALS,
        errors=ERRORS,
    )
    def revoke() -> flask.Response:
        form = _form()
        client_id, actor = _prove(server, form)
        server.revoke(client_id, _needed(form, "token"), actor)
        view.refresh_or_keep()
        return json_bodies.response(RevokedToken(), headers=_NOT_STORED)


def _add_introspection(routes: flask.Blueprint, server: AuthorizationServer) -> None:
    @routes.post("/oauth/introspect")
    @public
    @described(
        ACCESS,
        "Whether a token is good, and for what",
        request=TokenQuestion,
        request_media_type=_FORM,
        response=Introspection,
        refusals=_REFUSALS,
        errors=ERRORS,
    )
    def introspect() -> flask.Response:
        form = _form()
        client_id, _actor = _prove(server, form)
        found = server.introspect(client_id, _needed(form, "token"))
        return json_bodies.response(msgspec.convert(found, Introspection), headers=_NOT_STORED)


def _add_metadata(routes: flask.Blueprint, tokens: AccessTokens) -> None:
    @routes.get("/oauth/jwks.json")
    @public
    @described(ACCESS, "The public keys that access tokens verify with", response=KeySet)
    def jwks() -> flask.Response:
        return json_bodies.response(msgspec.convert(tokens.ring.jwks(), KeySet), headers=_CACHED)

    @routes.get("/.well-known/oauth-authorization-server")
    @public
    @described(ACCESS, "Where tokens come from (RFC 8414)", response=ServerMetadata)
    def metadata() -> flask.Response:
        return json_bodies.response(_metadata(tokens.issuer, flask.request.script_root), headers=_CACHED)

    @routes.get("/.well-known/oauth-authorization-server/<path:issuer_path>")
    @public
    @described(
        ACCESS,
        "The same, at the address of an issuer with a path",
        response=ServerMetadata,
        refusals=(404,),
    )
    def metadata_of_path(issuer_path: str) -> flask.Response:
        if urlsplit(tokens.issuer).path != f"/{issuer_path}":
            flask.abort(404)
        return metadata()


def _form() -> MultiDict[str, str]:
    """Return the request's form.

    Raises PayloadTooLarge, and OAuthError if there is none, or if it gives a parameter twice.
    """
    request = flask.request
    request.max_content_length = _LARGEST_FORM
    if request.mimetype != _FORM:
        raise OAuthError(f"expected a body of the type {_FORM}")
    try:
        form = request.form
    except RequestEntityTooLarge:
        raise PayloadTooLarge(f"the form has more than {_LARGEST_FORM} bytes") from None
    twice = [name for name in form if len(form.getlist(name)) > 1]
    if twice:
        raise OAuthError("a parameter is given more than once")
    return form


def _needed(form: MultiDict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError(f"the parameter {name} is missing")
    return value


def _prove(server: AuthorizationServer, form: MultiDict[str, str]) -> tuple[str, Actor]:
    """Return the client that Basic or the form's client_id and client_secret prove, and the actor to record."""
    client_id, secret = _credentials(form)
    exchange = flask.g.exchange
    actor = Actor(CLIENT + client_id[:128], caller_address(flask.request.environ), exchange.request_id)
    server.check_client(client_id, secret, actor)
    return client_id, actor


def _credentials(form: MultiDict[str, str]) -> tuple[str, str]:
    given = flask.request.headers.get("Authorization", "")
    if not given.lower().startswith("basic "):  # a token, for instance, proves no client
        return form.get("client_id", ""), form.get("client_secret", "")
    client_id, secret = _basic(given)
    if "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise OAuthError("the client authenticates in two ways: use Basic or the form")
    return client_id, secret


def _basic(header: str) -> tuple[str, str]:
    """Read both parts of Basic, which are form-encoded within it (RFC 6749, section 2.3.1)."""
    try:
        plain = base64.b64decode(header.partition(" ")[2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    client_id, _, secret = plain.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _token(tokens: AccessTokens, issued: Issued) -> Token:
    claims = tokens.claims(issued.client_id, issued.permissions, issued.family)
    flask.g.signing_key = tokens.ring.signing  # header and signature name one key, also while it is being rotated
    token = jwt_extended.create_access_token(
        issued.client_id,
        additional_claims=claims,
        additional_headers={"typ": TYPE, "kid": flask.g.signing_key.kid},
    )
    return Token(token, "Bearer", tokens.lifetime, claims["scope"], issued.refresh_token)


def _metadata(issuer: str, root: str) -> ServerMetadata:
    methods = ["client_secret_basic", "client_secret_post"]
    base = urljoin(issuer, root) if root else issuer
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{base}/oauth/token",
        token_endpoint_auth_methods_supported=methods,
        revocation_endpoint=f"{base}/oauth/revoke",
        revocation_endpoint_auth_methods_supported=methods,
        introspection_endpoint=f"{base}/oauth/introspect",
        introspection_endpoint_auth_methods_supported=methods,
        jwks_uri=f"{base}/oauth/jwks.json",
        grant_types_supported=["client_credentials", "refresh_token"],
        response_types_supported=[],
        scopes_supported=sorted(PERMISSIONS),
    )


def _refuse(error: RequestError) -> flask.Response:
    exchange = flask.g.exchange
    exchange.code = error.code
    status, headers, body = problem(error, ERRORS, exchange.request_id)
    if isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    return flask.Response(body, status, {**headers, **_NOT_STORED})


def _install_jwt(app: Any, tokens: AccessTokens) -> None:
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=tokens.issuer,
        JWT_ENCODE_AUDIENCE=tokens.audience,
        JWT_ENCODE_NBF=False,
        JWT_ACCESS_TOKEN_EXPIRES=tokens.lifetime,
    )
    manager = jwt_extended.JWTManager(app)
    manager.encode_key_loader(lambda _identity: flask.g.signing_key.private)
