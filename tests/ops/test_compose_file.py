"""What the Compose file and the Dockerfile promise, read from the files themselves."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))
    assert service.get("network_mode") != "host"
    assert not service.get("privileged", False)


def test_only_nginx_publishes_ports_and_grafanas_only_on_loopback():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert all(
        re.match(r"(127\.0\.0\.1|\$\{LISTEN_ADDRESS:-127\.0\.0\.1\}):", port) for port in SERVICES["nginx"]["ports"]
    )


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" not in service])
def test_every_image_is_pinned_to_an_exact_version(name):
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$", SERVICES[name]["image"])


def test_no_secret_is_written_in_the_file():
    for service in SERVICES.values():
        environment = service.get("environment") or {}
        secret = [key for key in environment if re.search("PASSWORD|SECRET|TOKEN$|_KEY$", key)]
        assert all(key.endswith("_FILE") or environment[key].startswith("/") for key in secret), secret
    assert all("file" in secret for secret in COMPOSE["secrets"].values())


def test_the_database_and_the_metrics_are_on_networks_without_a_way_out():
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert COMPOSE["networks"]["monitoring"]["internal"] is True
    assert "data" not in SERVICES["nginx"]["networks"]


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
    assert names == {"base", "build", "test", "runtime"}
    assert all(start in names or re.search(r":\d+\.\d+\.\d+", start) for start, _ in stages)


def test_requirements_are_installed_by_hash():
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("pip install")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-local.txt"):
        text = (ROOT / name).read_text()
        pinned = re.findall(r"^[a-zA-Z0-9._-]+(?:\[[^\]]+\])?==\S+.*(?:\n    --hash=.*)*", text, re.MULTILINE)
        assert pinned
        assert all("--hash=sha256:" in block for block in pinned)
