"""The configurations of docs/how-to/identity-providers.md, each with tokens of the shape that its provider makes."""

import json
import re
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from service.auth.permissions import ROLES
from service.auth.tokens.issuers import read_issuers
from service.auth.tokens.oidc import Issuer
from service.errors import Unauthenticated

PAGE = Path(__file__).resolve().parents[4] / "docs/how-to/identity-providers.md"
SECTION = re.compile(r"^## (.+?)$(?:(?!^## ).)*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONFIGURATIONS = dict(SECTION.findall(PAGE.read_text()))
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
APPLICATION = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
GROUP = "b3a1e2c4-0d5f-4c1b-9a77-0f3f6d2f8c11"
OVERAGE = {
    "_claim_names": {"groups": "src1"},
    "_claim_sources": {"src1": {"endpoint": f"https://graph.windows.net/{TENANT}/users/oid/getMemberObjects"}},
}
AUTH0, KEYCLOAK, GOOGLE, OKTA, COGNITO = "Auth0", "Keycloak", "Google", "Okta", "Amazon Cognito"
ENTRA, ENTRA_V1 = "Microsoft Entra ID, tokens of version 2", "Microsoft Entra ID, tokens of version 1"

HEADERS = {
    AUTH0: {"alg": "RS256", "typ": "JWT"},
    KEYCLOAK: {"alg": "RS256", "typ": "JWT"},
    ENTRA: {"typ": "JWT", "alg": "RS256"},
    ENTRA_V1: {"typ": "JWT", "alg": "RS256", "x5t": "the-key"},
    GOOGLE: {"alg": "RS256", "typ": "JWT"},
    OKTA: {"alg": "RS256"},
    COGNITO: {"alg": "RS256"},
}
SHAPES = {
    AUTH0: {
        "iss": "https://example.eu.auth0.com/",
        "sub": "auth0|507f1f77bcf86cd799439011",
        "aud": ["https://millrace.example.com", "https://example.eu.auth0.com/userinfo"],
        "azp": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
        "scope": "openid profile predict:models",
        "permissions": ["predict:models"],
    },
    KEYCLOAK: {
        "jti": "d58f5dc8-fd8f-462b-8a19-716f8f83985b",
        "iss": "https://login.example.com/realms/corp",
        "aud": ["com.example.millrace", "account"],
        "sub": "36fa0f91-f94d-4a0c-afed-6b7d952e47da",
        "typ": "Bearer",
        "azp": "notebook",
        "session_state": "2a88c258-f73a-4103-b862-e1fbd8f4e04e",
        "acr": "1",
        "allowed-origins": ["https://notebook.example.com"],
        "realm_access": {"roles": ["offline_access", "default-roles-corp", "uma_authorization"]},
        "resource_access": {
            "com.example.millrace": {"roles": ["predict"]},
            "account": {"roles": ["manage-account", "view-profile"]},
        },
        "scope": "email profile",
        "email_verified": True,
        "preferred_username": "alice",
    },
    ENTRA: {
        "aud": APPLICATION,
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "azp": "0a1b2c3d-1111-2222-3333-444455556666",
        "azpacr": "0",
        "name": "Alice",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "alice@example.com",
        "rh": "0.AX",
        "roles": ["Models.Predict"],
        "scp": "access_as_user",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "tid": TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA",
        "ver": "2.0",
    },
    ENTRA_V1: {
        "aud": f"api://{APPLICATION}",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "acr": "1",
        "amr": ["pwd"],
        "appid": "0a1b2c3d-1111-2222-3333-444455556666",
        "appidacr": "0",
        "ipaddr": "192.0.2.1",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "roles": ["Models.Predict"],
        "scp": "user_impersonation",
        "sub": "oBDuzJkxpDnLxKuyIjEhVk4zgZzlYsbmzWS8Wn1bT4w",
        "tid": TENANT,
        "unique_name": "alice@example.com",
        "upn": "alice@example.com",
        "ver": "1.0",
    },
    GOOGLE: {
        "iss": "https://accounts.google.com",
        "azp": "1234987819200.apps.googleusercontent.com",
        "aud": "1234987819200.apps.googleusercontent.com",
        "sub": "10769150350006150715113082367",
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "hd": "example.com",
        "email": "alice@example.com",
        "email_verified": True,
    },
    OKTA: {
        "ver": 1,
        "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "iss": "https://example.okta.com/oauth2/default",
        "aud": "api://default",
        "cid": "0oa47su08mOqSPcAM0h7",
        "uid": "00ujmkLgagxeRrAg20g3",
        "scp": ["openid", "profile"],
        "sub": "alice@example.com",
        "groups": ["Everyone", "Data Scientists"],
    },
    COGNITO: {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cognito:groups": ["scientists"],
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example01",
        "version": 2,
        "client_id": "2abcdefghijk3lmno4pqrstuv5",
        "origin_jti": "ffffffff-0000-1111-2222-333333333333",
        "token_use": "access",
        "scope": "openid phone",
        "auth_time": 1_700_000_000,
        "jti": "44444444-5555-6666-7777-888888888888",
        "username": "alice",
    },
}
"""A person's token as each provider documents it, with the first role of its configuration. ``iat`` and ``exp`` come
with each token."""

GONE = object()
KEY = RSAKey.generate_key(2048, {"kid": "the-key", "use": "sig"}, private=True)
PUBLISHED = {
    **{key: [{**KEY.as_dict(private=False), "alg": "RS256"}] for key in (AUTH0, COGNITO, GOOGLE, OKTA)},
    KEYCLOAK: [
        {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "enc", "use": "enc", "alg": "RSA-OAEP"},
        {**KEY.as_dict(private=False), "alg": "RS256", "x5c": ["MIIC"], "x5t": "x"},
    ],
    ENTRA: [{**KEY.as_dict(private=False), "x5t": "the-key", "x5c": ["MIIC"], "issuer": "https://login.example"}],
    ENTRA_V1: [{**KEY.as_dict(private=False), "x5t": "the-key", "x5c": ["MIIC"]}],
}
"""Key sets with the members that each provider writes: Entra's have no algorithm, Keycloak's a key for encryption."""


@pytest.fixture
def identity(tmp_path):
    """Whom a token of the provider's shape names, by the page's configuration; ``changes`` change or drop claims."""

    def identity(provider, header=None, **changes):
        path = tmp_path / "oidc.json"
        path.write_text(CONFIGURATIONS[provider])
        (config,) = read_issuers(path)
        now = int(time.time())
        claims = {"iat": now, "nbf": now, "exp": now + 3600, **SHAPES[provider], **changes}
        claims = {name: value for name, value in claims.items() if value is not GONE}
        token = jwt.encode({**HEADERS[provider], "kid": "the-key", **(header or {})}, claims, KEY)
        return Issuer(config, fetch=lambda _: PUBLISHED[provider]).verify(token)

    return identity


def roles(identity):
    names = {permissions: role for role, permissions in ROLES.items()}
    return {names[grant.permissions] for grant in identity.grants}


def test_the_page_has_one_configuration_for_each_provider():
    assert CONFIGURATIONS.keys() == SHAPES.keys()


@pytest.mark.parametrize("provider", SHAPES)
def test_a_persons_token_gives_the_first_role_of_the_configuration(identity, provider):
    found = identity(provider)
    assert roles(found) == {"viewer" if provider == GOOGLE else "predictor"}
    assert found.subject == f"{json.loads(CONFIGURATIONS[provider])[0]['name']}:{SHAPES[provider]['sub']}"
    assert found.why_no_role == ""


@pytest.mark.parametrize(
    ("provider", "changes", "role"),
    [
        (AUTH0, {"permissions": [], "https://example.com/roles": ["ml lead"]}, "operator"),
        (AUTH0, {"permissions": GONE, "https://example.com/roles": "ml lead"}, "operator"),
        (KEYCLOAK, {"resource_access": GONE, "realm_access": {"roles": ["ml-lead"]}}, "operator"),
        (ENTRA, {"roles": GONE, "groups": [GROUP]}, "operator"),
        (ENTRA_V1, {"roles": GONE, "groups": [GROUP]}, "operator"),
        (ENTRA_V1, {"aud": APPLICATION}, "predictor"),
        (OKTA, {"groups": "Data Scientists"}, "predictor"),
        (OKTA, {"groups": GONE, "uid": GONE, "sub": "0oa47su08", "scp": ["millrace.operate"]}, "operator"),
        (COGNITO, {"client_id": "6wxyzabcdefg7hijk8lmnopqr9"}, "predictor"),
        (
            COGNITO,
            {
                "cognito:groups": GONE,
                "username": GONE,
                "sub": "2abcdefghijk3lmno4pqrstuv5",
                "scope": "millrace/operate",
            },
            "operator",
        ),
        (
            GOOGLE,
            {
                "hd": GONE,
                "aud": "https://millrace.example.com",
                "azp": "107517467455664443765",
                "email": "scorer@example-project.iam.gserviceaccount.com",
            },
            "predictor",
        ),
    ],
)
def test_other_tokens_that_these_providers_make_give_their_role(identity, provider, changes, role):
    assert roles(identity(provider, **changes)) == {role}


def test_auth0s_tokens_of_the_rfc_9068_profile_are_taken(identity):
    found = identity(AUTH0, {"typ": "at+jwt"}, azp=GONE, client_id="K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja", jti="73Wakrf")
    assert roles(found) == {"predictor"}


def test_a_program_of_entra_has_roles_and_no_scope(identity):
    assert roles(identity(ENTRA, scp=GONE, name=GONE, preferred_username=GONE, idtyp="app")) == {"predictor"}


@pytest.mark.parametrize("provider", [ENTRA, ENTRA_V1])
@pytest.mark.parametrize("overage", [OVERAGE, {"hasgroups": True}])
def test_groups_that_entra_left_out_are_named_as_the_cause(identity, provider, overage):
    found = identity(provider, roles=GONE, **overage)
    assert found.grants == ()
    assert "'roles' for 'Models.Predict': there is no such claim" in found.why_no_role
    assert "the identity provider left the claim out because it would be too long (overage)" in found.why_no_role


def test_roles_are_given_where_entra_left_groups_out(identity):
    assert roles(identity(ENTRA, **OVERAGE)) == {"predictor"}


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        (AUTH0, {"iss": "https://example.eu.auth0.com"}),
        (AUTH0, {"aud": "https://example.eu.auth0.com/userinfo"}),
        (KEYCLOAK, {"aud": "account"}),
        (ENTRA, {"iss": f"https://sts.windows.net/{TENANT}/"}),
        (ENTRA, {"iss": f"https://login.microsoftonline.com/{GROUP}/v2.0"}),
        (ENTRA_V1, {"aud": "https://graph.microsoft.com"}),
        (GOOGLE, {"aud": "another.apps.googleusercontent.com"}),
        (OKTA, {"iss": "https://example.okta.com"}),
        (COGNITO, {"client_id": "another"}),
        (COGNITO, {"client_id": GONE, "aud": "2abcdefghijk3lmno4pqrstuv5", "token_use": "id"}),
    ],
)
def test_tokens_for_others_or_of_others_are_refused(identity, provider, changes):
    with pytest.raises(Unauthenticated):
        identity(provider, **changes)


def test_a_google_account_outside_the_domain_has_no_role(identity):
    assert identity(GOOGLE, hd=GONE, email="alice@gmail.com").grants == ()
    assert (
        identity(GOOGLE, hd=GONE, email="scorer@example-project.iam.gserviceaccount.com", email_verified=False).grants
        == ()
    )
