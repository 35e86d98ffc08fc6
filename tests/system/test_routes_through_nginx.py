"""Each dialect answers through Nginx, from every replica."""

import time

import pytest
import requests

from tests.system.running import eventually

ROW = [5.1, 3.5, 1.4, 0.2]


@pytest.mark.parametrize(
    "path", ["/", "/ping", "/health", "/version", "/v2", "/v2/health/live", "/v2/health/ready", "/docs"]
)
def test_a_public_page_answers_without_credentials(stack, path):
    assert requests.get(stack.url + path, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/iris",
        "/v1/models/iris/metadata",
        "/v2/models/iris",
        "/v2/models/iris/ready",
        "/openapi.json",
        "/admin/models",
        "/admin/clients",
    ],
)
def test_a_guarded_page_answers_with_a_token_and_not_without(client, stack, path):
    assert client.get(stack.url + path).status_code == 200
    assert requests.get(stack.url + path, timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/models/iris:predict", {"instances": [ROW]}, {"predictions": [0]}),
        ("/v1/models/iris/versions/1:predict", {"inputs": [ROW]}, {"outputs": [0]}),
        ("/models/iris/invocations", {"inputs": [ROW]}, {"predictions": [0]}),
        ("/v1/models/steady:regress", {"examples": [{"x0": 0.5, "x1": 0.5}]}, {"results": [1.0]}),
    ],
)
def test_a_prediction_is_answered(client, stack, path, body, expected):
    answer = client.post(stack.url + path, json=body)
    assert (answer.status_code, answer.json()) == (200, expected), answer.text


def test_the_open_inference_protocol_answers(client, stack):
    name = client.get(f"{stack.url}/v2/models/iris").json()["inputs"][0]["name"]
    tensor = {"name": name, "shape": [1, 4], "datatype": "FP64", "data": ROW}
    answer = client.post(f"{stack.url}/v2/models/iris/infer", json={"inputs": [tensor]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == [0]


def test_rows_with_texts_and_gaps_are_predicted(client, stack):
    row = {"sex": "female", "age_group": "under 40", "bmi": 25.0, "blood_pressure": None, "glucose": 90.0}
    answer = client.post(f"{stack.url}/models/progression/invocations", json={"dataframe_records": [row]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0] in {"fast", "slow"}


def test_requests_are_spread_over_all_replicas_and_workers(load):
    with load(clients=6, pause=0) as clients:
        time.sleep(2)
    shares = [seen.replica for seen in clients.seen]
    assert not clients.failed
    assert min(shares.count("replica-1"), shares.count("replica-2")) > len(shares) / 5


def test_a_client_with_a_grant_gets_a_token_and_predicts_with_it(client, stack):
    made = client.post(f"{stack.url}/admin/clients", json={"name": "of-a-system-test"}).json()
    grant = {"subject": f"client:{made['client_id']}", "role": "predictor", "models": ["iris"]}
    assert client.post(f"{stack.url}/admin/grants", json=grant).status_code == 201
    bearer = {"Authorization": f"Bearer {_token(stack, made)}"}

    def statuses():
        return [_predict(stack, "iris", [ROW], bearer), _predict(stack, "steady", [[0, 0]], bearer)]

    eventually(lambda: statuses()[0] == 200, 10, "a grant that every worker knows")
    assert statuses()[1] in {403, 404}


def _token(stack, made):
    asked = requests.post(
        f"{stack.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made["client_id"], made["client_secret"]),
        timeout=10,
    )
    assert asked.status_code == 200, asked.text
    return asked.json()["access_token"]


def _predict(stack, model, rows, headers):
    url = f"{stack.url}/v1/models/{model}:predict"
    return requests.post(url, json={"instances": rows}, headers=headers, timeout=10).status_code
