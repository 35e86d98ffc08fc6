"""What the logs tell of one request, found by its id alone."""

import json
import re

import pytest

from tests.system.running import eventually

PREDICT = "/v1/models/steady:predict"
ONE_ROW = {"instances": [[0.0, 0.0]]}
MOST = 500
"""Bytes that a prediction may cost in all logs together."""


@pytest.fixture
def logged(stack):
    """Finds the lines with an id: of Nginx, and of all replicas."""

    def find(request_id):
        def lines(name):
            texts = (path.read_text() for path in sorted((stack.var / "log").glob(name)))
            return [line for text in texts for line in text.splitlines() if f'"{request_id}"' in line]

        return lines("nginx.access.log"), lines("replica-*.log")

    return find


@pytest.fixture
def answered(client, stack, logged):
    """Asks; gives the answer, and its lines once Nginx's is there."""

    def ask(body, path=PREDICT, **what):
        answer = client.post(f"{stack.url}{path}", json=body, **what)
        lines = eventually(lambda: (found := logged(answer.headers["X-Request-ID"]))[0] and found, 10, "Nginx's line")
        return answer, *lines

    return ask


def test_a_prediction_is_told_in_one_line(answered):
    answer, (line,), _ = answered(ONE_ROW)
    told = json.loads(line)
    assert told["http.request.id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)", told["@timestamp"])
    assert told["user.id"].startswith("client:")
    assert told["service.node.name"] == answer.headers["X-Replica"]
    assert told["http.response.status_code"] == 200
    assert told["http.response.body.bytes"] == len(answer.content)
    assert told["event.duration"] >= 0
    labels = told["labels"]
    assert labels.pop("upstream").startswith(told["service.node.name"])
    assert float(labels.pop("upstream_seconds")) >= 0
    version = answer.headers["X-Model-Version"]
    assert labels == {"model": "steady", "version": version, "channel": "stable", "code": "ok", "rows": "1"}


def test_a_prediction_costs_at_most_500_bytes_of_all_logs(client, stack, logged):
    """Most do: of a worker's first requests, which is slow is not known yet, and the slow have a replica's line too."""
    asked = [client.post(f"{stack.url}{PREDICT}", json=ONE_ROW).headers["X-Request-ID"] for _ in range(400)]
    eventually(lambda: logged(asked[-1])[0], 10, "the last line")
    costs = [sum(len(line) + 1 for lines in logged(one) for line in lines) for one in asked[-40:]]
    assert sorted(costs)[20] <= MOST


def test_a_failed_request_is_found_in_both_logs_from_the_id_in_its_answer(answered):
    answer, (of_nginx,), (of_replica,) = answered({"instances": [["a", "b"]]})
    assert answer.status_code == 400
    request_id = answer.json()["request_id"]
    nginx, replica = json.loads(of_nginx), json.loads(of_replica)
    assert nginx["http.request.id"] == replica["http.request.id"] == request_id
    assert nginx["labels"]["code"] == replica["labels.code"] == answer.json()["code"]
    assert nginx["user.id"] == replica["user.id"]
    assert nginx["service.node.name"] == replica["service.node.name"] == answer.headers["X-Replica"]
    assert nginx["url.path"] == replica["url.path"] == PREDICT
    assert nginx["ecs.version"] == replica["ecs.version"]
    assert nginx["http.response.status_code"] == replica["http.response.status_code"] == 400


def test_why_a_caller_was_refused_is_found_from_the_id_too(answered):
    answer, (of_nginx,), (of_replica,) = answered(ONE_ROW, headers={"Authorization": "Bearer x.y.z"})
    assert answer.status_code == 401
    assert json.loads(of_nginx)["labels"]["code"] == json.loads(of_replica)["labels.code"] == answer.json()["code"]
    assert json.loads(of_replica)["event.reason"]


def test_what_nginx_refuses_itself_has_its_code_in_nginxs_line(answered):
    answer, (of_nginx,), of_replicas = answered(ONE_ROW, path="/nowhere")
    assert (answer.status_code, of_replicas) == (404, [])
    told = json.loads(of_nginx)
    assert (told["labels"]["code"], told["user.id"], told["labels"]["upstream"]) == ("not_found", "", "")


def test_the_header_with_what_is_logged_goes_no_further_than_nginx(answered, client, stack):
    assert "X-Log" not in answered(ONE_ROW)[0].headers
    assert "X-Log" not in client.get(f"{stack.url}/v1/models/steady").headers
