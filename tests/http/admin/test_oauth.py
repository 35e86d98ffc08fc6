"""/oauth/…: RFC 6749, 7009, 7662, 8414 and 9068 as their clients meet them."""

import jwt
import pytest

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def owner(access, application, make_client):
    return make_client(access, "owner", "predictor", ["iris*"])


@pytest.fixture
def issued(web, owner):
    return web.post("/oauth/token", data=GRANT, auth=(owner.id, owner.secret)).json


def refreshed(web, owner, token, **form):
    form = {"grant_type": "refresh_token", "refresh_token": token, **form}
    return web.post("/oauth/token", data=form, auth=(owner.id, owner.secret))


def visible(web, token):
    return web.get("/v1/models", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("way", ["basic", "form"])
def test_a_client_gets_a_token_by_basic_and_by_form(web, owner, way):
    if way == "basic":
        answer = web.post("/oauth/token", data=GRANT, auth=(owner.id, owner.secret))
    else:
        answer = web.post("/oauth/token", data={**GRANT, "client_id": owner.id, "client_secret": owner.secret})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 900
    assert answer.json["scope"] == "model:predict model:read"
    assert visible(web, answer.json["access_token"]) == 200


def test_an_access_token_is_what_rfc_9068_says(web, issued, owner):
    header = jwt.get_unverified_header(issued["access_token"])
    keys = web.get("/oauth/jwks.json").json["keys"]
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": keys[0]["kid"]}
    key = jwt.PyJWK(keys[0]).key
    claims = jwt.decode(issued["access_token"], key, algorithms=["RS256"], audience="millrace")
    assert claims["iss"] == web.get("/.well-known/oauth-authorization-server").json["issuer"]
    assert claims["sub"] == claims["client_id"] == owner.id
    assert claims["scope"] == "model:predict model:read"
    assert claims["exp"] - claims["iat"] == 900
    assert len(claims["jti"]) >= 22


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "mrr_nothing"}, 400, "invalid_grant"),
        ({**GRANT, "scope": "everything"}, 400, "invalid_scope"),
        ({**GRANT, "scope": "access:manage"}, 400, "invalid_scope"),
        ({**GRANT, "scope": " "}, 400, "invalid_scope"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, 400, "invalid_request"),
        ({**GRANT, "client_secret": "twice"}, 400, "invalid_request"),
    ],
)
def test_errors_are_those_of_the_rfc_in_the_one_shape(web, owner, form, status, error):
    answer = web.post("/oauth/token", data=form, auth=(owner.id, owner.secret))
    assert (answer.status_code, answer.json["error"], answer.json["code"]) == (status, error, error)
    assert {"title", "status", "detail", "request_id", "error_description"} <= answer.json.keys()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/json"


def test_a_body_that_is_no_form_is_refused(web, owner):
    answer = web.post("/oauth/token", json=GRANT, auth=(owner.id, owner.secret))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_a_form_that_is_too_large_is_refused_in_the_form_of_the_rfc(web, owner, path):
    answer = web.post(path, data={**GRANT, "scope": "x" * 20_000}, auth=(owner.id, owner.secret))
    assert (answer.status_code, answer.json["code"], answer.mimetype) == (413, "payload_too_large", "application/json")
    assert answer.json["error"] == "payload_too_large"
    assert answer.json["error_description"] == "the form has more than 16384 bytes"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_in_the_header_is_no_second_way_to_prove_a_client(web, owner, issued):
    proof = {"client_id": owner.id, "client_secret": owner.secret}
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    answer = web.post("/oauth/introspect", data={**proof, "token": issued["access_token"]}, headers=headers)
    assert (answer.status_code, answer.json["active"]) == (200, True)


