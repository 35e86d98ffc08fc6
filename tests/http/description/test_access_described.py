"""Access control's own routes in the API description, and flask-jwt-extended with its defaults set right."""

import time
from unittest.mock import Mock

import flask
import flask_jwt_extended
import jwt
import pytest
from openapi_spec_validator import validate

from service.http import guards, hooks, oauth
from service.http.description import access_operations
from service.http.description import document as openapi


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url)


@pytest.fixture
def admin(caller):
    return caller("admin")


def test_every_route_of_access_and_administration_is_described(application, admin):
    assert openapi.undocumented(application.flask) == []
    description = admin.get("/openapi.json").json
    validate(description)
    described = {f"{method.upper()} {path}" for path, item in description["paths"].items() for method in item}
    assert set(access_operations.OPERATIONS) <= described


def test_oauth_s_errors_are_described_as_plain_json_too(admin):
    paths = admin.get("/openapi.json").json["paths"]
    refused = paths["/oauth/token"]["post"]["responses"]["401"]["content"]
    assert set(refused) == {"application/json", "application/problem+json"}
    assert set(paths["/admin/models"]["get"]["responses"]["401"]["content"]) == {"application/problem+json"}


@pytest.fixture
def decorated(access):
    """A view that someone guards with flask-jwt-extended's own decorator."""
    app = flask.Flask("decorated", static_folder=None)
    hooks.install(app, replica="test", record=Mock(), dialects=())
    app.register_blueprint(oauth.blueprint(access))
    app.add_url_rule("/decorated", "decorated", guards.public(flask_jwt_extended.jwt_required()(lambda: "fine")))
    guards.enforce(app, access)
    return app.test_client()


@pytest.fixture
def token(access, decorated, make_client):
    client = make_client(access, "owner", "viewer")
    form = {"grant_type": "client_credentials"}
    answer = decorated.post("/oauth/token", data=form, auth=(client.id, client.secret))
    assert answer.status_code == 200, answer.json
    return answer.json["access_token"]


def test_the_library_s_decorator_takes_a_good_token(decorated, token):
    assert decorated.get("/decorated", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def resigned(access, token, header=None, **changes):
    claims = {**jwt.decode(token, options={"verify_signature": False}), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {**access.tokens.headers(), **(header or {})}
    return jwt.encode(claims, access.ring.signing.private, "RS256", headers=headers)


def test_the_library_s_decorator_refuses_every_bad_token_with_401(decorated, access, token):
    bad = [
        "garbage",
        "a.b.c",
        resigned(access, token, exp=None),
        resigned(access, token, exp=int(time.time()) - 60),
        resigned(access, token, iss="http://attacker.example"),
        resigned(access, token, aud="another"),
        resigned(access, token, jti=None),
        resigned(access, token, client_id="nobody", sub="nobody"),
        resigned(access, token, {"typ": "JWT"}),
        resigned(access, token, {"kid": "unknown"}),
    ]
    answers = [decorated.get("/decorated", headers={"Authorization": f"Bearer {one}"}) for one in bad]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}
    assert len({answer.json["detail"] for answer in answers}) == 1
    assert decorated.get("/decorated").headers["WWW-Authenticate"] == "Bearer"


def test_a_token_in_a_cookie_or_the_query_is_not_looked_at(decorated, token):
    decorated.set_cookie("access_token_cookie", token)
    assert decorated.get(f"/decorated?jwt={token}").status_code == 401
