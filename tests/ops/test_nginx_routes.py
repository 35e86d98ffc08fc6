"""Nginx's lists of addresses agree with the application's routes."""

import re
from pathlib import Path

import pytest

from service.http.description.route import described_routes

NGINX = Path(__file__).resolve().parents[2] / "nginx"
LOCATION = re.compile(r'^location (~\*?) "([^"\n]+)" \{(.*?)^\}', re.MULTILINE | re.DOTALL)
MEDIA_TYPES = re.compile(r"^map \$request_uri \$error_media_type \{(.*?)^\}", re.MULTILINE | re.DOTALL)
MEDIA_TYPE = re.compile(r'^ +(?:default|"(~\*?)(.+)") +(\S+);', re.MULTILINE)
ALLOWS = re.compile(r'^map "\$status \$request_uri" \$error_allow \{(.*?)^\}', re.MULTILINE | re.DOTALL)
ALLOW = re.compile(r'^ +"(~\*?)(.+?)" +"(.+)";', re.MULTILINE)
VALUES = {"model": "iris", "version": "3", "label": "stable"}


def compiled(sign, pattern):
    return re.compile(pattern, re.IGNORECASE if sign == "~*" else 0)


@pytest.fixture(scope="module")
def locations():
    """The patterns of the locations in Nginx's order, and what each holds."""
    text = (NGINX / "templates/routes.locations.template").read_text()
    found = [(compiled(sign, pattern), body) for sign, pattern, body in LOCATION.findall(text)]
    assert len(found) == len(re.findall("^location ~", text, re.MULTILINE))
    return found


@pytest.fixture(scope="module")
def media_types():
    """The media types of Nginx's own errors, by patterns in its order; the default is last."""
    lines = MEDIA_TYPE.findall(MEDIA_TYPES.search((NGINX / "snippets/error_bodies.conf").read_text())[1])
    found = [(compiled(sign, pattern), media_type) for sign, pattern, media_type in lines]
    return sorted(found, key=lambda line: line[0].pattern == "")


@pytest.fixture(scope="module")
def allows():
    """What Nginx's own refusals of a method say that an address takes, by patterns in its order."""
    lines = ALLOW.findall(ALLOWS.search((NGINX / "snippets/error_bodies.conf").read_text())[1])
    return [(compiled(sign, pattern), allowed) for sign, pattern, allowed in lines]


@pytest.fixture
def application(make_application, make_access, sqlite_url):
    return make_application(make_access(sqlite_url, start=False), DATABASE_URL=sqlite_url)


@pytest.fixture
def routes(application):
    """An address of each route, and whether it predicts by any method."""
    return {
        re.sub(r"{(\w+)}", lambda variable: VALUES.get(variable[1], "1"), route.path): bool(route.description.verb)
        for route in sorted(described_routes(application.flask), key=lambda route: bool(route.description.verb))
    }


def first(patterns, path):
    """What the first pattern that Nginx finds in a path stands for."""
    return next((value for pattern, value in patterns if pattern.search(path)), None)


def test_nginx_lets_every_route_through(locations, routes):
    assert [path for path in routes if first(locations, path) is None] == []


def test_predictions_and_nothing_else_are_replayed(locations, routes):
    replayed = {path for path in routes if "include snippets/replay.conf;" in (first(locations, path) or "")}
    assert replayed == {path for path, predicts in routes.items() if predicts}


def test_kept_connections_are_for_what_is_replayed_and_all_else_is_asked_once(locations):
    passed = {body.count("proxy_pass http://$predicting;") for _, body in locations if "snippets/replay.conf" in body}
    others = [body for _, body in locations if "snippets/replay.conf" not in body]
    assert passed == {1}
    assert [body for body in others if "$predicting" in body or "snippets/asked_once.conf" not in body] == []


def test_every_location_that_replays_has_a_route(locations, routes):
    replaying = [pattern for pattern, body in locations if "replay.conf" in body]
    assert replaying
    assert [pattern for pattern in replaying if not any(map(pattern.search, routes))] == []


def test_nginx_s_own_errors_have_the_media_type_of_each_address(media_types, application, routes):
    client = application.flask.test_client()
    answered = {
        path: client.open(path, method="BREW").mimetype for path in (*routes, "/v1", "/v2/", "/v2/nowhere", "/nowhere")
    }
    assert {path: media_type for path, media_type in answered.items() if first(media_types, path) != media_type} == {}


def test_nginx_s_own_refusals_of_a_method_tell_those_that_each_address_takes(allows, application):
    client = application.flask.test_client()
    told = {path: client.options(path).headers.get("Allow") for path in addresses(application)}
    taken = {path: allowed for path, allowed in told.items() if allowed}
    assert len(taken) > 80
    assert {path: allowed for path, allowed in taken.items() if first(allows, f"405 {path}") != allowed} == {}


def addresses(application):
    """One of each of Flask's rules, those that are not described included."""
    rules = map(str, application.flask.url_map.iter_rules())
    return {re.sub(r"<(?:\w+:)?(\w+)>", lambda variable: VALUES.get(variable[1], "1"), rule) for rule in rules}
