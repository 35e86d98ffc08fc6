"""What a replica runs with: its defaults, what follows from others, and the line that it logs."""

import json
import logging
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
