"""What the Compose file and the Dockerfile promise, read from the files themselves."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()

WRITES_ITS_ROOT = {"elasticsearch", "kibana"}
"""Images whose programs write beside themselves when they start; each says so at its line."""
ADDED_CAPABILITIES = {
    "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
    "filebeat": {"DAC_READ_SEARCH"},
}
NEEDS_NO_CHECK = {
    "node-exporter": "it needs nothing else, and its image has nothing to ask with",
    "blackbox-exporter": "it needs nothing else, and its image has nothing to ask with",
    "filebeat": "it answers nobody",
    "elk-setup": "it ends",
}
OF_THE_IMAGE_OR_THE_FILE = {"VAR_DIR", "BIND", "MANAGEMENT_BIND", "RUN_DIR", "REPLICA", "DATABASE_URL_FILE"}
"""Settings that a container gets from its image, from Docker, or in another way."""
OF_OPENTELEMETRY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name):
    service = SERVICES[name]
    assert service["read_only"] is (name not in WRITES_ITS_ROOT)
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) == ADDED_CAPABILITIES.get(name, set())
    assert "no-new-privileges:true" in service["security_opt"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))
    assert service.get("network_mode") is None
    assert service.get("pid") is None
    assert not service.get("privileged", False)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("name", SERVICES)
def test_files_of_this_machine_are_mounted_read_only(name):
    binds = [volume for volume in SERVICES[name].get("volumes", []) if re.match(r"[./$]", volume)]
    assert all(volume.endswith(":ro") for volume in binds)


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_that_goes_on_tells_whether_it_is_healthy(name):
    checked = "healthcheck" in SERVICES[name] or name == "service"  # the image's own
    assert checked is (name not in NEEDS_NO_CHECK)


def test_what_is_optional_is_in_a_profile():
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert {name for name, of in profiles.items() if not of} == {"nginx", "service", "setup", "postgres"}
    assert {name for name, of in profiles.items() if of == ["monitoring"]} == {
        "nginx-metrics",
        "node-exporter",
        "blackbox-exporter",
        "prometheus",
        "alertmanager",
        "grafana",
    }
    assert {name for name, of in profiles.items() if of == ["elk"]} == {
        "elasticsearch",
        "kibana",
        "elk-setup",
        "filebeat",
    }


def test_every_setting_of_a_replica_can_be_set_from_outside():
    read = {declared.name for declared in Settings.declarations()}
    assert len(read) > 20
    assert read - SERVICES["service"]["environment"].keys() == OF_THE_IMAGE_OR_THE_FILE & read


def test_a_replica_is_passed_only_what_is_declared():
    declared = {declared.name for declared in Settings.declarations()}
    passed = SERVICES["service"]["environment"]
    assert passed.keys() - declared == {"TMPDIR"} | OF_OPENTELEMETRY
    assert {passed[name] for name in OF_OPENTELEMETRY} == {None}, "unset where they are not set"


@pytest.mark.parametrize(
    ("volumes", "secret", "status"),
    [("", "", 0), ("millrace_postgres", "x", 0), ("millrace_postgres", "", 1)],
    ids=["no volumes", "own volumes", "volumes of another checkout"],
)
def test_a_second_checkout_on_one_host_shares_no_volumes(tmp_path, volumes, secret, status):
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1 $2" = "volume ls" ] && printf "%s" "{volumes}"\nexit 0\n')
    docker.chmod(0o755)
    secrets = tmp_path / "var" / "compose" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "postgres_password").write_text(secret)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "VAR_DIR": str(tmp_path / "var")}
    done = subprocess.run(
        [ROOT / "deploy/compose/check-project"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert ("COMPOSE_PROJECT_NAME=millrace-2" in done.stderr) is bool(status)


def test_grafana_is_provisioned_from_files_and_asks_for_a_password():
    grafana = SERVICES["grafana"]
    environment = grafana["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_password"
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"])
    (dashboards,) = [source for source, target in mounts.items() if target == str(home.parent)]
    assert (ROOT / dashboards / home.name).is_file()
    provider = yaml.safe_load((ROOT / "monitoring/grafana/provisioning/dashboards/millrace.yml").read_text())
    assert provider["providers"][0]["options"]["path"] == str(home.parent)


def test_prometheus_finds_in_the_file_what_it_is_told_to_scrape():
    told = yaml.safe_load((ROOT / "monitoring/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in told["scrape_configs"]}
    probe = jobs.pop("probe")
    exporter = probe["relabel_configs"][-2]["replacement"].split(":")[0]
    asked = {urlsplit(target).hostname for target in probe["static_configs"][0]["targets"]}
    assert asked == {"nginx"}
    assert set(SERVICES[exporter]["networks"]) & set(SERVICES["nginx"]["networks"])
    hosts = {exporter} | {
        target.split(":")[0]
        for job in jobs.values()
        for config in job.get("static_configs", [])
        for target in config["targets"]
    }
    names = set(jobs["millrace"]["dns_sd_configs"][0]["names"])
    assert hosts | names <= SERVICES.keys() | {"localhost"}
    assert all("monitoring" in SERVICES[host]["networks"] for host in (hosts | names) - {"localhost"})


def test_only_nginx_publishes_ports_and_grafanas_only_on_loopback():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert all(
        re.match(r"(127\.0\.0\.1|\$\{LISTEN_ADDRESS:-127\.0\.0\.1\}):", port) for port in SERVICES["nginx"]["ports"]
    )


@pytest.mark.parametrize(
    "name", [name for name, service in SERVICES.items() if not service["image"].startswith("millrace:")]
)
def test_every_image_is_pinned_to_an_exact_version(name):
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$", SERVICES[name]["image"])


def test_no_secret_is_written_in_the_file():
    for service in SERVICES.values():
        environment = service.get("environment") or {}
        secret = [key for key in environment if re.search("PASSWORD|SECRET|TOKEN$|_KEY$", key)]
        named = (key for key in secret if not key.endswith("_FILE") and not key.endswith("__FILE"))
        assert all(environment[key].startswith(("/", "${TLS_")) for key in named), secret
    assert all("file" in secret for secret in COMPOSE["secrets"].values())


def test_the_database_and_the_metrics_are_on_networks_without_a_way_out():
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert COMPOSE["networks"]["monitoring"]["internal"] is True
    assert {"data", "monitoring", "logs"}.isdisjoint(SERVICES["nginx"]["networks"])
    assert {name for name, network in COMPOSE["networks"].items() if not network} == {"edge", "front", "alerts"}


def test_a_replica_gets_longer_to_stop_than_it_takes_to_drain():
    assert int(SERVICES["service"]["stop_grace_period"].removesuffix("s")) > 30
    assert int(SERVICES["nginx"]["stop_grace_period"].removesuffix("s")) > 35


def test_the_image_runs_as_an_unprivileged_user_without_build_tools():
    runtime = DOCKERFILE.split(" AS runtime")[1]
    user = re.findall(r"^USER (\d+):(\d+)$", runtime, re.MULTILINE)[-1]
    assert int(user[0]) >= 10001
    assert "apt-get" not in runtime
    assert "HEALTHCHECK" in runtime


def test_every_stage_starts_from_a_pinned_image_or_another_stage():
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    names = {stage for _, stage in stages}
    assert names == {"base", "build", "extension", "test", "runtime"}
    assert all(start in names or re.search(r":\d+\.\d+\.\d+", start) for start, _ in stages)


@pytest.mark.parametrize(
    ("target", "given", "command"),
    [
        ("token", [], "deploy/compose/token"),
        ("predict", ["MODEL=wine", "ROWS=[[1, 2]]"], "deploy/compose/predict 'wine' '[[1, 2]]'"),
        ("publish", ["NAME=a", "MODEL=b", "SAMPLE=c"], "deploy/compose/publish 'a' 'b' 'c'"),
        (
            "publish",
            ["NAME=a", "MODEL=b", "SAMPLE=c", "ARGS=--no-promote --redact 'x y'"],
            "deploy/compose/publish 'a' 'b' 'c' --no-promote --redact 'x y'",
        ),
    ],
)
def test_make_speaks_to_compose_where_told_so_and_needs_no_python_for_it(target, given, command):
    asked = ["make", "--no-print-directory", "--dry-run", target, "STACK=compose", *given]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == command
    assert "venv" not in told.stdout


def test_files_that_options_of_publish_name_are_shown_to_the_container(tmp_path):
    (tmp_path / "docker").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "docker").chmod(0o755)
    for name in ("m.joblib", "rows.csv", "m.json", "schema.json"):
        (tmp_path / name).write_text("")
    ran = subprocess.run(
        [
            ROOT / "deploy/compose/publish",
            "a",
            "m.joblib",
            "rows.csv",
            "--metrics",
            "m.json",
            "--x=schema.json",
            "--force",
        ],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = ran.stdout.splitlines()
    assert " ".join(words[words.index("setup") + 1 :]) == (
        "python -m model_store publish a /in/m.joblib --sample /in/rows.csv --promote "
        "--metrics /in/0/m.json --x=/in/2/schema.json --force"
    )
    shown = [words[i + 1] for i, word in enumerate(words) if word == "--volume"]
    assert shown == [
        f"{tmp_path}/{file}:/in/{inside}{file}:ro"
        for file, inside in (("m.json", "0/"), ("schema.json", "2/"), ("m.joblib", ""), ("rows.csv", ""))
    ]


def test_requirements_are_installed_by_hash():
    installs = re.findall(r"\bpip\b.*\binstall\b.*", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in line for line in installs)
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-local.txt"):
        text = (ROOT / name).read_text()
        pinned = re.findall(r"^[a-zA-Z0-9._-]+(?:\[[^\]]+\])?==\S+.*(?:\n    --hash=.*)*", text, re.MULTILINE)
        assert pinned
        assert all("--hash=sha256:" in block for block in pinned)
