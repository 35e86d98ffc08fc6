"""/admin/clients, /admin/keys, /admin/grants and /admin/audit over REST."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

import pytest


@pytest.fixture
def admin(caller):
    return caller("admin")


def made(answer):
    assert answer.status_code == 201, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def test_a_client_is_made_granted_used_and_revoked(admin, web, token_for):
    client = made(admin.post("/admin/clients", json={"name": "scorer"}))
    subject = f"client:{client['client_id']}"
    grant = {"subject": subject, "role": "viewer", "models": ["*"], "requests_per_minute": 10}
    granted = made(admin.post("/admin/grants", json=grant))
    headers = {"Authorization": f"Bearer {token_for(client['client_id'], client['client_secret'])}"}
    assert web.get("/v1/models", headers=headers).status_code == 200
    listed = admin.get(f"/admin/grants?subject={subject}").json["grants"]
    assert [(row["role"], row["models"], row["requests_per_minute"]) for row in listed] == [("viewer", ["*"], 10)]
    assert admin.delete(f"/admin/grants/{granted['grant_id']}").status_code == 200
    assert web.get("/v1/models", headers=headers).status_code == 403
    assert admin.delete(f"/admin/clients/{client['client_id']}").status_code == 200
    assert web.get("/v1/models", headers=headers).status_code == 401
    assert admin.delete(f"/admin/clients/{client['client_id']}").status_code == 404


def test_a_key_is_made_used_rotated_and_revoked(admin, web):
    wanted = {"client_id": admin.id, "name": "batch", "permissions": ["model:read"], "expires_in": 3600}
    key = made(admin.post("/admin/keys", json=wanted))

    def status(api_key):
        return web.get("/v1/models", headers={"X-API-Key": api_key}).status_code

    assert status(key["api_key"]) == 200
    rotated = admin.post(f"/admin/keys/{key['key_id']}/rotate", json={"overlap": 60}).json
    assert (status(key["api_key"]), status(rotated["api_key"])) == (200, 200)
    assert admin.delete(f"/admin/keys/{key['key_id']}").status_code == 200
    assert (status(key["api_key"]), status(rotated["api_key"])) == (401, 200)
    listed = admin.get(f"/admin/keys?client_id={admin.id}").json["keys"]
    assert [row["replaced_by"] for row in listed if row["id"] == key["key_id"]] == [rotated["key_id"]]


def test_a_secret_is_rotated(admin, token_for):
    client = made(admin.post("/admin/clients", json={"name": "scorer"}))
    made(admin.post("/admin/grants", json={"subject": f"client:{client['client_id']}", "role": "viewer", "models": []}))
    new = admin.post(f"/admin/clients/{client['client_id']}/rotate").json
    assert token_for(client["client_id"], new["client_secret"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("clients", {}, 400),
        ("clients", {"name": ""}, 400),
        ("clients", {"name": "x", "role": "admin"}, 400),
        ("clients", {"name": "\n"}, 400),
        ("keys", {"client_id": "nobody"}, 404),
        ("keys", {"client_id": "nobody", "permissions": ["everything"]}, 400),
        ("keys", {"client_id": "nobody", "expires_in": 0}, 400),
        ("grants", {"subject": "client:nobody", "role": "viewer", "models": ["*"]}, 404),
        ("grants", {"subject": "corp:alice", "role": "god", "models": ["*"]}, 400),
        ("grants", {"subject": "corp:alice", "role": "viewer", "models": ["/"]}, 400),
        ("grants", {"subject": "nobody", "role": "viewer", "models": ["*"]}, 400),
        ("grants", {"subject": "corp:alice", "role": "viewer", "models": ["*"], "rows_per_minute": -1}, 400),
    ],
)
def test_what_cannot_be_made_is_refused_as_a_problem(admin, path, body, status):
    answer = admin.post(f"/admin/{path}", json=body)
    assert answer.status_code == status, answer.json
    assert answer.mimetype == "application/problem+json"
    assert {"error", "code", "title", "status", "detail", "request_id"} <= answer.json.keys()


def test_bodies_that_are_no_json_are_refused(admin):
    assert admin.post("/admin/clients", data="{", content_type="application/json").status_code == 400
    assert admin.post("/admin/clients", data={"name": "x"}).status_code == 415


def test_a_name_that_is_taken_is_a_conflict(admin):
    made(admin.post("/admin/clients", json={"name": "scorer"}))
    assert admin.post("/admin/clients", json={"name": "scorer"}).status_code == 409


def test_every_change_is_on_record_with_who_and_from_where(admin):
    client = made(admin.post("/admin/clients", json={"name": "scorer"}))
    admin.delete(f"/admin/clients/{client['client_id']}")
    entries = admin.get("/admin/audit?target=" + client["client_id"]).json["entries"]
    assert [entry["action"] for entry in entries] == ["client.revoke", "client.create"]
    assert {entry["actor"] for entry in entries} == {f"client:{admin.id}"}
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}
    assert all(entry["request_id"] for entry in entries)


def test_the_record_is_paged(admin):
    for number in range(5):
        made(admin.post("/admin/clients", json={"name": f"c{number}"}))
    first = admin.get("/admin/audit?action=client.create&limit=3").json
    second = admin.get(f"/admin/audit?action=client.create&limit=3&before={first['next_before']}").json
    numbers = [entry["number"] for entry in first["entries"] + second["entries"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 6
    assert admin.get("/admin/audit?limit=0").status_code == 400
    assert admin.get("/admin/audit?before=x").status_code == 400


def test_the_record_is_searched_by_a_time_in_any_zone(admin):
    admin.post("/admin/clients", json={"name": "dated"})
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    for zone in (UTC, timezone(3 * hour), timezone(-5 * hour)):
        before, after = (quote((now + ahead).astimezone(zone).isoformat()) for ahead in (-hour, hour))
        assert admin.get(f"/admin/audit?action=client.create&since={before}&until={after}").json["entries"]
        assert not admin.get(f"/admin/audit?action=client.create&since={after}").json["entries"]
        assert not admin.get(f"/admin/audit?action=client.create&until={before}").json["entries"]


@pytest.mark.parametrize("text", ["abc", "nan", "1795873762", "2026-13-01", ""])
def test_what_is_no_time_is_refused(admin, text):
    for name in ("since", "until"):
        answer = admin.get(f"/admin/audit?{name}={text}")
        assert answer.status_code == 400
        assert answer.json["errors"][0]["location"] == name


def test_a_key_of_a_revoked_client_is_not_rotated(admin):
    client = admin.post("/admin/clients", json={"name": "gone"}).json["client_id"]
    key = admin.post("/admin/keys", json={"client_id": client}).json["key_id"]
    admin.delete(f"/admin/clients/{client}")
    assert admin.post(f"/admin/keys/{key}/rotate").status_code == 404


def test_the_one_who_reads_the_record_need_not_manage_access(access, web, admin):
    wanted = {"client_id": admin.id, "permissions": ["audit:read"]}
    headers = {"X-API-Key": made(admin.post("/admin/keys", json=wanted))["api_key"]}
    assert web.get("/admin/audit", headers=headers).status_code == 200
    assert web.get("/admin/clients", headers=headers).status_code == 403


def test_a_change_that_cannot_be_recorded_is_not_made(admin, access):
    with access.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit_head")  # nothing can be added to the chain
    assert admin.post("/admin/clients", json={"name": "scorer"}).status_code == 500
    assert "scorer" not in {row["name"] for row in admin.get("/admin/clients").json["clients"]}


def test_the_secrets_of_a_request_appear_in_no_log(admin, web, capfd):
    client = made(admin.post("/admin/clients", json={"name": "scorer"}))
    key = made(admin.post("/admin/keys", json={"client_id": admin.id}))["api_key"]
    web.get("/v1/models", headers={"X-API-Key": key})
    web.get("/v1/models", headers={"Authorization": "Bearer canary-token"})
    web.post("/oauth/token", data={"grant_type": "x"}, auth=(client["client_id"], "canary-password"))
    web.post("/oauth/revoke", data={"token": "canary-token"}, auth=(client["client_id"], client["client_secret"]))
    logged = "".join(capfd.readouterr())
    recorded = str(admin.get("/admin/audit").json)
    for secret in (client["client_secret"], key, admin.token, admin.secret, "canary-token", "canary-password"):
        assert secret not in logged
        assert secret not in recorded
