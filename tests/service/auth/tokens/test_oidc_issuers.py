"""Tokens of another issuer: an OpenID Connect provider made with joserfc's server side, on the loopback interface."""

import base64
import json
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.auth.registry import CLIENT
from service.auth.tokens.issuers import BadIssuers, read_issuers
from service.auth.tokens.oidc import Issuer
from service.errors import Unauthenticated, Unavailable
from service.metrics.instruments import REGISTRY
from tests.service.gunicorn_worker.servers import eventually


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


def test_a_slow_issuer_delays_no_request_but_the_first_a_moment(provider, configured):
    (config,), passed, answering, asked = read_issuers(configured), [], threading.Event(), []

    def slow(_config):
        asked.append(1)
        answering.wait(30)
        return provider.jwks["keys"]

    issuer = Issuer(config, lambda: 1000.0 + len(passed), fetch=slow)
    passed.extend(range(31))
    for _ in range(200):  # more than the test's time, if each of them waited
        with pytest.raises(Unavailable, match="being fetched") as refusal:
            issuer.verify(provider.token())
        assert refusal.value.retry_after == 1
        passed.append(1)
    assert asked == [1]
    answering.set()
    eventually(lambda: _answers(issuer, provider.token()))


def _answers(issuer, token):
    try:
        return issuer.verify(token).subject == "corp:alice"
    except Unavailable:
        return False


def test_a_slow_issuer_delays_no_known_key(provider, configured):
    (config,), passed, answering = read_issuers(configured), [], threading.Event()
    keys = provider.jwks["keys"]

    def slow_after_the_first(_config):
        if passed:
            answering.wait(30)
        return keys

    issuer = Issuer(config, lambda: 1000.0 + len(passed), fetch=slow_after_the_first)
    issuer.verify(provider.token())
    passed.extend(range(31))
    stranger = provider.token(RSAKey.generate_key(2048, {"kid": "made-up"}, private=True))
    with pytest.raises(Unavailable):
        issuer.verify(stranger)
    assert issuer.verify(provider.token(jti="2")).subject == "corp:alice"
    answering.set()
    eventually(lambda: _refused(issuer, stranger))


def _refused(issuer, token):
    try:
        issuer.verify(token)
    except Unauthenticated:
        return True
    except Unavailable:
        return False
    return False


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
        {"audience": []},
        {"audience": [""]},
        {"audience": 7},
        {"audience_claim": 7},
        {"discovery": "http://corp.example/keys"},
        {"roles_claim": ["a"]},
        {"roles": [{"claim": "", "value": "x", "role": "viewer", "models": ["*"]}]},
        {"roles": [{"value": 7, "role": "viewer", "models": ["*"]}]},
        {"roles": [{"value": "x", "role": "viewer", "models": ["*"], "requests_per_minute": "600"}]},
        {"roles": [{"value": "x", "role": "viewer", "models": ["*"], "rows_per_minute": 0}]},
    ],
)
def test_a_configuration_that_cannot_be_right_stops_the_start(make_access, sqlite_url, configured, change):
    (entry,) = json.loads(configured.read_text())
    entry = {name: value for name, value in {**entry, **change}.items() if value is not None}
    configured.write_text(json.dumps([entry]))
    with pytest.raises(BadIssuers):
        make_access(sqlite_url, oidc_issuers=configured)


@pytest.mark.parametrize(
    ("change", "twice"), [({"issuer": "https://b"}, "name 'corp'"), ({"name": "b"}, "issuer 'http")]
)
def test_two_issuers_of_one_name_or_address_are_refused(configured, change, twice):
    (entry,) = json.loads(configured.read_text())
    configured.write_text(json.dumps([entry, {**entry, **change}]))
    with pytest.raises(BadIssuers, match=f"2 entries have the {twice}"):
        read_issuers(configured)


def test_the_log_counts_each_skipped_key_once(access, provider):
    before = skipped("corp")
    provider.keys.append(RSAKey.generate_key(2048, {"kid": "odd", "alg": "RS999"}, private=True))
    for number in range(3):
        authenticated(access, provider.token(jti=str(number)))
    assert skipped("corp") - before == 1


