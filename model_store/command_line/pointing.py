"""``promote``, ``rollback``, ``demote``, ``label``, ``quarantine`` and more: which version is meant by what."""

import argparse
from typing import Any

from model_store import channels
from model_store.command_line.arguments import (
    add_limits,
    add_name,
    add_name_and_version,
    add_wait,
    chosen_limits,
    command,
    version_number,
)
from model_store.command_line.output import show, show_progress, written
from model_store.command_line.waiting import wait_until_served
from model_store.gate.process_gate import ProcessGate
from model_store.lifecycle import promotion, quarantine
from model_store.publish import current_user
from model_store.seal import TrustedKeys
from model_store.stores.locations import store_at


def add_commands(commands: Any) -> None:
    """Add the commands."""
    promote = command(commands, "promote", _promote, "check a version, try it in its own process, make it stable")
    add_name_and_version(promote)
    add_limits(promote)
    add_wait(promote)
    rollback = command(commands, "rollback", _rollback, "make the version before stable again")
    add_name(rollback)
    add_wait(rollback)
    add_name(command(commands, "demote", _demote, "have no stable version any more; labelled ones go on"))
    label = command(commands, "label", _label, "let a label of your own name a version")
    add_name(label)
    label.add_argument("label", metavar="LABEL")
    label.add_argument("version", type=version_number, metavar="VERSION")
    unlabel = command(commands, "unlabel", _unlabel, "forget a label")
    add_name(unlabel)
    unlabel.add_argument("label", metavar="LABEL")
    quarantined = command(commands, "quarantine", _quarantine, "take a version that does harm out of service")
    add_name_and_version(quarantined)
    quarantined.add_argument("--reason", default="by hand", help="why, for those who find it there (%(default)s)")
    add_name_and_version(command(commands, "release", _release, "let a version out of quarantine"))


def _promote(options: argparse.Namespace) -> int:
    promotion.promote(
        store_at(options.root),
        options.name,
        options.version,
        trusted=TrustedKeys.load(options.trusted),
        by=options.by or current_user(),
        gate=ProcessGate(chosen_limits(options)),
        progress=show_progress,
    )
    return _moved(options, options.version, f"{options.name} {options.version} is now stable")


def _rollback(options: argparse.Namespace) -> int:
    trusted = TrustedKeys.load(options.trusted)
    now = promotion.rollback(store_at(options.root), options.name, trusted=trusted, by=options.by or current_user())
    return _moved(options, now.stable, f"{options.name} is back at {now.stable}")


def _moved(options: argparse.Namespace, stable: int | None, words: str) -> int:
    """Show what is stable now, once it is served if that is to be waited for."""
    served = None if stable is None else wait_until_served(options, stable)
    report = {"model": options.name, "stable": stable, **(served.report if served else {})}
    return show(options, report, [words, *([served.words] if served else [])])


def _demote(options: argparse.Namespace) -> int:
    now = channels.demote(store_at(options.root), options.name, options.by or current_user())
    report = {"model": options.name, "stable": None, "labels": dict(now.labels)}
    return show(options, report, [f"{options.name} has no stable version; its labels: {written(report['labels'])}"])


def _label(options: argparse.Namespace) -> int:
    channels.set_label(
        store_at(options.root), options.name, options.label, options.version, options.by or current_user()
    )
    report = {"model": options.name, "label": options.label, "version": options.version}
    return show(options, report, [f"{options.name} {options.version} is now labelled {options.label}"])


def _quarantine(options: argparse.Namespace) -> int:
    by = options.by or current_user()
    store = store_at(options.root)
    now = quarantine.quarantine(store, options.name, options.version, by=by, reason=options.reason)
    instead = now.serving(options.version)
    words = f"{options.name} {options.version} is in quarantine; {quarantine.consequence(options.version, instead)}"
    return show(options, {"model": options.name, "quarantined": options.version, "instead": instead}, [words])


def _release(options: argparse.Namespace) -> int:
    channels.release(store_at(options.root), options.name, options.version, options.by or current_user())
    report = {"model": options.name, "released": options.version}
    return show(options, report, [f"{options.name} {options.version} is out of quarantine"])


def _unlabel(options: argparse.Namespace) -> int:
    channels.remove_label(store_at(options.root), options.name, options.label, options.by or current_user())
    report = {"model": options.name, "label": options.label, "version": None}
    return show(options, report, [f"{options.name} has no label {options.label} any more"])
