"""Next to the stack: Nginx's requests counted from its log, Prometheus and its exporters if they are on PATH."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import exporters
from deploy.local.processes import Child
from deploy.local.settings import ROOT, LocalSettings

_RULES = ROOT / "monitoring" / "prometheus"
_RUNBOOKS = ROOT / "docs" / "runbooks"
_RETENTION = "15d"


def children(settings: LocalSettings, replicas: Mapping[str, str], nginx_log: Path) -> list[Child]:
    """Give what to run; ``replicas`` are the `address:port` at which Prometheus reads them, by their names."""
    made: list[Child] = []
    wanted = dict(ports(settings))
    if "NGINX_METRICS_PORT" in wanted:
        made.append(_counting(settings, nginx_log))
    if "PROMETHEUS_PORT" in wanted:
        folder = _configure(settings, replicas)
        made += [_prometheus(settings, folder), *exporters.children(settings, folder)]
    return made


def ports(settings: LocalSettings) -> list[tuple[str, int]]:
    """Give the ports that this needs, by the names of their variables."""
    named = {"NGINX_METRICS_PORT": settings.nginx_metrics_port}
    if shutil.which("prometheus"):
        named["PROMETHEUS_PORT"] = settings.prometheus_port
    return [(name, port) for name, port in (named | exporters.ports(settings)).items() if port]


def _counting(settings: LocalSettings, nginx_log: Path) -> Child:
    metrics = _address(settings.nginx_metrics_port)
    command = [sys.executable, "-m", "monitoring.nginx_metrics", "--follow", str(nginx_log), "--metrics", metrics]
    return Child("nginx-metrics", command, dict(os.environ), settings.var / "log" / "nginx-metrics.log")


def _prometheus(settings: LocalSettings, folder: Path) -> Child:
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={settings.var / 'prometheus'}",
        f"--storage.tsdb.retention.time={_RETENTION}",
        f"--web.listen-address={_address(settings.prometheus_port)}",
    ]
    return Child("prometheus", command, dict(os.environ), settings.var / "log" / "prometheus.log")


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def _configure(settings: LocalSettings, replicas: Mapping[str, str]) -> Path:
    """Put configuration, rules and targets together in a folder of the run; a replica's `instance` is its name."""
    folder = settings.var / "run" / "prometheus"
    shutil.copytree(_RULES / "rules", folder / "rules", dirs_exist_ok=True)
    (folder / "prometheus.yml").write_text(_configuration(settings), "utf-8")
    (folder / "targets").mkdir(exist_ok=True)
    named: list[dict[str, object]] = [
        {"targets": [address], "labels": {"instance": name}} for name, address in replicas.items()
    ]
    nginx = [_address(settings.nginx_metrics_port)] if settings.nginx_metrics_port else []
    read: dict[str, list[dict[str, object]]] = {"replica": named, "nginx": [{"targets": nginx}]}
    for component, groups in (read | exporters.targets(settings)).items():
        (folder / "targets" / f"{component}.json").write_text(json.dumps(groups), "utf-8")
    return folder


def _configuration(settings: LocalSettings) -> str:
    """Fill in where runbooks are; Prometheus does so itself only since version 3."""
    told = (_RULES / "prometheus.local.yml").read_text("utf-8")
    return told.replace("${RUNBOOKS_URL}", settings.runbooks_url or _RUNBOOKS.as_uri())
