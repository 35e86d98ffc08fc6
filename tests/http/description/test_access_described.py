"""Access control's own routes in the API description."""

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.http.description.route import described_routes


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url)


@pytest.fixture
def admin(caller):
    return caller("admin")


def test_every_route_of_access_and_administration_is_described(application, admin):
    description = admin.get("/openapi.json").json
    validate(description)
    described = {f"{method.upper()} {path}" for path, item in description["paths"].items() for method in item}
    routes = {f"{route.method} {route.path}" for route in described_routes(application.flask)}
    assert routes <= described
    assert {"POST /oauth/token", "POST /admin/clients", "GET /admin/audit", "DELETE /admin/grants/{grant_id}"} <= routes


def test_bodies_of_administration_are_described_as_they_are_sent(admin):
    schemas = admin.get("/openapi.json").json["components"]["schemas"]

    def fits(name, body):
        document = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        Draft202012Validator(document).validate(body)

    fits("NewClient", {"name": "scorer"})
    fits("ClientSecret", admin.post("/admin/clients", json={"name": "scorer"}).json)
    fits("KeySecret", admin.post("/admin/keys", json={"client_id": admin.id}).json)
    for path, name in (
        ("/admin/clients", "Clients"),
        ("/admin/keys", "Keys"),
        ("/admin/grants", "Grants"),
        ("/admin/audit", "AuditEntries"),
        ("/.well-known/oauth-authorization-server", "ServerMetadata"),
        ("/oauth/jwks.json", "KeySet"),
    ):
        fits(name, admin.get(path).json)


def test_the_parameters_of_queries_are_described_and_taken(admin):
    paths = admin.get("/openapi.json").json["paths"]
    audit = {parameter["name"]: parameter["schema"] for parameter in paths["/admin/audit"]["get"]["parameters"]}
    assert set(audit) == {"actor", "action", "target", "outcome", "since", "until", "before", "limit"}
    for name, outside in (("limit", audit["limit"]["maximum"] + 1), ("before", 0), ("since", "yesterday")):
        assert admin.get("/admin/audit", query_string={name: outside}).status_code == 400
    fitting = {"limit": audit["limit"]["maximum"], "before": 1, "since": "2026-01-31T12:00:00Z", "actor": "nobody"}
    assert admin.get("/admin/audit", query_string=fitting).json["entries"] == []
    assert [p["name"] for p in paths["/admin/keys"]["get"]["parameters"]] == ["client_id"]
    assert [p["name"] for p in paths["/admin/grants"]["get"]["parameters"]] == ["subject"]


def test_oauth_s_errors_are_described_as_plain_json_too(admin):
    description = admin.get("/openapi.json").json

    def forms(operation):
        reference = operation["responses"]["401"]["$ref"].rpartition("/")[2]
        return set(description["components"]["responses"][reference]["content"])

    assert forms(description["paths"]["/oauth/token"]["post"]) == {"application/json", "application/problem+json"}
    assert forms(description["paths"]["/admin/models"]["get"]) == {"application/problem+json"}
