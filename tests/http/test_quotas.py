"""What requests are charged, and what they are told of it."""

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from model_store import publish

ROW = [5.1, 3.5, 1.4, 0.2]
PREDICT = "/v1/models/iris:predict"


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url, start=False)


@pytest.fixture
def application(make_application, access, sealing_key, tmp_path):
    rows, classes = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, classes)
    publish(tmp_path / "models", "iris", model, rows[:20], sealing_key=sealing_key, promote=True)
    return make_application(access)


@pytest.fixture
def limited(caller):
    return caller("predictor", requests_per_minute=10, rows_per_minute=100)


def remaining(answer):
    """What the answer says is left of the quotas, by their names."""
    parts = (part.split(";") for part in answer.headers["RateLimit"].split(", "))
    return {name.strip('"'): int(left.removeprefix("r=")) for name, left, _seconds in parts}


BAD = {
    "no JSON": {"data": "{", "content_type": "application/json"},
    "a wrong shape": {"json": {"instances": [[1.0]]}},
    "no such media type": {"data": "x", "content_type": "text/html"},
    "no such encoding": {"data": "x", "headers": {"Content-Encoding": "br"}},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_request_is_charged_as_one_request_without_rows(web, limited, bad):
    headers = {**limited.headers, **bad.get("headers", {})}
    answer = web.post(PREDICT, **{**bad, "headers": headers})
    assert answer.status_code in {400, 415}
    assert remaining(answer) == {"requests": 9, "rows": 100}


def test_a_model_that_is_not_there_is_charged_too(limited):
    answer = limited.post("/v1/models/nope:predict", json={"instances": [ROW]})
    assert (answer.status_code, remaining(answer)) == (404, {"requests": 9, "rows": 100})


def test_a_good_request_is_charged_once(limited):
    answer = limited.post(PREDICT, json={"instances": [ROW, ROW]})
    assert (answer.status_code, remaining(answer)) == (200, {"requests": 9, "rows": 98})


def test_bad_requests_beyond_the_quota_are_told_to_come_again(caller):
    limited = caller("predictor", requests_per_minute=1)
    statuses = [limited.post(PREDICT, json={"instances": [[1.0]]}).status_code for _ in range(4)]
    assert (statuses[0], statuses[-1]) == (400, 429)


def test_a_request_larger_than_its_whole_quota_is_400_and_says_how_many_rows_fit(limited):
    answer = limited.post(PREDICT, json={"instances": [ROW] * 101})
    assert (answer.status_code, answer.json["code"]) == (400, "larger_than_quota")
    assert answer.json["detail"].endswith("send at most 100 rows in one request")
    assert "Retry-After" not in answer.headers
    assert remaining(answer) == {"requests": 9, "rows": 100}


@pytest.mark.parametrize(
    "request_line",
    [
        ("POST", PREDICT, {"instances": [ROW]}),
        ("POST", PREDICT, {"instances": "x"}),
        ("GET", "/v1/models/iris", None),
        ("GET", "/v1/models/nope", None),
        ("GET", "/openapi.json", None),
        ("GET", "/no/such/route", None),
    ],
)
def test_an_answer_to_an_api_key_is_not_stored(web, access, tester, caller, request_line):
    key = access.registry.create_key(caller("predictor").id, "one", tester).secret
    access.view.refresh()
    method, path, body = request_line
    answer = web.open(path, method=method, json=body, headers={"X-API-Key": key})
    assert answer.headers.get_all("Cache-Control") == ["no-store"]


def test_a_refused_api_key_s_answer_is_not_stored_either(web):
    answer = web.get("/v1/models/iris", headers={"X-API-Key": "mr_no"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (401, "no-store")


def test_answers_to_tokens_say_nothing_of_storing(limited):
    assert "Cache-Control" not in limited.post(PREDICT, json={"instances": [ROW]}).headers
