"""What a replica runs with: its defaults, what follows from others, and the line that it logs."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from service import logs, settings


def test_every_default_is_within_its_own_bounds():
    assert settings.read({}).max_rows == 100_000


def test_the_issuer_follows_from_the_port():
    assert settings.read({"PORT": "81"}).issuer == "http://localhost:81"
    assert settings.read({"PORT": "81", "ISSUER": "https://here/"}).issuer == "https://here"


def test_the_sealing_key_is_beside_the_store():
    assert settings.read({"MODEL_STORE_ROOT": "/a/models"}).sealing_key == Path("/a/keys/sealing.pem")


def test_every_variable_has_words_that_end_as_a_sentence():
    assert [one.name for one in settings.Settings.declarations() if not one.words.endswith((".", "…"))] == []


class Lines(logs.Sink):
    """A sink that keeps what is written."""

    def __init__(self):
        self.kept = []

    def write(self, line):
        self.kept.append(line)


@pytest.fixture
def told():
    lines = Lines()
    handler = logs.EcsHandler(lines, replica="r1")
    logger = logging.getLogger("service.settings")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield lines.kept
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_the_settings_in_force_are_logged_in_one_line_without_secrets(told):
    settings.log_in_force(
        settings.read({"MAX_ROWS": "9", "DATABASE_URL": "postgresql+psycopg://millrace:hunter2@db/millrace"})
    )
    (line,) = told
    fields = json.loads(line)
    assert fields["log.level"] == "info"
    assert fields["labels.MAX_ROWS"] == "9"
    assert fields["labels.DATABASE_URL"] == "postgresql+psycopg://millrace:***@db/millrace"
    assert b"hunter2" not in line
    assert {one.name for one in settings.Settings.declarations()} == {
        name.removeprefix("labels.") for name in fields if name.startswith("labels.")
    }


def test_tracing_without_its_packages_stops_the_start_and_names_them(tmp_path):
    """A finder in front of all others hides the packages, as if they had not been installed."""
    program = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
from service import settings
try:
    settings.read({"TRACING": "ON"})
except settings.BadSetting as error:
    print(error)
print(settings.read({"TRACING": "OFF"}).tracing)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    said, off = done.stdout.splitlines()
    assert "opentelemetry.sdk and opentelemetry.exporter.otlp.proto.http cannot be imported" in said
    assert off == "False"


def test_tracing_with_its_packages_is_taken():
    assert settings.read({"TRACING": "ON"}).tracing


def test_var_dir_moves_every_place_that_is_not_given():
    moved = settings.read({"VAR_DIR": "/a/b", "JWT_KEYS": "/keys"})
    assert moved.model_store_root == Path("/a/b/models")
    assert moved.trusted_keys == Path("/a/b/keys/trusted")
    assert moved.sealing_key == Path("/a/b/keys/sealing.pem")
    assert moved.presence == Path("/a/b/presence")
    assert moved.database_url == "sqlite:////a/b/state/millrace.db"
    assert moved.audit_key == Path("/a/b/secrets/audit.key")
    assert moved.jwt_keys == Path("/keys")
