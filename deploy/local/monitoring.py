"""Beside the stack: Nginx's requests counted from its log, and Prometheus where it is on PATH."""

import json
import os
import shutil
import sys
from pathlib import Path

from deploy.local.processes import Child
from deploy.local.settings import ROOT, LocalSettings

_RULES = ROOT / "monitoring" / "prometheus"
_RETENTION = "15d"


def children(settings: LocalSettings, replicas: list[str], nginx_log: Path) -> list[Child]:
    """What to run; ``replicas`` are the `address:port` at which Prometheus reads them."""
    wanted = ports(settings)
    made: list[Child] = []
    if "NGINX_METRICS_PORT" in wanted:
        made.append(_counting(settings, nginx_log))
    if "PROMETHEUS_PORT" in wanted:
        made.append(_prometheus(settings, replicas))
    return made


def ports(settings: LocalSettings) -> list[str]:
    """The variables that name ports which this needs."""
    names = ["NGINX_METRICS_PORT", *(["PROMETHEUS_PORT"] if shutil.which("prometheus") else [])]
    return [name for name in names if settings.number(name)]


def _counting(settings: LocalSettings, nginx_log: Path) -> Child:
    metrics = _address(settings, "NGINX_METRICS_PORT")
    command = [sys.executable, "-m", "monitoring.nginx_metrics", "--follow", str(nginx_log), "--metrics", metrics]
    return Child("nginx-metrics", command, dict(os.environ), settings.var / "log" / "nginx-metrics.log")


def _prometheus(settings: LocalSettings, replicas: list[str]) -> Child:
    folder = _configure(settings, replicas)
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={settings.var / 'prometheus'}",
        f"--storage.tsdb.retention.time={_RETENTION}",
        f"--web.listen-address={_address(settings, 'PROMETHEUS_PORT')}",
    ]
    return Child("prometheus", command, dict(os.environ), settings.var / "log" / "prometheus.log")


def _address(settings: LocalSettings, name: str) -> str:
    return f"127.0.0.1:{settings.values[name]}"


def _configure(settings: LocalSettings, replicas: list[str]) -> Path:
    """Put configuration, rules and targets together in a folder of the run."""
    folder = settings.var / "run" / "prometheus"
    shutil.copytree(_RULES / "rules", folder / "rules", dirs_exist_ok=True)
    shutil.copy(_RULES / "prometheus.local.yml", folder / "prometheus.yml")
    (folder / "targets").mkdir(exist_ok=True)
    nginx = [_address(settings, "NGINX_METRICS_PORT")] if settings.number("NGINX_METRICS_PORT") else []
    for name, targets in (("replicas", replicas), ("nginx", nginx)):
        (folder / "targets" / f"{name}.json").write_text(json.dumps([{"targets": targets}]), "utf-8")
    return folder
