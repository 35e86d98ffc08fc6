"""The routes of OAuth 2: tokens issued (RFC 6749), revoked (RFC 7009), introspected (RFC 7662), and who issues them.

flask-jwt-extended signs the tokens; the guards verify them by ``service.auth.tokens``. Its decorators are not used.
"""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

import flask
import flask_jwt_extended as jwt_extended
import orjson
from werkzeug.datastructures import MultiDict

from service.audit.entry import Actor
from service.auth.access_view import AccessView
from service.auth.oauth.server import (
    AuthorizationServer,
    InvalidClient,
    Issued,
    OAuthError,
    TooManyAttempts,
    UnsupportedGrantType,
)
from service.auth.permissions import PERMISSIONS
from service.auth.registry import CLIENT
from service.auth.tokens.access_tokens import TYPE, AccessTokens
from service.auth.tokens.key_ring import ALGORITHM
from service.errors import ServiceError
from service.http.caller import caller_address
from service.http.guards import public
from service.http.problems import status_of

_LARGEST_FORM = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_JWKS_SECONDS = 60
_STATUSES = {InvalidClient: 401, TooManyAttempts: 429}

Answer = tuple[dict[str, Any], int, dict[str, str]]


def blueprint(server: AuthorizationServer, tokens: AccessTokens, view: AccessView) -> flask.Blueprint:
    """/oauth/… and the metadata of RFC 8414."""
    routes = flask.Blueprint("oauth", __name__)
    routes.record_once(lambda state: _install_jwt(state.app, tokens))
    routes.register_error_handler(ServiceError, _refuse)

    @routes.post("/oauth/token")
    @public
    def token() -> Answer:
        form = _form()
        client_id, actor = _prove(server, form)
        grant_type, scope = _needed(form, "grant_type"), form.get("scope")
        if grant_type == "client_credentials":
            issued = server.issue(client_id, scope, actor)
        elif grant_type == "refresh_token":
            issued = server.refresh(client_id, _needed(form, "refresh_token"), scope, actor)
        else:
            raise UnsupportedGrantType("expected the grant type client_credentials or refresh_token")
        return _token_answer(tokens, issued), 200, _NOT_STORED

    @routes.post("/oauth/revoke")
    @public
    def revoke() -> Answer:
        form = _form()
        client_id, actor = _prove(server, form)
        server.revoke(client_id, _needed(form, "token"), actor)
        view.refresh_or_keep()
        return {}, 200, _NOT_STORED

    @routes.post("/oauth/introspect")
    @public
    def introspect() -> Answer:
        form = _form()
        client_id, _actor = _prove(server, form)
        return server.introspect(client_id, _needed(form, "token")), 200, _NOT_STORED

    @routes.get("/oauth/jwks.json")
    @public
    def jwks() -> Answer:
        return tokens.ring.jwks(), 200, {"Cache-Control": f"public, max-age={_JWKS_SECONDS}"}

    @routes.get("/.well-known/oauth-authorization-server")
    @public
    def metadata() -> Answer:
        return _metadata(tokens.issuer), 200, {"Cache-Control": f"public, max-age={_JWKS_SECONDS}"}

    return routes


def _form() -> MultiDict[str, str]:
    """The request's form; raises OAuthError where there is none, or where it says something twice."""
    request = flask.request
    request.max_content_length = _LARGEST_FORM
    if request.mimetype != _FORM:
        raise OAuthError(f"expected a body of the type {_FORM}")
    form = request.form
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
    """The client that Basic or the form's client_id and client_secret prove, and the actor to record."""
    client_id, secret = _credentials(form)
    exchange = flask.g.exchange
    actor = Actor(CLIENT + client_id[:128], caller_address(flask.request.environ), exchange.request_id)
    server.check_client(client_id, secret, actor)
    return client_id, actor


def _credentials(form: MultiDict[str, str]) -> tuple[str, str]:
    given = flask.request.headers.get("Authorization")
    if given is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    client_id, secret = _basic(given)
    if "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise OAuthError("the client authenticates in two ways: use Basic or the form")
    return client_id, secret


def _basic(header: str) -> tuple[str, str]:
    """RFC 6749, section 2.3.1: both parts are form-encoded within Basic."""
    scheme, _, encoded = header.partition(" ")
    try:
        plain = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    client_id, _, secret = plain.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _token_answer(tokens: AccessTokens, issued: Issued) -> dict[str, Any]:
    claims = tokens.claims(issued.client_id, issued.permissions, issued.family)
    flask.g.signing_key = tokens.ring.signing  # header and signature name one key, also while it is being rotated
    token = jwt_extended.create_access_token(
        issued.client_id,
        additional_claims=claims,
        additional_headers={"typ": TYPE, "kid": flask.g.signing_key.kid},
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime,
        "scope": claims["scope"],
        "refresh_token": issued.refresh_token,
    }


def _metadata(issuer: str) -> dict[str, Any]:
    methods = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": methods,
        "jwks_uri": f"{issuer}/oauth/jwks.json",
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
        "scopes_supported": sorted(PERMISSIONS),
    }


def _refuse(error: ServiceError) -> flask.Response:
    """An error as RFC 6749, section 5.2, has it, merged with the shape of all other errors."""
    exchange = flask.g.exchange
    exchange.code = error.code
    status = _STATUSES.get(type(error)) or (400 if isinstance(error, OAuthError) else int(status_of(error)))
    body = {
        "error": error.code,
        "error_description": error.detail,
        "code": error.code,
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "request_id": exchange.request_id,
    }
    headers = {"Content-Type": "application/json", **_NOT_STORED}
    if isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return flask.Response(orjson.dumps(body), status, headers)


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
