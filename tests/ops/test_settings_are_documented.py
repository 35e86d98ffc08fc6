"""Every variable that the code, the local stack or Compose reads is explained, and nothing else is."""

import ast
import re
from pathlib import Path

import pytest

from deploy import settings_reference
from deploy.local.settings import LocalSettings

ROOT = Path(__file__).resolve().parents[2]
READERS = (
    "service/settings/replica.py",
    "deploy/settings.py",
    "deploy/local/settings.py",
    "deploy/compose/settings.py",
    "model_store/command_line/arguments.py",
)
VARIABLE = re.compile("[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|PORT|REPLICAS|REPLICA|WORKERS|BIND|ISSUER|AUDIENCE|TRACING")
NOT_OURS = {"DEBUG", "INFO", "WARNING", "ERROR"}
SET_INSIDE = {
    "LISTEN",
    "TLS_LISTEN",
    "NGINX_SCHEME",
    "RESOLVER",
    "REPLICA_SERVERS",
    "BULK_SERVERS",
    "TOKEN_SERVERS",
    "WORKERS_ASKED",
    "PREDICT_WAIT",
    "NGINX_PROCESSES",
    "HTTP2_BEFORE_1_25_1",
    "NGINX_SINCE_1_25_1",
    "NGINX_SINCE_1_27_4",
    "NGINX_SINCE_1_29_7",
    "NGINX_SINCE_1_29_8",
}
"""Variables of Nginx's templates that the stack works out for itself."""


def constants(path):
    """The strings in a file that are written like a variable, docstrings aside."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if VARIABLE.fullmatch(text)} - NOT_OURS


def read_by_code():
    names = set().union(*map(constants, READERS))
    names |= {"DATABASE_URL_FILE"}  # spelled DATABASE_URL plus _FILE
    return names - {"PYTHONPATH"}


def read_by_compose():
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def documented():
    return dict(
        re.findall(r"^\| `([A-Z_0-9]+)` \| (.*?) \|", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    )


def exemplified():
    return dict(re.findall(r"^#([A-Z][A-Z_0-9]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_files_are_as_the_program_writes_them():
    assert settings_reference.EXAMPLE.read_text() == settings_reference.example()
    assert settings_reference.PAGE.read_text() == settings_reference.page()


def test_the_reference_names_exactly_the_variables_that_are_read():
    assert documented().keys() == read_by_code() | read_by_compose()


def test_the_example_names_exactly_the_variables_of_the_reference():
    assert list(exemplified()) == list(documented())


def test_both_name_the_same_defaults():
    shown = {name: value.strip("`") for name, value in documented().items()}
    given = {name: value for name, value in exemplified().items() if value}
    assert given == {name: shown[name] for name in given}


def plain(default):
    """A documented default as it stands in the environment; of one that follows another, what it is without any."""
    return default.rpartition("`: ")[2].strip("`")


def test_the_local_stacks_defaults_are_the_documented_ones():
    defaults = dict(LocalSettings({}).texts)
    assert len(defaults) > 15
    shown = {name: plain(value).replace("none", "") for name, value in documented().items()}
    assert defaults == {name: shown[name] for name in defaults}


def test_composes_defaults_are_the_documented_ones():
    given = re.findall(r"\$\{([A-Z_]+):-([^${}]+)\}", (ROOT / "docker-compose.yml").read_text())
    shown = {name: plain(value) for name, value in documented().items()}
    assert len(given) > 20
    own = {"MILLRACE_VERSION", "OIDC_ISSUERS"}  # this release's tag, and a file that is always there
    told = {(name, value) for name, value in given if name not in own}
    assert told == {(name, shown[name]) for name, _ in told}


@pytest.mark.parametrize("template", sorted((ROOT / "nginx/templates").glob("*.template")), ids=lambda path: path.name)
def test_the_templates_use_only_known_variables(template):
    used = set(re.findall(r"\$\{([A-Z_0-9]+)\}", template.read_text()))
    assert used <= documented().keys() | SET_INSIDE
