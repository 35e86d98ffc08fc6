"""``list``, ``show`` and ``verify``: what is in the store."""

import argparse
from typing import Any

from model_store import channels
from model_store.command_line.arguments import add_name_and_version, command
from model_store.command_line.output import show, table, written
from model_store.command_line.reports import history, model_report, version_report
from model_store.declaration import smaller_forms
from model_store.errors import StoreError, UnknownModel, UnknownVersion
from model_store.joining import record as joining
from model_store.manifest import BATCHING, ENGINES
from model_store.proof import record
from model_store.seal import TrustedKeys
from model_store.stores.locations import store_at
from model_store.stores.store import Store

SEAL_BROKEN = 4
"""The exit code for versions that cannot be trusted."""


def add_commands(commands: Any) -> None:
    """Add the commands."""
    listing = command(commands, "list", _list, "list the models, or one model's versions")
    listing.add_argument("name", nargs="?", metavar="NAME")
    shown = command(commands, "show", _show, "show a version (the stable one, else the newest) and the model's history")
    add_name_and_version(shown, optional="version")
    verify = command(commands, "verify", _verify, "check seals and files of versions; loads none of them")
    add_name_and_version(verify, optional="both")


def _list(options: argparse.Namespace) -> int:
    store = store_at(options.root)
    if options.name:
        reports = [_listed_version(store, options.name, version) for version in store.versions(options.name)]
        return show(
            options,
            reports,
            table(reports, ("version", "named_by", "created", "artifact_format", "estimator", "error")),
        )
    models = [_listed_model(store, name) for name in store.models()]
    lines = (
        table(models, ("model", "stable", "versions", "labels", "error"))
        if models
        else [f"no models in {options.root}"]
    )
    return show(options, models, lines)


def _show(options: argparse.Namespace) -> int:
    store = store_at(options.root)
    version = options.version or channels.read(store, options.name).stable or store.versions(options.name)[-1]
    report = version_report(store, options.name, version)
    manifest = store.manifest(options.name, version).to_json()
    moves = history(store, options.name)
    plain = {
        **report,
        "options": {key: value for key, value in report["options"].items() if key not in {ENGINES, BATCHING}},
    }
    lines = [f"{key}: {written(value)}" for key, value in plain.items()]
    lines += [
        "",
        "columns:",
        *table(manifest["schema"]["columns"], ("name", "dtype", "zone", "nullable", "minimum", "maximum")),
    ]
    lines += ["", "outputs:", *table(manifest["schema"]["outputs"], ("name", "dtype", "shape", "labels"))]
    forms = smaller_forms.lines(store.manifest(options.name, version))
    lines += ["", *forms] if forms else []
    engines = record.lines(manifest["options"])
    lines += ["", "engines:", *engines] if engines else []
    joined = [*joining.lines(manifest["options"]), *joining.one_by_one_lines(manifest["options"])]
    lines += ["", "requests that wait:", *joined] if joined else []
    if moves:
        lines += ["", "history:", *table(moves, ("at", "by", "action", "channel", "from_version", "to_version"))]
    return show(options, {**manifest, "named_by": report["named_by"], "history": moves}, lines)


def _verify(options: argparse.Namespace) -> int:
    store, trusted = store_at(options.root), TrustedKeys.load(options.trusted)
    names = [options.name] if options.name else store.models()
    pairs = [(name, v) for name in names for v in ([options.version] if options.version else store.versions(name))]
    results = [_verified(store, trusted, name, version) for name, version in pairs]
    lines = [f"{r['model']} {r['version']}: {'ok' if r['ok'] else r['reason']}" for r in results]
    show(options, results, lines)
    return 0 if all(result["ok"] for result in results) else SEAL_BROKEN


def _verified(store: Store, trusted: TrustedKeys, name: str, version: int) -> dict[str, Any]:
    try:
        with store.verified(name, version, trusted):
            return {"model": name, "version": version, "ok": True}
    except (UnknownModel, UnknownVersion):
        raise
    except StoreError as error:
        return {"model": name, "version": version, "ok": False, "code": error.code, "reason": str(error)}


def _listed_model(store: Store, name: str) -> dict[str, Any]:
    try:
        return model_report(store, name)
    except StoreError as error:
        return {"model": name, "versions": store.versions(name), "error": str(error)}


def _listed_version(store: Store, name: str, version: int) -> dict[str, Any]:
    try:
        return version_report(store, name, version)
    except StoreError as error:
        return {"model": name, "version": version, "error": str(error)}
