"""Feature values in the log: none of a version that did not ask for it, and no redacted one of a version that did."""

import csv
import io
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from model_store import PayloadLog, publish
from service import logs
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.inference.line import Inference
from service.logs.output import output
from service.observers import payloads as payload_log
from service.observers.payloads import Payloads
from service.runtime.router import Router
from service.wire import Target, WireRequest

FRAME = pd.DataFrame({"age": range(30), "city": ["Rome", "Oslo", "Bern"] * 10, "name": [f"n{i}" for i in range(30)]})
WIDE = np.random.default_rng(0).normal(size=(30, 2000))
CANARY, SECRET = "canary-city-4711", "canary-name-4712"
ROW = {"age": 41, "city": CANARY, "name": SECRET}
with (Path(__file__).parents[1] / "ops" / "data" / "ecs_fields.csv").open(encoding="utf-8") as fields:
    ECS = {row["Field"] for row in csv.DictReader(fields)}


def table():
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city", "name"]), remainder="passthrough"
    )
    return make_pipeline(encode, LogisticRegression()).fit(FRAME, FRAME.age > 10)


@pytest.fixture
def put(tmp_path, sealing_key):
    def put(name, wish, estimator=None, sample=FRAME):
        publish(
            tmp_path / "models", name, estimator or table(), sample, sealing_key=sealing_key, promote=True,
            payload_log=wish,
        )  # fmt: skip

    return put


@pytest.fixture
def log(make_application):
    """Starts the service with its log in memory; gives it, the log's text, and its payload lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, output.sink, output.constant, output.access_sampling
    stream = io.StringIO()

    def start():
        application = make_application()
        logs.configure("DEBUG", stream, replica="r")
        return application

    def payloads():
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in lines if line.get("event.dataset") == "millrace.payload"]

    yield start, stream.getvalue, payloads
    root.handlers[:], _ = before[0], root.setLevel(before[1])
    output.sink, output.constant, output.access_sampling = before[2:]


def ask(application, model, rows):
    answer = application.flask.test_client().post(f"/v1/models/{model}:predict", json={"instances": rows})
    assert answer.status_code == 200, answer.json
    return answer


def test_off_no_value_is_ever_in_the_log(put, log):
    put("people", None)
    start, text, payloads = log
    client = start()
    for _ in range(20):
        ask(client, "people", [ROW])
    assert "/v1/models/people:predict" in text()
    assert CANARY not in text()
    assert SECRET not in text()
    assert payloads() == []


def test_on_the_values_are_there_without_the_redacted_columns(put, log):
    put("people", PayloadLog(1, ["name"]))
    start, text, payloads = log
    answer = ask(start(), "people", [ROW, {**ROW, "age": 42}])
    (line,) = payloads()
    assert json.loads(line["labels.payload"]) == [{"age": 41, "city": CANARY}, {"age": 42, "city": CANARY}]
    assert (line["labels.model"], line["labels.version"], line["labels.rows"]) == ("people", "1", "2")
    assert line["labels.payload_whole"] == "true"
    assert line["http.request.id"] == answer.headers["X-Request-ID"]
    assert SECRET not in text()
    assert {name for name in line if name not in ECS and not name.startswith("labels.")} == set()
    assert all(isinstance(value, str) for name, value in line.items() if name.startswith("labels."))


def test_a_refused_request_is_not_logged(put, log):
    put("people", PayloadLog(1, ["name"]))
    start, text, payloads = log
    refused = (
        start()
        .flask.test_client()
        .post("/v1/models/people:predict", json={"instances": [{**ROW, "age": "old-" + CANARY}]})
    )
    assert refused.status_code == 400
    assert payloads() == []
    assert CANARY not in text()


def test_a_share_of_the_requests_is_logged(put, log):
    put("people", PayloadLog(0.25, ["name"]))
    start, _, payloads = log
    application, drawn = start(), iter([0.1, 0.25, 0.24, 0.9, 0.0, 0.6])
    line = Inference(Router(application.catalog), [Payloads(lambda: next(drawn))])
    for age in range(6):
        line.run(PREDICT, Target("people"), WireRequest(json.dumps({"instances": [{**ROW, "age": age}]}).encode()))
    assert [json.loads(line["labels.payload"])[0]["age"] for line in payloads()] == [0, 2, 4]


def test_few_rows_and_a_bounded_length_are_logged(put, log):
    put("people", PayloadLog(1, ["name"]))
    put("wide", PayloadLog(1, ["x0"]), DecisionTreeClassifier().fit(WIDE, WIDE[:, 0] > 0), WIDE)
    start, _, payloads = log
    client = start()
    ask(client, "people", [{**ROW, "city": "é" * 10_000}] * 50)
    ask(client, "wide", WIDE.tolist())
    people, wide = payloads()
    rows = json.loads(people["labels.payload"])
    assert len(rows) == payload_log.MOST_ROWS
    assert {row["city"] for row in rows} == {"é" * payload_log.LONGEST_VALUE + "…"}
    (row,) = json.loads(wide["labels.payload"])
    assert "x0" not in row
    assert row["x1"] == WIDE[0, 1]
    assert len(wide["labels.payload"]) <= payload_log.MOST_BYTES
    assert people["labels.payload_whole"] == wide["labels.payload_whole"] == "false"
