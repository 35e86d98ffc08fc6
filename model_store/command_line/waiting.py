"""``--wait``: a command that moves ``stable`` ends when every worker of every replica answers with the version."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model_store.command_line.output import show_progress
from model_store.replicas.locations import announced, presence_beside
from model_store.replicas.serving import Standing, wait
from model_store.stores.locations import store_at

_DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Served:
    """What came of waiting: for the report, and in words."""

    report: Mapping[str, Any]
    words: str


def wait_until_served(options: argparse.Namespace, version: int) -> Served | None:
    """Wait until every worker answers with what is stable now; None if that was not asked for. Raises NotServed."""
    if not options.wait:
        return None
    if options.presence == _DATABASE:
        return Served({"served": None}, f"who serves it: GET /admin/models/{options.name}")
    place = Path(options.presence) if options.presence else presence_beside(options.root)
    found = wait(
        store_at(options.root),
        partial(announced, options.root, place),
        options.name,
        version,
        seconds=options.wait_seconds,
        progress=show_progress,
    )
    return Served({"served": {"replicas": found.replicas, "workers": found.workers}}, _words(found, place))


def _words(found: Standing, place: Path) -> str:
    if not found.workers:
        return f"no replica is running (none leaves word in {place}): the version is stored, and served when one starts"
    return f"all {found.workers} workers of {len(found.replicas)} replicas answer with it"