def skipped(issuer):
    return REGISTRY.get_sample_value("millrace_issuer_keys_skipped_total", {"issuer": issuer}) or 0


ODD_ENTRIES = [
    None,
    "text",
    [],
    7,
    {},
    {"kid": "a"},
    {"kid": ["a"], "kty": "RSA"},
    {"kid": {"a": 1}, "kty": "RSA"},
    {"kid": "a", "kty": ["RSA"]},
    {"kid": "a", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    {"kid": "a", "kty": "oct", "k": "AAAA"},
    {"kid": "a", "kty": "RSA"},
    {"kid": "a", "kty": "RSA", "n": 1, "e": 2},
    {"kid": "a", "kty": "RSA", "n": "", "e": ""},
    {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
    {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": ["RS256"]},
    {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "none"},
    {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "HS256"},
    {"kid": "a", "kty": "EC", "crv": "P-999", "x": "AAAA", "y": "AAAA"},
    {"kid": "a", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
    {"kid": "a", "kty": "EC", "crv": "P-256", "x": None, "y": {}},
    {"use": ["sig"], "kty": "RSA"},
    {"key_ops": "verify", "kty": "RSA"},
]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("odd", ODD_ENTRIES, ids=str)
def test_no_entry_of_a_key_set_takes_the_others_with_it(provider, configured, odd, place):
    (config,) = read_issuers(configured)
    entries = provider.jwks["keys"]
    entries.insert(place, odd)
    issuer = Issuer(config, fetch=lambda _: entries)
    assert issuer.verify(provider.token()).subject == "corp:alice"


def test_a_private_key_that_an_issuer_publishes_by_mistake_is_not_used(provider, configured, caplog):
    (config,) = read_issuers(configured)
    issuer = Issuer(config, fetch=lambda _: [key.as_dict(private=True) for key in provider.keys])
    with pytest.raises(Unavailable):
        issuer.verify(provider.token())
    assert "no public key" in caplog.text
    assert provider.keys[0].as_dict(private=True)["d"] not in caplog.text


def unnamed(key):
    """A key without an id."""
    return type(key).import_key({name: value for name, value in key.as_dict(private=True).items() if name != "kid"})


def test_a_token_that_names_no_key_is_checked_with_the_only_one(access, provider):
    provider.keys = [unnamed(provider.keys[0])]
    assert authenticated(access, provider.token()).subject == "corp:alice"


def test_a_token_that_names_no_key_is_checked_with_the_only_named_one(access, provider):
    key = provider.keys[0]
    provider.keys.append(ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"}, private=True))
    assert authenticated(access, provider.token(unnamed(key))).subject == "corp:alice"


def test_a_token_that_names_a_key_is_checked_with_the_only_one_if_that_has_no_name(access, provider):
    key = provider.keys[0]
    provider.keys = [unnamed(key)]
    assert authenticated(access, provider.token(key)).subject == "corp:alice"


def test_a_token_that_names_no_key_of_several_is_refused(access, provider):
    key = provider.keys[0]
    provider.keys.append(RSAKey.generate_key(2048, {"kid": "r2", "use": "sig"}, private=True))
    with pytest.raises(Unauthenticated) as refusal:
        authenticated(access, provider.token(unnamed(key)))
    assert "publishes several" in refusal.value.reason


def test_an_only_key_without_a_name_is_followed_when_it_is_replaced(provider, configured):
    (config,), passed = read_issuers(configured), []
    provider.keys = [unnamed(provider.keys[0])]
    issuer = Issuer(config, lambda: 1000.0 + len(passed))
    issuer.verify(provider.token())
    old = provider.keys[0]
    provider.keys = [unnamed(RSAKey.generate_key(2048, {"use": "sig"}, private=True))]
    with pytest.raises(Unauthenticated):
        issuer.verify(provider.token())
    passed.extend(range(31))
    assert issuer.verify(provider.token()).subject == "corp:alice"
    with pytest.raises(Unauthenticated):
        issuer.verify(provider.token(old))
    assert provider.fetches == 2


@pytest.mark.parametrize("scope", [["openid", "model:read"], "openid model:read"])
@pytest.mark.parametrize("claim", ["scope", "scp"])
def test_scopes_narrow_as_a_list_and_as_a_text(access, provider, claim, scope):
    principal = authenticated(access, provider.token(**{claim: scope}))
    assert principal.permissions == {"model:read"}


@pytest.mark.parametrize("scope", [{"a": 1}, 7, [1], [["model:read"]], True])
def test_a_scope_that_is_neither_is_refused(access, provider, scope):
    with pytest.raises(Unauthenticated) as refusal:
        authenticated(access, provider.token(scope=scope))
    assert "scope" in refusal.value.reason


def test_an_audience_may_stand_in_another_claim(issuer_with, provider):
    access = issuer_with(audience="app", audience_claim="client_id")
    assert authenticated(access, provider.token(aud=None, client_id="app")).subject == "corp:alice"
    assert authenticated(access, provider.token(client_id=["x", "app"], jti="2")).subject == "corp:alice"
    for number, claims in enumerate(
        [{"client_id": "apps"}, {"client_id": None}, {"client_id": ["x"]}, {"client_id": {"app": 1}}, {"aud": "app"}]
    ):
        with pytest.raises(Unauthenticated):
            authenticated(access, provider.token(jti=f"bad {number}", **claims))


def test_one_of_several_audiences_is_enough(issuer_with, provider):
    access = issuer_with(audience=["api://app", "app"])
    assert authenticated(access, provider.token(aud="app")).subject == "corp:alice"
    assert authenticated(access, provider.token(aud=["x", "api://app"], jti="2")).subject == "corp:alice"
    with pytest.raises(Unauthenticated):
        authenticated(access, provider.token(aud=["x"], jti="3"))


def test_a_rule_may_look_into_a_claim_of_its_own(issuer_with, provider):
    rules = [
        {"value": "scientist", "role": "predictor", "models": ["iris"]},
        {"claim": "groups", "value": "leads", "role": "admin", "models": ["*"]},
    ]
    access = issuer_with(roles_claim="roles", roles=rules)
    both = authenticated(access, provider.token(roles=["scientist", "leads"], groups=["leads"]))
    assert both.may("access:manage", None)
    neither = authenticated(access, provider.token(roles=["leads"], groups=["scientist"], jti="2"))
    assert not neither.may("model:read", "iris")


def test_an_email_counts_only_if_it_is_not_said_to_be_unverified(issuer_with, provider):
    rules = [{"value": "alice@example.com", "role": "predictor", "models": ["*"]}]
    access = issuer_with(roles_claim="email", roles=rules)

    def may_predict(**claims):
        token = provider.token(email="alice@example.com", jti=str(claims), **claims)
        return authenticated(access, token).may("model:predict", "iris")

    assert may_predict(email_verified=True)
    assert may_predict()
    assert not may_predict(email_verified=False)
    assert not may_predict(email_verified="false")


def test_a_subject_with_a_grant_of_its_own_is_not_without_a_role(access, provider, tester):
    token = provider.token(realm={"roles": ["janitor"]})
    assert "'scientist' or 'lead'" in authenticated(access, token).without_role
    access.registry.grant("corp:alice", "viewer", ["wine"], tester)
    access.view.refresh()
    assert authenticated(access, token).without_role == ""
    assert authenticated(access, provider.token(jti="2")).without_role == ""


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "another"}, "Audience doesn't match"),
        ({"exp": 1}, "Signature has expired"),
        ({"sub": None}, 'Token is missing the "sub" claim'),
        ({"typ": "id+jwt"}, "its type (typ) is none of at+jwt, jwt"),
        ({"sub": "a" * 600}, "its subject (sub) is too long"),
        ({"exp": 10**400}, "it cannot be read (OverflowError)"),
    ],
)
def test_a_refusal_has_a_reason_for_the_log_and_none_for_the_caller(access, provider, claims, why):
    with pytest.raises(Unauthenticated) as refusal:
        authenticated(access, provider.token(**claims))
    assert refusal.value.reason.startswith(why)
    assert str(refusal.value) == "the credentials are not valid"


def test_other_signatures_and_other_keys_are_told_apart_in_the_log(access, provider):
    authenticated(access, provider.token())
    for kid, why in (("r1", "its signature does not fit"), ("zz", "the issuer publishes no key of the algorithm with")):
        with pytest.raises(Unauthenticated) as refusal:
            authenticated(access, provider.token(RSAKey.generate_key(2048, {"kid": kid}, private=True)))
        assert refusal.value.reason.startswith(why)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = ("iss", "aud", "sub", "iat", "exp", "nbf", "jti", "scope", "scp", "realm", "roles", "_claim_names", "email")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    claims=st.dictionaries(st.sampled_from(CLAIMS), ANYTHING, max_size=4),
    header=st.dictionaries(
        st.sampled_from(("kid", "typ", "alg", "cty", "b64", "x5t", "zip", "crit")), ANYTHING, max_size=3
    ),
)
def test_a_signed_token_with_any_types_of_claims_is_verified_or_refused(provider, configured, claims, header):
    (config,) = read_issuers(configured)
    issuer = Issuer(config, fetch=lambda _: provider.jwks["keys"])
    now = int(time.time())
    said = {"iss": provider.issuer, "aud": "millrace", "sub": "alice", "iat": now, "exp": now + 300, **claims}
    token = signed({"alg": "RS256", "kid": "r1", "typ": "JWT", **header}, said, provider.keys[0])
    subject, reason = verdict(issuer, token)
    assert reason or subject == f"corp:{said['sub']}"


