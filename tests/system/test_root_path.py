"""A stack behind another Nginx that takes a path away: whoever follows what the stack tells arrives."""

import json
import re
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.system.proxy import Proxy
from tests.system.running import Stack, eventually
from tests.system.test_docs_page import CHROMIUM, shown

TRUSTED = "127.0.0.2"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A stack with a path, behind two proxies: one says nothing, and one that is trusted names another path."""
    folder = tmp_path_factory.mktemp("prefix")
    stack = Stack(
        folder / "stack", REPLICAS="1", ROOT_PATH="/ml", TRUSTED_PROXIES=f"{TRUSTED},10.0.0.0/8", PUBLIC_MODELS="iris"
    )
    stack.silent = Proxy(folder / "silent", stack.url, "/ml")
    stack.named = Proxy(folder / "named", stack.url, "/team/scores", source=TRUSTED, header=True)
    stack.liar = Proxy(folder / "liar", stack.url, "/evil", header=True)
    stack.environment["ISSUER"] = stack.silent.url
    (folder / "stack").mkdir()
    proxies = [stack.silent, stack.named, stack.liar]
    try:
        stack.start()
        for proxy in proxies:
            proxy.start()
            eventually(lambda proxy=proxy: reached(proxy), 20, "a proxy that answers")
        yield stack
    finally:
        for proxy in proxies:
            proxy.stop()
        stack.stop()


def reached(proxy):
    try:
        return requests.get(f"{proxy.url}/ping", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(params=["silent", "named"])
def proxy(request, proxied):
    return getattr(proxied, request.param)


def test_the_description_leads_to_a_prediction(proxy):
    description = requests.get(f"{proxy.url}/models/iris/openapi.json", timeout=10).json()
    assert description["servers"] == [{"url": proxy.path}]
    path = "/v1/models/iris:predict"
    content = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    (example,) = description["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]["examples"]
    address = urljoin(proxy.url, description["servers"][0]["url"] + path)
    assert len(requests.post(address, json=example, timeout=10).json()["predictions"]) == 1


def test_the_page_finds_its_files(proxy):
    page = requests.get(f"{proxy.url}/docs", timeout=10).text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 5
    for link in links:
        assert link.startswith(f"{proxy.path}/docs/")
        assert requests.get(urljoin(proxy.url, link), timeout=10).status_code == 200


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_the_page_shows_a_model_in_a_browser(proxy, tmp_path):
    page, console = shown(f"{proxy.url}/docs?model=iris", tmp_path)
    assert "/v1/models/iris:predict" in page.replace("\u200b", "")
    assert not [line for line in console if "Content Security Policy" in line or "Uncaught" in line]


def test_the_metadata_leads_to_a_token(proxied, proxy):
    metadata = requests.get(f"{proxy.url}/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["issuer"] == proxied.silent.url
    assert metadata["token_endpoint"] == urljoin(proxied.silent.url, f"{proxy.path}/oauth/token")
    there = urljoin(proxy.url, urlsplit(metadata["token_endpoint"]).path)
    client = json.loads((proxied.var / "secrets" / "demo-client.json").read_text())
    pair = (client["client_id"], client["client_secret"])
    answer = requests.post(there, data={"grant_type": "client_credentials"}, auth=pair, timeout=10)
    assert answer.json()["token_type"] == "Bearer"


def test_the_metadata_is_where_rfc_8414_puts_it(proxied):
    there = urljoin(proxied.silent.url, "/.well-known/oauth-authorization-server/ml")
    assert requests.get(there, timeout=10).json()["issuer"] == proxied.silent.url


def test_a_location_leads_to_the_operation(proxied, proxy):
    bearer = {"Authorization": f"Bearer {proxied.token()}"}
    address = f"{proxy.url}/admin/models/iris/versions/1/promote"
    accepted = requests.post(address, headers=bearer, timeout=30)
    assert accepted.status_code == 202
    assert accepted.headers["Location"] == accepted.json()["status"]
    assert accepted.headers["Location"].startswith(f"{proxy.path}/admin/operations/")
    operation = requests.get(urljoin(proxy.url, accepted.headers["Location"]), headers=bearer, timeout=10)
    assert operation.json()["id"] == accepted.json()["operation"]


def test_whoever_is_not_trusted_names_no_path(proxied):
    through = requests.get(f"{proxied.liar.url}/openapi.json", timeout=10).json()
    assert through["servers"] == [{"url": "/ml"}]
    directly = requests.get(f"{proxied.url}/openapi.json", headers={"X-Forwarded-Prefix": "/evil"}, timeout=10).json()
    assert directly["servers"] == [{"url": "/ml"}]


def test_without_the_settings_nobody_names_a_path(stack, client):
    headers = {"X-Forwarded-Prefix": "/evil", "X-Real-IP": TRUSTED}
    assert client.get(f"{stack.url}/openapi.json", headers=headers).json()["servers"] == [{"url": "/"}]
