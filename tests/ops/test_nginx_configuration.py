"""Nginx's files: rendered for one machine and for Compose, tested by Nginx itself, and true to what was measured."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.local import nginx, settings
from deploy.local.certificate import write_pair
from service.gunicorn_worker.addresses import address_of
from tests.ops import nginxes

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = sorted((ROOT / "nginx/snippets").glob("*.conf"))
TEMPLATES = sorted((ROOT / "nginx/templates").glob("*.template"))
PREDICT = "non_idempotent"
LISTS = ("REPLICA_SERVERS", "BULK_SERVERS", "TOKEN_SERVERS", "WORKERS_ASKED")


@pytest.fixture
def binary():
    try:
        return nginx.find()
    except settings.CannotRun as error:
        pytest.skip(f"needs an Nginx: {error}")


@pytest.fixture
def rendered(tmp_path):
    """Renders the configuration as for a version of Nginx; gives its nginx.conf."""

    def render(version, certificate="", **variables):
        given = {"TLS_CERT": certificate, "TLS_KEY": certificate and "key.pem", **variables}
        replicas = [[f"unix:{tmp_path}/{replica}-{slot}.sock" for slot in range(3)] for replica in "ab"]
        values = settings.read(given, file=tmp_path / "no.env")
        return nginx.render(tmp_path / "etc", nginx.variables(values, version, replicas))

    return render


def text(configuration):
    """All of a rendered configuration, without comments."""
    files = [configuration, *configuration.parent.glob("snippets/*"), *configuration.parent.glob("conf.d/*")]
    return re.sub(r"(?m)^\s*#.*$", "", "\n".join(file.read_text() for file in files))


def test_nginx_accepts_the_plain_configuration(binary, rendered, tmp_path):
    nginx.check(nginx.command(binary, tmp_path, rendered(nginx.version(binary))))


def test_nginx_accepts_the_configuration_with_tls(binary, rendered, tmp_path):
    write_pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    configuration = rendered(nginx.version(binary), str(tmp_path / "cert.pem"), TLS_KEY=str(tmp_path / "key.pem"))
    nginx.check(nginx.command(binary, tmp_path, configuration))


def test_nginx_accepts_the_replicas_of_compose_where_it_can_follow_names(tmp_path):
    binary = nginxes.that_follows_names()
    compose = (ROOT / "docker-compose.yml").read_text()
    given = dict(re.findall(r'^      ([A-Z][A-Z_0-9]+): "?(.*?)"?$', compose, re.MULTILINE))
    values = {name: re.sub(r"\$\{\w+:(?:-([^}]*)|\+[^}]*)\}", r"\1", value) for name, value in given.items()}
    made = made_by_the_entry_point(WORKERS="2", REPLICA_CONNECTIONS="64", PREDICT_TIMEOUT=values["PREDICT_TIMEOUT"])
    values |= {"TLS_CERT": "", "TLS_KEY": "", **made}
    nginx.check(nginx.command(binary, tmp_path, nginx.render(tmp_path / "etc", values)))


def test_a_broken_configuration_is_refused_with_nginxs_own_words(binary, rendered, tmp_path):
    configuration = rendered(nginx.version(binary))
    configuration.write_text("http { nonsense on; }")
    with pytest.raises(settings.CannotRun, match="nonsense"):
        nginx.check(nginx.command(binary, tmp_path, configuration))


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ((1, 22, 1), set()),
        ((1, 28, 0), {"keepalive_min_timeout"}),
        ((1, 30, 4), {"keepalive_min_timeout", "max_headers"}),
    ],
)
def test_lines_of_newer_versions_are_left_out_before(rendered, version, known):
    used = {name for name in ("keepalive_min_timeout", "max_headers") if name in text(rendered(version))}
    assert used == known


def test_every_variable_is_filled_in(rendered):
    left = re.findall(r"\$\{[A-Z_0-9]+\}", text(rendered((1, 30, 4))))
    assert left == []


@pytest.mark.parametrize("size", ["8192", "32768"])
def test_header_fields_may_be_as_long_as_the_setting_says(rendered, size):
    given = {} if size == "8192" else {"MAX_HEADER_BYTES": size}
    assert f"large_client_header_buffers 4 {size};" in text(rendered((1, 30, 4), **given))


def test_replaying_is_said_once():
    assert sum(PREDICT in snippet.read_text().replace("# ", "") for snippet in SNIPPETS) == 1


def test_no_shed_answer_counts_as_a_failed_replica():
    lines = [
        line for file in SNIPPETS + TEMPLATES for line in file.read_text().splitlines() if not line.startswith("#")
    ]
    tried = [line.split()[1:] for line in lines if line.strip().startswith("proxy_next_upstream ")]
    assert tried
    assert {word.rstrip(";") for words in tried for word in words} == {
        "error",
        "timeout",
        "non_idempotent",
        "http_404",  # which Nginx never counts
    }


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("connections", [1, 7, 64])
def test_compose_lists_workers_by_the_same_rules_as_the_local_stack(workers, connections):
    bind = re.search(r"BIND=(\S+)", (ROOT / "Dockerfile").read_text())[1]
    ports = [address_of(bind, slot).rpartition(":")[2] for slot in range(workers + 1)]
    local = nginx.server_lists([[f"service:{port} resolve" for port in ports]], connections)
    compose = lists_of_compose(WORKERS=str(workers), REPLICA_CONNECTIONS=str(connections))
    assert compose.pop("WORKERS_ASKED") == str(workers + 1)
    assert compose == {name: " ".join(text.split()) for name, text in local.items()}


def lists_of_compose(**variables):
    """The lists of workers among what the entry point makes."""
    made = made_by_the_entry_point(**variables)
    return {name: " ".join(made[name].split()) for name in LISTS}


def made_by_the_entry_point(**variables):
    """What the entry point of Compose's Nginx makes of the number of workers and the limits."""
    script = ROOT / "deploy/compose/nginx/workers.envsh"
    told = subprocess.run(
        ["/bin/sh", "-ec", f'. "{script}"; env'], env=variables, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in told.stdout.splitlines())


@pytest.mark.parametrize("workers", ["", "0", "two"])
def test_the_entry_point_stops_where_the_number_of_workers_is_none(workers):
    with pytest.raises((subprocess.CalledProcessError, KeyError)):
        lists_of_compose(WORKERS=workers, REPLICA_CONNECTIONS="64")


@pytest.mark.parametrize("file", SNIPPETS, ids=lambda path: path.name)
def test_a_snippet_says_what_and_why(file):
    head = file.read_text().partition("\n\n")[0]
    assert head.startswith("# What:")
    assert re.search(r"# (Why|Not)", head)


def test_the_path_that_a_caller_names_is_dropped_unless_a_proxy_is_trusted(rendered):
    bare = text(rendered((1, 31)))
    assert 'map "" $forwarded_prefix' in bare
    assert re.search(r'map "" \$forwarded_prefix \{\s*default\s+\$http_x_forwarded_prefix;\s*""\s+"";', bare)
    assert 'map "10.0.0.0/8" $forwarded_prefix' in text(rendered((1, 31), TRUSTED_PROXIES="10.0.0.0/8"))


def test_the_version_is_read_from_the_program(tmp_path):
    program = tmp_path / "nginx"
    program.write_text('#!/bin/sh\necho "nginx version: nginx/1.22.1 (Debian)" >&2\n')
    program.chmod(0o755)
    assert nginx.version(str(program)) == (1, 22, 1)
