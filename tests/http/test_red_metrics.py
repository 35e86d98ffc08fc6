import flask
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from service.http.red_metrics import instrument


@pytest.fixture
def app():
    app = flask.Flask("red")
    app.registry = CollectorRegistry()
    app.observed = instrument(app, app.registry)

    @app.get("/things/<name>")
    def thing(name):
        return name

    return app


def shown(app):
    return generate_latest(app.registry).decode()


def test_requests_are_grouped_by_route_and_not_by_path(app):
    for number in range(20):
        app.test_client().get(f"/things/{number}")
        app.test_client().get(f"/nowhere/{number}")
    text = shown(app)
    assert 'flask_http_request_duration_seconds_count{method="GET",status="200",url_rule="/things/<name>"} 20.0' in text
    assert 'flask_http_request_duration_seconds_count{method="GET",status="404",url_rule="unmatched"} 20.0' in text
    assert "/nowhere" not in text


def test_a_method_that_http_does_not_define_is_no_label(app):
    for number in range(5):
        app.test_client().open("/things/1", method=f"STRANGE{number}")
        app.observed("/things/<name>", f"ODD{number}", 405, 0.001)
    text = shown(app)
    assert "STRANGE" not in text
    assert "ODD" not in text
    assert 'flask_http_request_total{method="other",status="405"} 10.0' in text


def test_requests_answered_before_flask_are_counted_into_the_same_metrics(app):
    app.test_client().get("/things/1")
    app.observed("/things/<name>", "GET", 200, 0.25)
    text = shown(app)
    assert 'flask_http_request_total{method="GET",status="200"} 2.0' in text
    assert 'flask_http_request_duration_seconds_count{method="GET",status="200",url_rule="/things/<name>"} 2.0' in text


def test_each_application_begins_with_counters_of_its_own(app):
    app.test_client().get("/things/1")
    another = CollectorRegistry()
    instrument(flask.Flask("another"), another)
    assert "flask_http_request_total{" not in generate_latest(another).decode()