def test_unknown_clients_and_wrong_secrets_get_the_same_answer(web, owner):
    answers = [
        web.post("/oauth/token", data=GRANT, auth=pair)
        for pair in ((owner.id, "wrong"), ("nobody", owner.secret), (owner.id, f"mrs_1_{'x' * 43}"), ("", ""))
    ]
    answers.append(web.post("/oauth/token", data=GRANT))
    answers.append(web.post("/oauth/token", data=GRANT, headers={"Authorization": "Basic !!!"}))
    answers.append(web.post("/oauth/token", data=GRANT, headers={"Authorization": "Bearer x"}))
    bodies = [{**answer.json, "request_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["WWW-Authenticate"].startswith("Basic ") for answer in answers)
    assert bodies[0]["error"] == "invalid_client"


def test_a_client_without_grants_gets_no_token(web, access, make_client):
    bare = make_client(access, "bare")
    answer = web.post("/oauth/token", data=GRANT, auth=(bare.id, bare.secret))
    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


def test_a_scope_narrows_a_token(web, owner):
    answer = web.post("/oauth/token", data={**GRANT, "scope": "model:read"}, auth=(owner.id, owner.secret))
    assert answer.json["scope"] == "model:read"


def test_a_refresh_token_gives_a_new_pair(web, owner, issued):
    answer = refreshed(web, owner, issued["refresh_token"])
    assert answer.status_code == 200
    assert answer.json["refresh_token"] != issued["refresh_token"]
    assert visible(web, answer.json["access_token"]) == 200


def test_a_refresh_token_used_twice_ends_its_whole_family(web, access, owner, issued):
    second = refreshed(web, owner, issued["refresh_token"]).json
    again = refreshed(web, owner, issued["refresh_token"])
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert refreshed(web, owner, second["refresh_token"]).json["error"] == "invalid_grant"
    access.view.refresh()
    assert visible(web, issued["access_token"]) == 401
    assert visible(web, second["access_token"]) == 401


def test_a_refresh_token_of_another_client_is_refused_and_stays_good(web, access, owner, issued, make_client):
    other = make_client(access, "other", "predictor")
    assert refreshed(web, other, issued["refresh_token"]).json["error"] == "invalid_grant"
    assert refreshed(web, owner, issued["refresh_token"]).status_code == 200


def test_a_refreshed_scope_may_shrink_and_never_grow(web, owner):
    narrow = web.post("/oauth/token", data={**GRANT, "scope": "model:read"}, auth=(owner.id, owner.secret)).json
    grown = refreshed(web, owner, narrow["refresh_token"], scope="model:predict model:read")
    assert grown.json["error"] == "invalid_scope"
    assert refreshed(web, owner, narrow["refresh_token"]).json["scope"] == "model:read"


def test_a_refresh_token_is_no_access_token(web, issued):
    assert visible(web, issued["refresh_token"]) == 401


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_token_is_refused(web, owner, issued, which):
    answer = web.post("/oauth/revoke", data={"token": issued[which]}, auth=(owner.id, owner.secret))
    assert answer.status_code == 200
    assert visible(web, issued["access_token"]) == 401
    if which == "refresh_token":
        assert refreshed(web, owner, issued["refresh_token"]).json["error"] == "invalid_grant"


def test_revoking_what_is_no_token_succeeds(web, owner):
    answer = web.post("/oauth/revoke", data={"token": "nothing"}, auth=(owner.id, owner.secret))
    assert answer.status_code == 200


def test_a_token_can_only_be_revoked_by_its_client(web, access, owner, issued, make_client):
    other = make_client(access, "other", "predictor")
    answer = web.post("/oauth/revoke", data={"token": issued["access_token"]}, auth=(other.id, other.secret))
    assert answer.json["error"] == "invalid_grant"
    assert visible(web, issued["access_token"]) == 200


def introspected(web, client, token):
    return web.post("/oauth/introspect", data={"token": token}, auth=(client.id, client.secret)).json


def test_introspection_tells_of_a_client_s_own_tokens_alone(web, access, owner, issued, make_client):
    own = introspected(web, owner, issued["access_token"])
    assert own["active"] is True
    assert (own["client_id"], own["scope"], own["token_type"]) == (owner.id, issued["scope"], "Bearer")
    assert introspected(web, owner, issued["refresh_token"])["active"] is True
    assert introspected(web, make_client(access, "other", "predictor"), issued["access_token"]) == {"active": False}
    assert introspected(web, make_client(access, "boss", "admin"), issued["access_token"])["active"] is True
    for token in ("garbage", issued["access_token"] + "x"):
        assert introspected(web, owner, token) == {"active": False}


def test_introspection_needs_a_client(web, issued):
    assert web.post("/oauth/introspect", data={"token": issued["access_token"]}).status_code == 401


def test_introspection_sees_revocation_at_once(web, owner, issued):
    web.post("/oauth/revoke", data={"token": issued["access_token"]}, auth=(owner.id, owner.secret))
    assert introspected(web, owner, issued["access_token"]) == {"active": False}


def test_guessing_gets_slower_for_the_guesser_alone(web, owner):
    answers = [web.post("/oauth/token", data=GRANT, auth=(owner.id, "wrong")) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) >= 1
    elsewhere = web.post(
        "/oauth/token", data=GRANT, auth=(owner.id, owner.secret), environ_base={"HTTP_X_REAL_IP": "192.0.2.77"}
    )
    assert elsewhere.status_code == 200


def test_unknown_clients_are_slowed_down_the_same(web, application):
    answers = [web.post("/oauth/token", data=GRANT, auth=("nobody", "wrong")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_success_forgives_failures(web, owner):
    for _ in range(4):
        web.post("/oauth/token", data=GRANT, auth=(owner.id, "wrong"))
    assert web.post("/oauth/token", data=GRANT, auth=(owner.id, owner.secret)).status_code == 200
    assert web.post("/oauth/token", data=GRANT, auth=(owner.id, "wrong")).status_code == 401
    assert web.post("/oauth/token", data=GRANT, auth=(owner.id, "wrong")).status_code == 401


def test_a_rotated_secret_keeps_the_old_one_good_for_the_overlap(web, access, owner, tester, clock):
    new = access.registry.rotate_secret(owner.id, 60, tester)
    for secret in (owner.secret, new.secret):
        assert web.post("/oauth/token", data=GRANT, auth=(owner.id, secret)).status_code == 200
    clock.advance(61)
    assert web.post("/oauth/token", data=GRANT, auth=(owner.id, owner.secret)).status_code == 401
    assert web.post("/oauth/token", data=GRANT, auth=(owner.id, new.secret)).status_code == 200


def test_the_metadata_names_every_endpoint(web, application):
    document = web.get("/.well-known/oauth-authorization-server").json
    routes = {rule.rule for rule in application.flask.url_map.iter_rules()}
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"):
        assert document[name].removeprefix(document["issuer"]) in routes
    assert document["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert "d" not in web.get("/oauth/jwks.json").json["keys"][0]


def test_every_issue_and_refusal_is_on_record(web, access, owner, issued):
    web.post("/oauth/token", data=GRANT, auth=(owner.id, "wrong"), headers={"X-Request-ID": "refused-1"})
    web.post("/oauth/token", data={**GRANT, "scope": "none"}, auth=(owner.id, owner.secret))
    refreshed(web, owner, issued["refresh_token"])
    refreshed(web, owner, issued["refresh_token"])
    with access.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT action, outcome, target, request_id FROM audit ORDER BY number").all()
    assert [tuple(row[:2]) for row in rows[2:]] == [
        ("token.issue", "ok"),
        ("token.refuse", "invalid_client"),
        ("token.refuse", "invalid_scope"),
        ("token.issue", "ok"),
        ("token.reuse", "ok"),
    ]
    assert {row.target for row in rows[2:]} == {f"client:{owner.id}"}
    assert rows[3].request_id == "refused-1"
    assert access.audit.verify() == (7, None)
