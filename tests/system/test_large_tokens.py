"""Tokens larger than the default takes, through Nginx and gunicorn, from an identity provider on loopback."""

import json

import pytest
import requests

from tests.service.auth.provider import Provider
from tests.system.running import Stack, eventually

MODEL = "/v1/models/diabetes"


@pytest.fixture(scope="module")
def identity_provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def wide(tmp_path_factory, identity_provider):
    """A stack that takes header fields of 32 KiB and trusts the provider."""
    folder = tmp_path_factory.mktemp("wide")
    rules = [{"value": "scientist", "role": "predictor", "models": ["*"]}]
    entry = {"name": "corp", "issuer": identity_provider.issuer, "audience": "millrace", "roles": rules}
    issuers = folder / "oidc.json"
    issuers.write_text(json.dumps([{**entry, "roles_claim": "realm.roles"}]))
    stack = Stack(folder, REPLICAS="1", MAX_HEADER_BYTES="32768", OIDC_ISSUERS=str(issuers))
    try:
        stack.start()
        eventually(stack.all_ready, 60, "a ready stack")
        yield stack
    finally:
        stack.stop()


def asked(stack, token, path=MODEL):
    return requests.get(stack.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def token_with(provider, groups):
    return provider.token(groups=[f"{number:08x}-0000-0000-0000-{number:012x}" for number in range(groups)])


def test_a_token_of_10_kb_is_taken_and_one_of_40_kb_is_431_in_the_one_shape(wide, identity_provider):
    large, larger = token_with(identity_provider, 180), token_with(identity_provider, 800)
    assert len(large) > 9_500
    assert len(larger) > 40_000
    assert asked(wide, large).status_code == 200
    refused = asked(wide, larger)
    assert (refused.status_code, refused.json()["code"]) == (431, "headers_too_large")


def test_a_request_line_between_both_limits_is_answered_in_the_one_shape(wide, identity_provider):
    answer = asked(wide, identity_provider.token(), MODEL + "x" * 20_000)
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    beyond = asked(wide, identity_provider.token(), MODEL + "x" * 40_000)
    assert (beyond.status_code, beyond.json()["status"]) == (414, 414)