def verdict(issuer, token):
    """Whom the token names, or why it is refused."""
    try:
        return issuer.verify(token).subject, ""
    except Unauthenticated as refusal:
        return None, refusal.reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(st.characters(max_codepoint=255), max_size=60)
    | st.lists(st.binary(max_size=30), min_size=2, max_size=4).map(
        lambda parts: ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    )
)
def test_any_text_in_a_tokens_place_is_refused(access, text):
    with pytest.raises(Unauthenticated) as refusal:
        access.authenticator.authenticate({"authorization": f"Bearer {text}"})
    assert refusal.value.reason


def signed(header, claims, key):
    """A token signed with RS256, whatever its header says."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode()]
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = key.private_key.sign(body, PKCS1v15(), SHA256())
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_token_may_be_as_long_as_the_setting_says(make_access, sqlite_url, configured, provider):
    token = provider.token(groups=["g" * 36] * 250)
    assert 10_000 < len(token) < 16_000
    wide = make_access(sqlite_url, oidc_issuers=configured, longest_token=16_000)
    assert authenticated(wide, token).subject == "corp:alice"
    with pytest.raises(Unauthenticated) as refusal:
        authenticated(make_access(sqlite_url, oidc_issuers=configured), token)
    assert refusal.value.reason == "it is longer than 8192 characters"


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"null", b'{"keys": 7}', b'{"keys": {}}', b"[" * 100_000, b"\xff\xfe", b"x" * (2**20 + 1)],
    ids=lambda document: repr(document[:12]),
)
def test_a_key_set_that_cannot_be_read_takes_no_known_key_away(provider, configured, document):
    (config,), passed = read_issuers(configured), []
    issuer = Issuer(config, lambda: 1000.0 + len(passed))
    issuer.verify(provider.token())
    provider.raw_jwks = document
    passed.extend(range(31))
    with pytest.raises(Unauthenticated):
        issuer.verify(provider.token(RSAKey.generate_key(2048, {"kid": "r2"}, private=True)))
    assert provider.fetches == 2
    assert issuer.verify(provider.token()).subject == "corp:alice"


def test_a_key_set_that_breaks_off_makes_503(provider, configured):
    (config,) = read_issuers(configured)
    provider.raw_jwks, provider.missing = b"{", 100
    with pytest.raises(Unavailable):
        Issuer(config).verify(provider.token())
