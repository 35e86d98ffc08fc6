"""What callers with tokens of an identity provider are told, and what the log says of them."""

import io
import json

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from model_store import publish
from service import logs

ROW = [5.1, 3.5, 1.4, 0.2]
EVERYWHERE = [
    ("POST", "/v1/models/iris:predict", {"instances": [ROW]}),
    ("POST", "/v1/models/nope:predict", {"instances": [ROW]}),
    ("POST", "/v2/models/iris/infer", {"inputs": []}),
    ("GET", "/v1/models/iris", None),
    ("GET", "/v1/models/nope", None),
    ("GET", "/admin/clients", None),
]
LONG = "x" * 200


@pytest.fixture
def access(make_access, sqlite_url, provider, tmp_path):
    rules = [
        {"value": "scientist", "role": "predictor", "models": ["*"]},
        {"value": "lead", "role": "operator", "models": ["*"]},
        {"claim": "groups", "value": "ml-team", "role": "viewer", "models": ["*"]},
    ]
    entry = {"name": "corp", "issuer": provider.issuer, "audience": "millrace", "roles": rules}
    path = tmp_path / "oidc.json"
    path.write_text(json.dumps([{**entry, "roles_claim": "realm.roles"}]))
    return make_access(sqlite_url, start=False, oidc_issuers=path, public_models=("open-*",))


@pytest.fixture
def application(make_application, access, sealing_key, tmp_path):
    rows, classes = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, classes)
    for name in ("iris", "open-iris"):
        publish(tmp_path / "models", name, model, rows[:20], sealing_key=sealing_key, promote=True)
    return make_application(access)


@pytest.fixture
def ask(web):
    def ask(token, method, path, body=None):
        return web.open(path, method=method, json=body, headers={"Authorization": f"Bearer {token}"})

    return ask


@pytest.fixture
def logged(application):
    """The access lines from here on; the application configured the log before."""
    stream = io.StringIO()
    logs.configure("INFO", stream)
    yield lambda: [line for line in map(json.loads, stream.getvalue().splitlines()) if "http.request.method" in line]
    logs.configure("INFO")


def test_a_valid_token_without_a_role_is_told_what_was_looked_for_whatever_it_asks(ask, provider):
    token = provider.token(realm={"roles": ["janitor"]})
    answers = [ask(token, *request) for request in EVERYWHERE]
    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(403, "forbidden")}
    (detail,) = {answer.json["detail"] for answer in answers}
    assert (
        "'realm.roles' for 'scientist' or 'lead': none of these is there; "
        "'groups' for 'ml-team': there is no such claim" in detail
    )
    assert "janitor" not in detail


def test_groups_that_the_provider_left_out_are_named_as_the_cause(ask, provider):
    overage = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example"}}}
    for number, claims in enumerate((overage, {"hasgroups": True}, {"hasgroups": "true"})):
        answer = ask(provider.token(realm=None, jti=str(number), **claims), "GET", "/v1/models/iris")
        assert answer.status_code == 403
        assert "'groups' for 'ml-team': the identity provider left the claim out" in answer.json["detail"]
        assert "graph.example" not in answer.json["detail"]


def test_a_token_without_a_role_still_opens_public_models(ask, provider):
    token = provider.token(realm=None)
    assert ask(token, "GET", "/v1/models/open-iris").status_code == 200
    assert ask(token, "POST", "/v1/models/open-iris:predict", {"instances": [ROW]}).status_code == 200


def test_with_a_role_a_model_that_is_not_there_is_404(ask, provider):
    assert ask(provider.token(), "GET", "/v1/models/nope").status_code == 404


def test_the_log_says_why_a_token_was_refused_and_never_the_token(ask, provider, logged):
    expired = provider.token(exp=1, nonce=LONG)
    for token in (expired, "a.b.c", provider.token(realm=None)):
        ask(token, "GET", "/v1/models/iris")
        ask(token, "POST", "/v1/models/iris:predict", {"instances": [ROW]})
    lines = logged()
    assert [line["http.response.status_code"] for line in lines] == [401, 401, 401, 401, 403, 403]
    reasons = [line["event.reason"] for line in lines]
    assert reasons[:4] == ["Signature has expired"] * 2 + ["it cannot be read (DecodeError)"] * 2
    assert all("there is no such claim" in reason for reason in reasons[4:])
    assert not any(part in json.dumps(lines) for part in expired.split("."))


def test_a_refused_caller_is_not_told_the_reason(ask, provider):
    answer = ask(provider.token(exp=1), "GET", "/v1/models/iris")
    assert answer.json["detail"] == "the credentials are not valid"
    assert "expired" not in str(answer.headers) + answer.get_data(as_text=True)


def test_an_answered_request_has_no_reason(ask, provider, logged):
    ask(provider.token(), "GET", "/v1/models/iris")
    assert [("event.reason" in line, line["http.response.status_code"]) for line in logged()] == [(False, 200)]
