"""Exporters next to Prometheus, where on PATH: one asks for predictions from outside, one tells of the machine."""

import os
import shutil
from pathlib import Path

from deploy.local.processes import Child
from deploy.local.settings import ROOT, LocalSettings

_PROBE = ("prometheus-blackbox-exporter", "blackbox_exporter")
_HOST = ("prometheus-node-exporter", "node_exporter")
_MODULES = ROOT / "monitoring" / "blackbox" / "blackbox.yml"
_KEY_IN_COMPOSE = "/run/probe/key"
_ASKED = "/v1/models/iris:predict"


def ports(settings: LocalSettings) -> dict[str, int]:
    """Give the ports of the exporters that run, by the names of their variables; none without Prometheus."""
    wanted = {"PROBE_PORT": (settings.probe_port, _PROBE), "HOST_METRICS_PORT": (settings.host_metrics_port, _HOST)}
    runs = settings.prometheus_port and shutil.which("prometheus")
    return {name: port for name, (port, names) in wanted.items() if runs and port and _found(names)}


def key_file(settings: LocalSettings) -> Path:
    """Give the file with the API key of the exporter that asks for predictions."""
    return settings.var / "secrets" / "probe.key"


def children(settings: LocalSettings, folder: Path) -> list[Child]:
    """Give what to run; its configuration is written into ``folder``."""
    wanted = ports(settings)
    made = []
    if "PROBE_PORT" in wanted:
        made.append(
            _child(settings, "probe", _PROBE, wanted["PROBE_PORT"], [f"--config.file={_configure(settings, folder)}"])
        )
    if "HOST_METRICS_PORT" in wanted:
        made.append(_child(settings, "host-metrics", _HOST, wanted["HOST_METRICS_PORT"], []))
    return made


def targets(settings: LocalSettings) -> dict[str, list[dict[str, object]]]:
    """Give what Prometheus asks of them, by component."""
    wanted = ports(settings)
    asked = settings.url + settings.root_path + _ASKED
    probe: dict[str, object] = {
        "targets": [asked],
        "labels": {"exporter": f"127.0.0.1:{wanted.get('PROBE_PORT')}"},
    }
    host: dict[str, object] = {"targets": [f"127.0.0.1:{wanted.get('HOST_METRICS_PORT')}"]}
    return {
        "probe": [probe] if "PROBE_PORT" in wanted else [],
        "host": [host] if "HOST_METRICS_PORT" in wanted else [],
    }


def _configure(settings: LocalSettings, folder: Path) -> Path:
    path = folder / "blackbox.yml"
    path.write_text(_MODULES.read_text("utf-8").replace(_KEY_IN_COMPOSE, str(key_file(settings))), "utf-8")
    return path


def _child(settings: LocalSettings, name: str, names: tuple[str, ...], port: int, options: list[str]) -> Child:
    command = [_found(names) or names[0], f"--web.listen-address=127.0.0.1:{port}", *options]
    return Child(name, command, dict(os.environ), settings.var / "log" / f"{name}.log")


def _found(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)
