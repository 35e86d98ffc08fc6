"""Access control's own routes in the API description."""

import pytest
from openapi_spec_validator import validate

from service.http.description import access_operations
from service.http.description import document as openapi


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url)


@pytest.fixture
def admin(caller):
    return caller("admin")


def test_every_route_of_access_and_administration_is_described(application, admin):
    assert openapi.undocumented(application.flask) == []
    description = admin.get("/openapi.json").json
    validate(description)
    described = {f"{method.upper()} {path}" for path, item in description["paths"].items() for method in item}
    assert set(access_operations.OPERATIONS) <= described


def test_oauth_s_errors_are_described_as_plain_json_too(admin):
    paths = admin.get("/openapi.json").json["paths"]
    refused = paths["/oauth/token"]["post"]["responses"]["401"]["content"]
    assert set(refused) == {"application/json", "application/problem+json"}
    assert set(paths["/admin/models"]["get"]["responses"]["401"]["content"]) == {"application/problem+json"}
