"""``keygen``: the key that seals."""

import argparse
from typing import Any

from model_store.command_line.arguments import command
from model_store.command_line.output import show
from model_store.seal import SealingKey


def add_keygen(commands: Any) -> None:
    """Add the command."""
    command(commands, "keygen", _keygen, "make a sealing key (kept if there is one) and trust it")


def _keygen(options: argparse.Namespace) -> int:
    key = SealingKey.load(options.key) if options.key.exists() else SealingKey.create(options.key)
    public = key.trust_in(options.trusted)
    report = {"key": key.id, "sealing_key": str(options.key), "trusted_key": str(public)}
    return show(options, report, [f"key {key.id}: seals with {options.key}, trusted by {public}"])
