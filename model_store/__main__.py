"""The store's command line: ``python -m model_store``. The only file of the store that reads the environment."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from model_store import channels, promotion
from model_store.errors import (
    BadManifest,
    BadName,
    BadPayloadLog,
    GateRefused,
    LibraryMismatch,
    SealBroken,
    StoreError,
    UnknownModel,
    UnknownVersion,
)
from model_store.names import parse_version
from model_store.payload_log import PayloadLog
from model_store.publish import Limits, current_user, publish
from model_store.retire import retire
from model_store.seal import SealingKey, TrustedKeys
from model_store.stores.locations import store_at
from model_store.stores.store import Store

_EXIT_CODES = """\
exit codes:
  0  done
  1  refused, for the reason on standard error
  2  wrong usage
  3  no such model or version
  4  a seal is broken, absent, or of a key that is not trusted here
  5  the version was tried in its own process and refused, or was made with another scikit-learn

environment:
  MODEL_STORE_ROOT      the store's folder (var/models)
  SEALING_KEY_FILE      the private key that seals new versions (var/keys/sealing.pem)
  TRUSTED_KEYS          the folder of public keys whose seals are trusted (var/keys/trusted)
"""
_PUBLISH = """\
Check, seal and store FILE as the next version of model NAME.

Publishing a file is your own act of trust: a .joblib or .pkl file can run any code when it is loaded. It is loaded in a
throw-away process only, with limits on time and memory and none of your environment, and never by this command itself.
Publish only files that you or your training made.
"""
_NOT_FOUND, _SEAL_BROKEN, _GATE_REFUSED = 3, 4, 5
_GIB = 2**30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except StoreError as error:
        return _failed(error, as_json=options.json)
    except OSError as error:
        return _failed(
            StoreError(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")), as_json=options.json
        )
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return code


def _publish(options: argparse.Namespace) -> int:
    version = publish(
        options.root,
        options.name,
        options.file,
        options.sample,
        sealing_key=options.key,
        metrics=_metrics(options.metrics),
        promote=options.promote,
        by=options.by,
        force=options.force,
        unknown_categories=options.unknown_categories,
        artifact_format=options.format,
        payload_log=_payload_log(options),
        limits=Limits(options.seconds, int(options.memory * _GIB), options.row_seconds),
        progress=_progress,
    )
    store = store_at(options.root)
    report = _version_report(store, options.name, version)
    where = f"{report['estimator']} as {report['artifact_format']}, {_size(report['bytes'])}"
    speed = f"loads in {report['load_seconds']:.2g} s, answers one row in {report['predict_seconds'] * 1000:.2g} ms"
    lines = [f"published {options.name} {version}: {where}, {speed}"]
    if options.promote:
        lines.append(f"{options.name} {version} is now stable")
    else:
        lines.append(f"not serving yet; to serve it: python -m model_store promote {options.name} {version}")
    return _done(options, report, lines)


def _list(options: argparse.Namespace) -> int:
    store = store_at(options.root)
    if options.name:
        reports = [_listed_version(store, options.name, version) for version in store.versions(options.name)]
        return _done(
            options,
            reports,
            _table(reports, ("version", "named_by", "created", "artifact_format", "estimator", "error")),
        )
    models = [_listed_model(store, name) for name in store.models()]
    lines = (
        _table(models, ("model", "stable", "versions", "labels", "error"))
        if models
        else [f"no models in {options.root}"]
    )
    return _done(options, models, lines)


def _show(options: argparse.Namespace) -> int:
    store = store_at(options.root)
    version = options.version or channels.read(store, options.name).stable or store.versions(options.name)[-1]
    report = _version_report(store, options.name, version)
    manifest = store.manifest(options.name, version).to_json()
    history = _history(store, options.name)
    lines = [f"{key}: {_shown(value)}" for key, value in report.items()]
    lines += [
        "",
        "columns:",
        *_table(manifest["schema"]["columns"], ("name", "dtype", "nullable", "minimum", "maximum")),
    ]
    lines += ["", "outputs:", *_table(manifest["schema"]["outputs"], ("name", "dtype", "shape", "labels"))]
    if history:
        lines += ["", "history:", *_table(history, ("at", "by", "action", "channel", "from_version", "to_version"))]
    return _done(options, {**manifest, "named_by": report["named_by"], "history": history}, lines)


def _verify(options: argparse.Namespace) -> int:
    store, trusted = store_at(options.root), TrustedKeys.load(options.trusted)
    names = [options.name] if options.name else store.models()
    pairs = [(name, v) for name in names for v in ([options.version] if options.version else store.versions(name))]
    results = [_verified(store, trusted, name, version) for name, version in pairs]
    lines = [f"{r['model']} {r['version']}: {'ok' if r['ok'] else r['reason']}" for r in results]
    _done(options, results, lines)
    return 0 if all(result["ok"] for result in results) else _SEAL_BROKEN


def _promote(options: argparse.Namespace) -> int:
    promotion.promote(
        store_at(options.root),
        options.name,
        options.version,
        trusted=TrustedKeys.load(options.trusted),
        by=options.by or current_user(),
        seconds=options.seconds,
        memory=int(options.memory * _GIB),
        row_seconds=options.row_seconds,
        progress=_progress,
    )
    report = {"model": options.name, "stable": options.version}
    return _done(options, report, [f"{options.name} {options.version} is now stable"])


def _rollback(options: argparse.Namespace) -> int:
    trusted = TrustedKeys.load(options.trusted)
    now = promotion.rollback(store_at(options.root), options.name, trusted=trusted, by=options.by or current_user())
    report = {"model": options.name, "stable": now.stable}
    return _done(options, report, [f"{options.name} is back at {now.stable}"])


def _label(options: argparse.Namespace) -> int:
    channels.set_label(
        store_at(options.root), options.name, options.label, options.version, options.by or current_user()
    )
    report = {"model": options.name, "label": options.label, "version": options.version}
    return _done(options, report, [f"{options.name} {options.version} is now labelled {options.label}"])


def _unlabel(options: argparse.Namespace) -> int:
    channels.remove_label(store_at(options.root), options.name, options.label, options.by or current_user())
    report = {"model": options.name, "label": options.label, "version": None}
    return _done(options, report, [f"{options.name} has no label {options.label} any more"])


def _retire(options: argparse.Namespace) -> int:
    retire(store_at(options.root), options.name, options.version)
    report = {"model": options.name, "retired": options.version}
    return _done(options, report, [f"{options.name} {options.version} is gone"])


def _keygen(options: argparse.Namespace) -> int:
    key = SealingKey.load(options.key) if options.key.exists() else SealingKey.create(options.key)
    public = key.trust_in(options.trusted)
    report = {"key": key.id, "sealing_key": str(options.key), "trusted_key": str(public)}
    return _done(options, report, [f"key {key.id}: seals with {options.key}, trusted by {public}"])


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
        return _model_report(store, name)
    except StoreError as error:
        return {"model": name, "versions": store.versions(name), "error": str(error)}


def _listed_version(store: Store, name: str, version: int) -> dict[str, Any]:
    try:
        return _version_report(store, name, version)
    except StoreError as error:
        return {"model": name, "version": version, "error": str(error)}


def _model_report(store: Store, name: str) -> dict[str, Any]:
    now = channels.read(store, name)
    return {
        "model": name,
        "versions": store.versions(name),
        "stable": now.stable,
        "labels": dict(now.labels),
        "unloaded": now.unloaded,
    }


def _version_report(store: Store, name: str, version: int) -> dict[str, Any]:
    manifest, now = store.manifest(name, version), channels.read(store, name)
    named_by = [channel for channel in channels.CHANNELS if now.pointer(channel) == version]
    named_by += [label for label, labelled in now.labels.items() if labelled == version]
    keys = ("model", "version", "created", "created_by", "estimator", "artifact_format", "bytes", "load_seconds")
    report = {key: getattr(manifest, key) for key in (*keys, "predict_seconds", "metrics", "libraries", "options")}
    return {**report, "named_by": named_by}


def _history(store: Store, name: str) -> list[dict[str, Any]]:
    return [
        {field: getattr(move, field) for field in ("at", "by", "action", "channel", "from_version", "to_version")}
        for move in channels.read(store, name).history
    ]


def _metrics(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        document = json.loads(Path(text).read_bytes() if text.endswith(".json") else text)
    except ValueError as error:
        raise StoreError(f"--metrics is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise StoreError('--metrics must be a JSON object, like {"accuracy": 0.97}')
    return document


def _payload_log(options: argparse.Namespace) -> PayloadLog | None:
    if options.log_payload is not None:
        return PayloadLog(options.log_payload, options.redact)
    if options.redact:
        raise BadPayloadLog("--redact says what --log-payload leaves out: there is no --log-payload")
    return None


def _done(options: argparse.Namespace, report: Any, lines: Sequence[str]) -> int:
    text = json.dumps(report, indent=1, ensure_ascii=False) if options.json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return 0


def _failed(error: StoreError, *, as_json: bool) -> int:
    detail = " ".join(str(error).split())
    if as_json:
        sys.stdout.write(json.dumps({"code": error.code, "error": detail}) + "\n")
    sys.stderr.write(f"error: {detail}\n")
    if isinstance(error, (UnknownModel, UnknownVersion)):
        return _NOT_FOUND
    if isinstance(error, (SealBroken, BadManifest)):
        return _SEAL_BROKEN
    return _GATE_REFUSED if isinstance(error, (GateRefused, LibraryMismatch)) else 1


def _progress(step: str) -> None:
    sys.stderr.write(f"… {step}\n")
    sys.stderr.flush()


def _table(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    columns = [column for column in wanted if column != "error" or any("error" in row for row in rows)]
    cells = [list(columns), *([_shown(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _shown(value: Any) -> str:
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        more = ", …" if len(value) > 10 else ""  # noqa: PLR2004 - what fits on a line
        return ", ".join(str(entry) for entry in value[:10]) + more
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 1024:.1f} KiB"


def _version(text: str) -> int:
    try:
        return parse_version(text)
    except BadName as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model_store",
        description="Publish models into the store and move what is served.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _publish_command(_command(commands, "publish", _publish, "add a model file as the next version", _PUBLISH))
    listing = _command(commands, "list", _list, "list the models, or one model's versions")
    listing.add_argument("name", nargs="?", metavar="NAME")
    show = _command(commands, "show", _show, "show a version (the stable one, else the newest) and the model's history")
    _name_and_version(show, optional="version")
    verify = _command(commands, "verify", _verify, "check seals and files of versions; loads none of them")
    _name_and_version(verify, optional="both")
    promote = _command(commands, "promote", _promote, "check a version, try it in its own process, make it stable")
    _name_and_version(promote)
    _limits(promote)
    back = _command(commands, "rollback", _rollback, "make the version before stable again")
    back.add_argument("name", metavar="NAME")
    label = _command(commands, "label", _label, "let a label of your own name a version")
    label.add_argument("name", metavar="NAME")
    label.add_argument("label", metavar="LABEL")
    label.add_argument("version", type=_version, metavar="VERSION")
    unlabel = _command(commands, "unlabel", _unlabel, "forget a label")
    unlabel.add_argument("name", metavar="NAME")
    unlabel.add_argument("label", metavar="LABEL")
    gone = _command(commands, "retire", _retire, "remove a version that no channel or label names")
    _name_and_version(gone)
    _command(commands, "keygen", _keygen, "make a sealing key (kept if there is one) and trust it")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], words: str, description: str | None = None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=description or words[0].upper() + words[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    env = os.environ
    parser.set_defaults(run=run)
    parser.add_argument(
        "--root", type=Path, default=Path(env.get("MODEL_STORE_ROOT") or "var/models"), help="the store"
    )
    parser.add_argument(
        "--key",
        type=Path,
        default=Path(env.get("SEALING_KEY_FILE") or "var/keys/sealing.pem"),
        help="private key that seals new versions",
    )
    parser.add_argument(
        "--trusted",
        type=Path,
        default=Path(env.get("TRUSTED_KEYS") or "var/keys/trusted"),
        help="folder of public keys that are trusted",
    )
    parser.add_argument("--by", help="who does it, for the history (the current user)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


def _publish_command(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="1 to 128 letters, digits, '.', '_' or '-'")
    parser.add_argument("file", metavar="FILE", type=Path, help="a fitted estimator: .joblib, .pkl or .skops")
    parser.add_argument(
        "--sample",
        required=True,
        type=Path,
        metavar="ROWS",
        help="rows as the estimator takes them, some hundred: .csv, .parquet, .npy or .json",
    )
    parser.add_argument("--metrics", metavar="JSON", help="metrics to keep: a JSON object, or a .json file")
    parser.add_argument("--promote", action="store_true", help="make the new version stable at once")
    parser.add_argument("--force", action="store_true", help="accept an estimator of another scikit-learn version")
    parser.add_argument(
        "--unknown-categories",
        choices=("accept", "refuse"),
        default="accept",
        help="whether requests may hold categories that are not known at publication (accept)",
    )
    parser.add_argument(
        "--format", choices=("auto", "skops", "joblib"), default="auto", help="how to store it (skops where it can)"
    )
    parser.add_argument(
        "--log-payload",
        type=float,
        metavar="SHARE",
        help="log the values of this share of its requests, above 0 and at most 1 (none)",
    )
    parser.add_argument(
        "--redact", nargs="+", default=[], metavar="COLUMN", help="columns that --log-payload never shows"
    )
    _limits(parser)


def _name_and_version(parser: argparse.ArgumentParser, optional: str = "") -> None:
    if optional == "both":
        parser.add_argument("name", nargs="?", metavar="NAME")
    else:
        parser.add_argument("name", metavar="NAME")
    if optional:
        parser.add_argument("version", nargs="?", type=_version, metavar="VERSION")
    else:
        parser.add_argument("version", type=_version, metavar="VERSION")


def _limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--row-seconds",
        type=float,
        default=Limits().row_seconds,
        help="longest that an answer to one row may take (%(default)g)",
    )
    parser.add_argument(
        "--seconds", type=float, default=Limits().seconds, help="time limit of each process (%(default)g)"
    )
    parser.add_argument(
        "--memory",
        type=float,
        default=Limits().memory / _GIB,
        help="address space of each process in GiB (%(default)g)",
    )


if __name__ == "__main__":
    sys.exit(main())
