"""What the service does not start with, and what the command line and the local set-up do."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from service.auth.__main__ import main
from service.auth.local import setup_local
from service.auth.secrets.files import BadSecret
from service.database.migrate import SchemaMismatch

ROOT = Path(__file__).parents[3]
GOOD = b"q7RwZ2mK9pXvT4sJ8nLcB6yHdF3gQ1aE5uWoIiOk"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "secret",
    [
        None,
        b"",
        b"short",
        b"changeme" * 8,
        b"x" * 64,
        b"<put your audit key here, 48 random bytes>",
        b"${AUDIT_KEY}" * 4,
    ],
)
def test_a_missing_short_or_placeholder_audit_key_stops_the_start(make_access, sqlite_url, tmp_path, secret):
    path = tmp_path / "bad.key"
    if secret is not None:
        path.write_bytes(secret)
    with pytest.raises(BadSecret, match="AUDIT_KEY"):
        make_access(sqlite_url, audit_key=path)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"changeme",
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - what is to be refused
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["missing", "empty", "placeholder", "short", "another kind"],
)
def test_a_signing_key_that_is_none_stops_the_start(make_access, sqlite_url, tmp_path, content):
    folder = tmp_path / "keys"
    folder.mkdir()
    if content is not None:
        (folder / "1.pem").write_bytes(content)
    with pytest.raises(BadSecret, match="JWT_KEYS"):
        make_access(sqlite_url, jwt_keys=folder)


def test_a_placeholder_password_of_the_database_stops_the_start(make_access):
    with pytest.raises(BadSecret, match="DATABASE_URL"):
        make_access("postgresql+psycopg://millrace:changeme@localhost/millrace")


def test_the_refusal_never_quotes_the_secret(make_access, sqlite_url, tmp_path):
    (tmp_path / "bad.key").write_bytes(b"hunter2-changeme")
    with pytest.raises(BadSecret) as refusal:
        make_access(sqlite_url, audit_key=tmp_path / "bad.key")
    assert "hunter2" not in str(refusal.value)


def test_a_database_at_no_migration_stops_the_start(make_access, tmp_path):
    with pytest.raises(SchemaMismatch, match="migrate"):
        make_access(f"sqlite:///{tmp_path / 'empty.db'}")


def test_gunicorn_ends_before_it_listens_when_a_secret_is_bad(tmp_path, sqlite_url, secrets_dir):
    (tmp_path / "audit.key").write_bytes(b"changeme" * 8)
    environment = {
        **os.environ,
        "DATABASE_URL": sqlite_url,
        "JWT_KEYS": str(secrets_dir / "jwt"),
        "AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
        "RUN_DIR": str(tmp_path / "run"),
        "MODEL_STORE_ROOT": str(tmp_path / "models"),
        "TRUSTED_KEYS": str(tmp_path),
        "BIND": f"unix:{tmp_path}/replica.sock",
        "MANAGEMENT_BIND": "127.0.0.1:18790",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", "service.wsgi:application"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    assert "audit.key is a placeholder" in ended.stdout + ended.stderr
    assert list(tmp_path.glob("replica*")) == []


def test_the_local_set_up_makes_everything_once(tmp_path):
    local = setup_local(tmp_path)
    made = {path: path.read_bytes() for path in (tmp_path / "secrets").rglob("*") if path.is_file()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert set(json.loads(local.client.read_text())) == {"client_id", "client_secret"}
    assert setup_local(tmp_path) == local
    assert {path: path.read_bytes() for path in made} == made


def test_the_local_set_up_mends_a_lost_client_file(tmp_path):
    local = setup_local(tmp_path)
    before = json.loads(local.client.read_text())
    local.client.unlink()
    setup_local(tmp_path)
    assert json.loads(local.client.read_text())["client_id"] != before["client_id"]


@pytest.fixture
def command(monkeypatch, capsys, database_url, secrets_dir):
    """Runs the command line; gives its exit status and its JSON."""
    for name, value in {
        "DATABASE_URL": database_url,
        "JWT_KEYS": str(secrets_dir / "jwt"),
        "AUDIT_KEY_FILE": str(secrets_dir / "audit.key"),
    }.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        status = main([*arguments, "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else None

    return run


def test_the_command_line_makes_lists_rotates_and_revokes(command, tmp_path, capsys, make_access, database_url):
    _, client = command("create-client", "scorer", "--role", "predictor", "--models", "iris*")
    assert client["client_secret"].startswith("mrs_1_")
    _, key = command("create-key", "scorer", "--permissions", "model:predict", "--days", "30")
    assert key["api_key"].startswith("mr_")
    assert command("rotate", "key", key["key_id"], "--overlap", "1")[0] == 0
    assert command("rotate", "client", "scorer")[1]["client_secret"].startswith("mrs_2_")
    assert command("grant", "scorer", "--role", "viewer", "--models", "wine")[0] == 0
    assert len(command("list", "grants")[1]) == 2
    assert len(command("list", "keys")[1]) == 2
    (tmp_path / "client.json").write_text(json.dumps(client))
    assert main(["token", "--client-file", str(tmp_path / "client.json")]) == 0
    token = capsys.readouterr().out.strip()
    assert (
        make_access(database_url)
        .authenticator.authenticate({"authorization": f"Bearer {token}"})
        .may("model:predict", "iris")
    )
    assert command("revoke", "client", "scorer")[0] == 0
    assert main(["token", "--client-file", str(tmp_path / "client.json")]) == 1
    assert command("verify-audit")[1]["intact"] is True


def test_the_command_line_rotates_the_signing_key(command, secrets_dir):
    assert command("rotate-signing-key")[0] == 0
    assert len(list((secrets_dir / "jwt").glob("*.pem"))) == 2


def test_the_command_line_says_what_is_wrong(command, capsys):
    assert main(["create-key", "nobody"]) == 1
    assert "there is no client 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize("odd", ["nan", "inf", "-1", "1e300", "soon"])
@pytest.mark.parametrize("asked", [("create-key", "scorer", "--days"), ("rotate", "client", "scorer", "--overlap")])
def test_a_span_that_no_calendar_has_is_refused_in_words(command, capsys, asked, odd):
    with pytest.raises(SystemExit):
        command(*asked[:-1], f"{asked[-1]}={odd}")
    assert f"'{odd}': expected a number from 0 to 1,000,000" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "", "[]", "{", '{"client_id": "x"}'])
def test_a_client_file_without_a_client_is_named(command, capsys, tmp_path, text):
    path = tmp_path / "client.json"
    if text is not None:
        path.write_text(text)
    assert main(["token", "--client-file", str(path)]) == 1
    said = capsys.readouterr().err
    assert str(path) in said
    assert "expected JSON with `client_id` and `client_secret`" in said


@pytest.mark.parametrize(
    "url",
    ["millrace.db", "postgresql://u:hidden@h:port/x", "postgresql+nodriver://u:hidden@h/x", "mysql://u:hidden@h/x"],
)
def test_an_address_that_is_no_databases_is_refused_in_words_without_its_password(command, monkeypatch, capsys, url):
    monkeypatch.setenv("DATABASE_URL", url)
    assert main(["list"]) == 1
    said = capsys.readouterr().err
    assert "DATABASE_URL" in said
    assert "expected `sqlite:///path` or `postgresql+psycopg://" in said
    assert "hidden" not in said
