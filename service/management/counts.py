"""What a replica tells the others of its predictions: the page /counts of its management port, and where that is."""

import socket
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service.metrics import version_counts

_EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


def told(replica: str, folder: Path) -> Mapping[str, Any]:
    """Return the page's object: the replica's name, and the counts in its folder of metric files by version."""
    counted = version_counts.read(folder)
    return {
        "replica": replica,
        "versions": [{"model": model, "version": version, **asdict(one)} for (model, version), one in counted.items()],
    }


def reachable(bind: str) -> str:
    """Return the ``address:port`` at which others find a management port; empty if that cannot be known.

    A port that is open on every address is found at that of this machine's, or container's, own name.
    """
    host, _, port = bind.rpartition(":")
    if host.strip("[]") not in _EVERYWHERE:
        return bind
    try:
        return f"{socket.gethostbyname(socket.gethostname())}:{port}"
    except OSError:
        return ""
