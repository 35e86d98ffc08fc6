"""A model that does harm is answered for in the one shape of errors, and all others as if it were not there."""

import json
import select
import time

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from werkzeug.test import Client, create_environ

from service import settings
from service.app import create_app
from service.http.predictions import Waiting
from service.metrics.instruments import child
from tests.service.model_process import moody
from tests.service.runtime.conftest import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A store of a model with code of its own, and one without."""
    made = Workshop(tmp_path_factory.mktemp("processes"))
    rows = np.arange(20.0).reshape(10, 2)
    made.add("moody", moody.fitted(), moody.ROWS, artifact_format="joblib", promote=True)
    made.add("linear", LinearRegression().fit(rows, rows.sum(axis=1)), rows, promote=True)
    return made


@pytest.fixture(scope="module")
def make(workshop, everyone):
    """Builds applications that leave predictions so many seconds; stops them at the end."""
    started = []

    def make(seconds):
        environment = {
            "MODEL_STORE_ROOT": str(workshop.root),
            "TRUSTED_KEYS": str(workshop.trusted),
            "RUN_DIR": str(workshop.run_dir / str(seconds)),
            "PREDICT_TIMEOUT": str(seconds),
            "MODEL_QUEUE": "4",
        }
        started.append(create_app(settings.read(environment), everyone))
        started[-1].start_worker()
        return started[-1]

    yield make
    for application in started:
        application.stop_worker()


@pytest.fixture(scope="module")
def application(make):
    return make(120)


def post(*rows, model="moody"):
    return create_environ(f"/v1/models/{model}:predict", method="POST", json={"instances": [list(row) for row in rows]})


def answered(application, *environs):
    """Return the status of each request with its predictions or its code, and which were answered at once."""
    found, later = {}, {}
    for place, answer in application.answer(list(environs), lambda _place: False):
        if isinstance(answer, Waiting):
            later[answer] = place
        else:
            found[place] = said(answer)
    at_once = set(found)
    while later:
        select.select([application], [], [], max(0.0, application.due() - time.monotonic()))
        for waiting, answer in application.finished():
            found[later.pop(waiting)] = said(answer)
    return [found[place] for place in range(len(environs))], at_once


def said(answer):
    status, _headers, body = answer
    document = json.loads(body)
    return status, document.get("predictions", document.get("code"))


def test_other_models_are_answered_before_one_in_a_process(application):
    given, at_once = answered(application, post((moody.SLEEP, 0.1)), post((1.0, 2.0), model="linear"))
    assert given == [(200, [1.1]), (200, [pytest.approx(3.0)])]
    assert at_once == {1}


def test_the_requests_that_wait_are_each_answered_by_their_own_rows(application):
    given, at_once = answered(application, *[post((moody.SUM, i), (moody.SUM, i + 0.5)) for i in range(4)])
    assert given == [(200, [float(i), i + 0.5]) for i in range(4)]
    assert at_once == set()


def test_a_server_with_nothing_else_to_do_waits_for_the_answer(application):
    response = Client(application).post("/v1/models/moody:predict", json={"instances": [[moody.SUM, 3.0]]})
    assert (response.status_code, response.json) == (200, {"predictions": [3.0]})


def test_more_requests_than_may_wait_are_turned_away_at_once(application):
    given, _ = answered(application, *[post((moody.SUM, i)) for i in range(6)])
    assert sorted(status for status, _ in given) == [200] * 4 + [503] * 2


def test_rows_that_crash_their_process_twice_are_refused_and_not_run_again(application):
    ends = child("millrace_model_process_ends_total", "moody", "1", "crashed")
    before = ends._value.get()
    assert answered(application, post((moody.CRASH, 1)))[0] == [(500, "model_crashed")]
    assert answered(application, post((moody.CRASH, 1)))[0] == [(500, "model_crashed")]
    assert ends._value.get() == before + 2
    assert answered(application, post((moody.SUM, 3)))[0] == [(200, [3.0])]


def test_a_prediction_that_takes_too_long_is_ended(make):
    given, _ = answered(make(1), post((moody.SLEEP, 3600)))
    assert given == [(504, "prediction_timeout")]
