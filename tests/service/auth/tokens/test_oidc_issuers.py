"""Tokens of another issuer: an OpenID Connect provider made with joserfc's server side, on the loopback interface."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.auth.registry import CLIENT
from service.auth.tokens.oidc import BadIssuers, Issuer, read_issuers
from service.errors import Unauthenticated, Unavailable


class Provider:
    """An issuer with a discovery document, published keys, and tokens."""

    def __init__(self):
        self.keys = [RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"}, private=True)]
        self.fetches = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.fetches += self.path == "/jwks"
                documents = {"/.well-known/openid-configuration": provider.discovery, "/jwks": provider.jwks}
                body = json.dumps(documents[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.discovery = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def jwks(self):
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, key=None, algorithm="RS256", typ="JWT", **changes):
        key = key or self.keys[0]
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "millrace", "sub": "alice", "iat": now, "exp": now + 300, "jti": "1"}
        claims = {**claims, "realm": {"roles": ["scientist"]}, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": typ}, claims, key)


@pytest.fixture
def provider():
    provider = Provider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


@pytest.fixture
def configured(provider, tmp_path):
    roles = [
        {"value": "scientist", "role": "predictor", "models": ["iris"], "requests_per_minute": 10},
        {"value": "lead", "role": "admin", "models": ["*"]},
    ]
    entry = {
        "name": "corp",
        "issuer": provider.issuer,
        "audience": "millrace",
        "roles_claim": "realm.roles",
        "roles": roles,
    }
    path = tmp_path / "oidc.json"
    path.write_text(json.dumps([entry]))
    return path


@pytest.fixture
def access(make_access, sqlite_url, configured):
    return make_access(sqlite_url, oidc_issuers=configured)


def authenticated(access, token):
    return access.authenticator.authenticate({"authorization": f"Bearer {token}"})


def test_an_issuer_s_token_works_and_its_claims_give_roles(access, provider):
    principal = authenticated(access, provider.token())
    assert principal.subject == "corp:alice"
    assert principal.may("model:predict", "iris")
    assert not principal.may("model:predict", "wine")
    assert not principal.may("access:manage", None)
    assert principal.quota.requests == 10


def test_roles_that_are_not_mapped_give_nothing(access, provider):
    principal = authenticated(access, provider.token(realm={"roles": ["janitor"]}))
    assert not principal.may("model:read", "iris")
    assert not authenticated(access, provider.token(realm="odd", jti="2")).may("model:read", "iris")


@pytest.fixture
def issuer_with(make_access, sqlite_url, configured):
    def made(**changes):
        (entry,) = json.loads(configured.read_text())
        configured.write_text(json.dumps([{**entry, **changes}]))
        return make_access(sqlite_url, oidc_issuers=configured)

    return made


ADMIN_FOR_LEAD = [{"value": "lead", "role": "admin", "models": ["*"]}]


def test_a_claim_that_is_a_string_is_one_value(issuer_with, provider):
    access = issuer_with(roles_claim="title", roles=ADMIN_FOR_LEAD)
    assert authenticated(access, provider.token(title="lead")).may("access:manage", None)
    for number, title in enumerate(("not a lead yet", "lead dev", " lead", "lead,dev")):
        assert not authenticated(access, provider.token(title=title, jti=str(number))).may("model:read", "iris")


def test_a_group_with_a_space_is_one_value_alone_and_in_a_list(issuer_with, provider):
    access = issuer_with(
        roles_claim="groups", roles=[{"value": "Data Scientists", "role": "predictor", "models": ["*"]}]
    )
    assert authenticated(access, provider.token(groups="Data Scientists")).may("model:predict", "iris")
    assert authenticated(access, provider.token(groups=["Data Scientists"], jti="2")).may("model:predict", "iris")


def test_the_claim_scope_is_a_list_with_spaces(issuer_with, provider):
    access = issuer_with(roles_claim="scope", roles=ADMIN_FOR_LEAD)
    assert authenticated(access, provider.token(scope="openid lead")).may("access:manage", None)


def test_a_claim_is_divided_where_the_configuration_says_how(issuer_with, provider):
    access = issuer_with(roles_claim="title", roles_separator=",", roles=ADMIN_FOR_LEAD)
    assert authenticated(access, provider.token(title="dev, lead")).may("access:manage", None)
    assert not authenticated(access, provider.token(title="dev lead", jti="2")).may("model:read", "iris")


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("https://example.com/roles", {"https://example.com/roles": ["lead"]}),
        (
            "resource_access.com.example.scoring.roles",
            {"resource_access": {"com.example.scoring": {"roles": ["lead"]}}},
        ),
        ("resource_access.scoring.roles", {"resource_access": {"scoring": {"roles": ["lead"]}}}),
        ("a.b.c", {"a": {"b": {"c": "no"}}, "a.b": {"c": "lead"}}),
    ],
)
def test_names_in_the_path_to_a_claim_may_have_dots_and_slashes(issuer_with, provider, path, claims):
    access = issuer_with(roles_claim=path, roles=ADMIN_FOR_LEAD)
    assert authenticated(access, provider.token(**claims)).may("access:manage", None)


def test_a_path_that_leads_nowhere_gives_nothing(issuer_with, provider):
    access = issuer_with(roles_claim="a.b.c", roles=ADMIN_FOR_LEAD)
    for number, claims in enumerate(
        [{"a": "lead"}, {"a": {"b": "lead"}}, {"a": {"b": {"c": {"d": "lead"}}}}, {"c": "lead"}]
    ):
        assert not authenticated(access, provider.token(**claims, jti=str(number))).may("model:read", "iris")


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RS999"])
def test_a_published_key_that_cannot_be_used_is_skipped_and_logged_once(access, provider, caplog, algorithm):
    odd = RSAKey.generate_key(2048, {"kid": "odd", "alg": algorithm}, private=True)
    provider.keys.append(odd)
    for number in range(3):
        assert authenticated(access, provider.token(jti=str(number))).may("model:predict", "iris")
    assert [record.args[0] for record in caplog.records if "cannot be used" in record.message] == ["odd"]


def test_a_grant_for_the_subject_adds_to_its_roles(access, provider, tester):
    access.registry.grant("corp:alice", "viewer", ["wine"], tester)
    access.view.refresh()
    assert authenticated(access, provider.token()).may("model:read", "wine")


def test_es256_works_beside_rs256(access, provider):
    key = ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"}, private=True)
    provider.keys.append(key)
    assert authenticated(access, provider.token(key, "ES256")).subject == "corp:alice"


def test_our_own_tokens_work_beside(access, make_client, tester):
    owner = make_client(access, "owner", "viewer")
    issued = access.authorization.issue(owner.id, None, tester)
    token = access.tokens.issue(owner.id, issued.permissions, issued.family)
    assert authenticated(access, token).subject == CLIENT + owner.id


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"iss": "http://127.0.0.1:1"},
        {"typ": "id+jwt"},
        {"nbf": 2**40},
        {"sub": "ali\0ce"},
        {"sub": "a" * 600},
    ],
)
def test_a_bad_token_of_the_issuer_is_refused(access, provider, changes):
    with pytest.raises(Unauthenticated):
        authenticated(access, provider.token(**changes))


def test_a_key_of_the_wrong_kind_is_refused(access, provider):
    authenticated(access, provider.token())
    with pytest.raises(Unauthenticated):
        authenticated(access, provider.token(OctKey.import_key("k" * 32, {"kid": "r1"}), "HS256"))
    with pytest.raises(Unauthenticated):
        authenticated(access, provider.token(RSAKey.generate_key(2048, {"kid": "r1"}, private=True)))


def test_a_new_key_is_fetched_when_a_token_names_it_and_not_too_often(provider, configured):
    (config,), passed = read_issuers(configured), []
    issuer = Issuer(config, lambda: 1000.0 + len(passed))
    issuer.verify(provider.token())
    new = RSAKey.generate_key(2048, {"kid": "r2", "use": "sig"}, private=True)
    provider.keys.append(new)
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            issuer.verify(provider.token(new))
    assert provider.fetches == 1
    passed.extend(range(31))
    assert issuer.verify(provider.token(new)).subject == "corp:alice"
    assert provider.fetches == 2


def test_known_keys_outlive_the_issuer(access, provider):
    authenticated(access, provider.token())
    provider.server.shutdown()
    assert authenticated(access, provider.token(jti="2")).subject == "corp:alice"


def test_an_issuer_that_never_answered_makes_503(access, provider):
    provider.server.shutdown()
    provider.server.server_close()
    with pytest.raises(Unavailable):
        authenticated(access, provider.token())


def test_a_discovery_document_of_another_issuer_is_not_believed(access, provider):
    provider.discovery = {**provider.discovery, "issuer": "http://127.0.0.1:1"}
    with pytest.raises(Unavailable):
        authenticated(access, provider.token())


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://corp.example"},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"name": "client"},
        {"roles": [{"value": "x", "role": "god", "models": ["*"]}]},
        {"audience": None},
        {"roles_separator": ""},
        {"roles_separator": 1},
    ],
)
def test_a_configuration_that_cannot_be_right_stops_the_start(make_access, sqlite_url, configured, change):
    (entry,) = json.loads(configured.read_text())
    entry = {name: value for name, value in {**entry, **change}.items() if value is not None}
    configured.write_text(json.dumps([entry]))
    with pytest.raises(BadIssuers):
        make_access(sqlite_url, oidc_issuers=configured)
