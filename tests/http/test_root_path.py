"""The path in front of all routes, by setting or as a trusted proxy names it, is in every address that is told."""

import re

import pytest

from service.settings import BadSetting, read

NAMED = {"X-Forwarded-Prefix": "/team/scores", "X-Real-IP": "10.1.2.3"}


@pytest.fixture
def client_of(make_application, make_access, sqlite_url, make_client):
    """Makes a client of an application with these settings, and the headers of its administrator."""

    def make(**variables):
        issuer = {"issuer": variables.pop("ISSUER")} if "ISSUER" in variables else {}
        access = make_access(sqlite_url, **issuer)
        owner = make_client(access, "owner", "admin")
        web = make_application(access, DATABASE_URL=sqlite_url, **variables).flask.test_client()
        form = {"grant_type": "client_credentials"}
        token = web.post("/oauth/token", data=form, auth=(owner.id, owner.secret)).json["access_token"]
        return web, {"Authorization": f"Bearer {token}"}

    return make


def told(web, bearer, headers=()):
    """The root path in all that tells addresses: the description, the page, and the metadata of OAuth 2."""
    headers = {**bearer, **dict(headers)}
    description = web.get("/openapi.json", headers=headers).json
    page = web.get("/docs", headers=headers).text
    metadata = web.get("/.well-known/oauth-authorization-server", headers=headers).json
    flow = description["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    found = {
        description["servers"][0]["url"].removesuffix("/"),
        flow["tokenUrl"].removesuffix("/oauth/token"),
        re.search('data-root="(.*?)"', page)[1],
        *re.findall('(?:src|href)="(.*?)/docs/', page),
        *(re.fullmatch("https?://[^/]+(.*)/oauth/[a-z.]+", metadata[name])[1] for name in metadata if "_uri" in name),
        re.fullmatch("https?://[^/]+(.*)/oauth/token", metadata["token_endpoint"])[1],
        re.fullmatch("https?://[^/]+(.*)/oauth/revoke", metadata["revocation_endpoint"])[1],
    }
    (root,) = found
    return root


def test_without_the_setting_nothing_is_in_front_and_nobody_is_believed(client_of):
    web, bearer = client_of()
    assert told(web, bearer) == ""
    assert told(web, bearer, NAMED) == ""
    assert told(web, bearer, {"X-Forwarded-Prefix": "/x"}) == ""


def test_the_setting_stands_in_front_of_every_address(client_of):
    web, bearer = client_of(ROOT_PATH="/ml/v3/")
    assert told(web, bearer) == "/ml/v3"
    assert told(web, bearer, NAMED) == "/ml/v3"


@pytest.mark.parametrize("proxies", ["10.1.2.3", "192.0.2.1, 10.0.0.0/8", "::1,10.1.2.0/24"])
def test_a_trusted_proxy_names_another_path(client_of, proxies):
    web, bearer = client_of(ROOT_PATH="/ml", TRUSTED_PROXIES=proxies)
    assert told(web, bearer, NAMED) == "/team/scores"
    assert told(web, bearer, {**NAMED, "X-Real-IP": "::ffff:10.1.2.3"}) == "/team/scores"
    assert told(web, bearer, {**NAMED, "X-Real-IP": "11.1.2.3"}) == "/ml"
    assert told(web, bearer, {**NAMED, "X-Real-IP": "unix:"}) == "/ml"
    assert told(web, bearer, {"X-Real-IP": "10.1.2.3"}) == "/ml"


@pytest.mark.parametrize(
    "prefix", ['/"><script>', "//evil.example", "https://evil.example", "/a/../b", "/a b", "x", "/é", "/" + "a" * 300]
)
def test_what_can_be_no_path_is_not_believed_from_anyone(client_of, prefix):
    web, bearer = client_of(ROOT_PATH="/ml", TRUSTED_PROXIES="10.0.0.0/8")
    sent = prefix.encode().decode("latin-1")
    assert told(web, bearer, {"X-Real-IP": "10.1.2.3", "X-Forwarded-Prefix": sent}) == "/ml"


@pytest.mark.parametrize("path", ["ml", "//ml", "/a//b", "/a/..", "/.", "/a b", "/ü", "https://x/y", "/a?b"])
def test_a_setting_that_can_be_no_path_stops_the_start(path):
    with pytest.raises(BadSetting, match=r"ROOT_PATH is .*: expected a path such as `/ml`"):
        read({"ROOT_PATH": path})


def test_a_proxy_that_can_be_no_address_stops_the_start():
    with pytest.raises(BadSetting, match=r"TRUSTED_PROXIES is 'proxy.example': expected addresses and networks"):
        read({"TRUSTED_PROXIES": "proxy.example"})


def test_the_issuer_has_the_path_unless_it_is_set():
    assert read({"ROOT_PATH": "/ml"}).issuer == "http://localhost:8080/ml"
    assert read({"ROOT_PATH": "/ml", "ISSUER": "https://id.example/"}).issuer == "https://id.example"


@pytest.mark.parametrize(
    ("issuer", "root", "endpoint"),
    [
        ("https://api.example", "/ml", "https://api.example/ml/oauth/token"),
        ("https://api.example/ml", "/ml", "https://api.example/ml/oauth/token"),
        ("https://api.example/ml", "", "https://api.example/ml/oauth/token"),
        ("https://api.example", "", "https://api.example/oauth/token"),
    ],
)
def test_the_metadata_keeps_the_issuer_and_tells_where_it_is_reached(client_of, issuer, root, endpoint):
    web, _ = client_of(ISSUER=issuer, ROOT_PATH=root)
    metadata = web.get("/.well-known/oauth-authorization-server").json
    assert (metadata["issuer"], metadata["token_endpoint"]) == (issuer, endpoint)


def test_the_metadata_is_also_where_rfc_8414_puts_that_of_an_issuer_with_a_path(client_of):
    web, _ = client_of(ISSUER="https://api.example/ml")
    there = web.get("/.well-known/oauth-authorization-server/ml")
    assert there.json == web.get("/.well-known/oauth-authorization-server").json
    elsewhere = web.get("/.well-known/oauth-authorization-server/other")
    assert (elsewhere.status_code, elsewhere.json["code"]) == (404, "not_found")
    assert elsewhere.mimetype == "application/problem+json"
