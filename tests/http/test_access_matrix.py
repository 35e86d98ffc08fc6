"""Every route, from the URL map, for callers without a token, with an expired one, without the right, and with it."""

import re
import time

import jwt
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from model_store import publish
from service.auth.permissions import PERMISSIONS
from service.http.guards import guard_of

VALUES = {"model": "iris", "version": 1, "label": "stable"}
ROW = [5.1, 3.5, 1.4, 0.2]
TENSOR = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": ROW}
PREDICTIONS = {
    "/v1/models/iris:predict": {"instances": [ROW]},
    "/v2/models/iris/infer": {"inputs": [TENSOR]},
    "/invocations": {"inputs": [ROW]},
    "/models/iris/invocations": {"inputs": [ROW]},
}
REFUSALS = {401, 403, 404}


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url, start=False)


@pytest.fixture
def application(make_application, access, sealing_key, tmp_path):
    rows, classes = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, classes)
    publish(tmp_path / "models", "iris", model, rows[:20], sealing_key=sealing_key, promote=True)
    return make_application(access, DEFAULT_MODEL="iris")


@pytest.fixture
def routes(application):
    """Every method of every route with its guard and its address, for the model iris."""
    found = []
    urls = application.flask.url_map.bind("")
    for rule in application.flask.url_map.iter_rules():
        values = {name: VALUES.get(name, "1") for name in rule.arguments}
        path = urls.build(rule.endpoint, values, method=min(rule.methods))
        for method in sorted(rule.methods):
            endpoint, _ = urls.match(path, method)  # several rules of one address share its OPTIONS
            found.append((method, rule, path, guard_of(application.flask, endpoint)))
    return found


@pytest.fixture
def ask(web):
    def ask(method, path, headers, body=None):
        return web.open(path, method=method, headers=headers, json={} if body is None else body)

    return ask


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def expired(access, caller):
    shown = caller("admin")
    claims = jwt.decode(shown.token, options={"verify_signature": False})
    claims |= {"exp": int(time.time()) - 60}
    return bearer(jwt.encode(claims, access.ring.signing.private, "RS256", headers=access.tokens.headers()))


def outside(routes, ask, headers_for, *, model_routes_alone=False):
    """The requests that were let through, among the routes that are guarded, or among those of a model.

    Whoever may predict with some model learns first that a body is none that any model could read: 400.
    """
    refusals = REFUSALS | {400} if model_routes_alone else REFUSALS
    through = []
    for method, rule, path, guard in routes:
        of_a_model = "model" in rule.arguments or (method, rule.rule) == ("POST", "/invocations")
        if (method, rule.provide_automatic_options) == ("OPTIONS", True):
            continue  # which methods an address takes is no secret
        if guard.permission is None or (model_routes_alone and not of_a_model):
            continue
        answer = ask(method, path, headers_for(guard.permission))
        if answer.status_code not in refusals:
            through.append((method, rule.rule, answer.status_code))
    return through


def test_there_are_guarded_routes_of_every_kind(routes):
    guarded = {rule.rule for _, rule, _, guard in routes if guard.permission is not None}
    for part in ("/v1/", "/v2/", "/invocations", "/admin/clients", "/admin/models", "/admin/audit", "/openapi.json"):
        assert any(part in rule for rule in guarded), part


def test_options_tells_methods_and_nothing_else(routes, ask):
    asked = [(rule, path) for method, rule, path, _ in routes if method == "OPTIONS" and rule.provide_automatic_options]
    assert len(asked) > 40
    for rule, path in asked:
        answer = ask("OPTIONS", path, {})
        assert (answer.status_code, answer.get_data()) == (204, b"")
        assert rule.methods <= {name.strip() for name in answer.headers["Allow"].split(",")}


def test_nobody_gets_through_without_a_token(routes, ask):
    assert outside(routes, ask, lambda _: {}) == []


def test_an_expired_token_gets_through_nowhere(routes, ask, expired):
    assert outside(routes, ask, lambda _: expired) == []


def test_all_permissions_but_the_right_one_get_through_nowhere(routes, ask, access, caller, tester):
    owner = caller("admin")
    keys = {
        permission: access.registry.create_key(
            owner.id, "narrow", tester, permissions=sorted(PERMISSIONS - {permission})
        ).secret
        for permission in PERMISSIONS
    }
    access.view.refresh()
    assert outside(routes, ask, lambda permission: {"X-API-Key": keys[permission]}) == []


def test_rights_on_another_model_open_no_route_of_this_one(routes, ask, caller):
    stranger = caller("admin", ["other-*"])
    assert outside(routes, ask, lambda _: stranger.headers, model_routes_alone=True) == []


def test_a_hidden_model_is_named_in_no_answer(routes, ask, caller):
    stranger = caller("admin", ["other-*"])
    named = [
        (method, path)
        for method, rule, path, guard in routes
        if "model" not in rule.arguments and rule.rule != "/openapi.json" and guard.permission is not None
        if '"iris"' in ask(method, path, stranger.headers).get_data(as_text=True)
    ]
    assert named == []
    assert "iris" not in ask("GET", "/openapi.json", stranger.headers).get_data(as_text=True)


def test_a_hidden_model_answers_like_one_that_does_not_exist(routes, ask, caller):
    stranger = caller("admin", ["other-*"])
    told_apart = []
    for method, rule, path, guard in routes:
        if "model" not in rule.arguments or guard.permission is None:
            continue
        hidden = ask(method, path, stranger.headers)
        missing = ask(method, path.replace("iris", "nope"), stranger.headers)
        if shape(hidden, "iris") != shape(missing, "nope"):
            told_apart.append((method, rule.rule, shape(hidden, "iris"), shape(missing, "nope")))
    assert told_apart == []


def test_to_its_reader_a_missing_model_answers_the_same_as_a_hidden_one(ask, caller):
    reader, stranger = caller("predictor"), caller("admin", ["other-*"])
    for path, body in PREDICTIONS.items():
        if "iris" in path:
            missing = ask("POST", path.replace("iris", "nope"), reader.headers, body)
            hidden = ask("POST", path, stranger.headers, body)
            assert shape(missing, "nope") == shape(hidden, "iris")


def shape(answer, name):
    """What a caller sees of an answer, without the model's name and what differs between any two requests.

    X-Log, which names the caller, is for Nginx, which takes it away.
    """
    text = re.sub(r'"request_id": ?"[^"]*"', "", answer.get_data(as_text=True))
    kept = {k: v for k, v in answer.headers.items() if k not in {"X-Request-ID", "Content-Length", "X-Log"}}
    return answer.status_code, text.replace(name, "MODEL"), kept


def test_the_right_caller_is_let_through_everywhere(routes, ask, caller):
    admin = caller("admin")
    refused = []
    for method, rule, path, guard in routes:
        if guard.permission is None:
            continue
        answer = ask(method, path, admin.headers)
        if answer.status_code in {401, 403}:
            refused.append((method, rule.rule, answer.status_code))
    assert refused == []


def test_the_right_caller_gets_predictions_in_every_dialect(ask, caller):
    predictor = caller("predictor", ["iris"])
    for path, body in PREDICTIONS.items():
        answer = ask("POST", path, predictor.headers, body)
        assert answer.status_code == 200, (path, answer.get_data(as_text=True))
