"""Next to the stack: Nginx's requests counted from its log, and Prometheus if it is on PATH."""

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
    """Give what to run; ``replicas`` are the `address:port` at which Prometheus reads them."""
    made: list[Child] = []
    wanted = dict(ports(settings))
    if "NGINX_METRICS_PORT" in wanted:
        made.append(_counting(settings, nginx_log))
    if "PROMETHEUS_PORT" in wanted:
        made.append(_prometheus(settings, replicas))
    return made


def ports(settings: LocalSettings) -> list[tuple[str, int]]:
    """Give the ports that this needs, by the names of their variables."""
    named = {"NGINX_METRICS_PORT": settings.nginx_metrics_port}
    if shutil.which("prometheus"):
        named["PROMETHEUS_PORT"] = settings.prometheus_port
    return [(name, port) for name, port in named.items() if port]


def _counting(settings: LocalSettings, nginx_log: Path) -> Child:
    metrics = _address(settings.nginx_metrics_port)
    command = [sys.executable, "-m", "monitoring.nginx_metrics", "--follow", str(nginx_log), "--metrics", metrics]
    return Child("nginx-metrics", command, dict(os.environ), settings.var / "log" / "nginx-metrics.log")


def _prometheus(settings: LocalSettings, replicas: list[str]) -> Child:
    folder = _configure(settings, replicas)
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


def _configure(settings: LocalSettings, replicas: list[str]) -> Path:
    """Put configuration, rules and targets together in a folder of the run."""
    folder = settings.var / "run" / "prometheus"
    shutil.copytree(_RULES / "rules", folder / "rules", dirs_exist_ok=True)
    shutil.copy(_RULES / "prometheus.local.yml", folder / "prometheus.yml")
    (folder / "targets").mkdir(exist_ok=True)
    nginx = [_address(settings.nginx_metrics_port)] if settings.nginx_metrics_port else []
    for name, targets in (("replicas", replicas), ("nginx", nginx)):
        (folder / "targets" / f"{name}.json").write_text(json.dumps([{"targets": targets}]), "utf-8")
    return folder
