"""``publish`` and ``retire``: versions come and go."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_store.capture.goal import METRICS, Goal
from model_store.capture.options import WARNING
from model_store.command_line.arguments import add_limits, add_name_and_version, add_wait, chosen_limits, command
from model_store.command_line.output import show, show_progress, size
from model_store.command_line.reports import version_report
from model_store.command_line.waiting import wait_until_served
from model_store.errors import BadPayloadLog, StoreError
from model_store.joining.record import AUTO, CHOICES
from model_store.lifecycle.retire import retire
from model_store.names import ModelName
from model_store.payload_log import PayloadLog
from model_store.publish import dry_run, publish
from model_store.stores.locations import store_at

_PUBLISH = """\
Check, seal and store FILE as the next version of model NAME.

Publishing a file is your own act of trust: a .joblib or .pkl file can run any code when it is loaded. It is loaded in a
throw-away process only, with limits on time and memory and none of your environment, and never by this command itself.
Publish only files that you or your training made.
"""


def add_publish(commands: Any) -> None:
    """Add the command."""
    _add_arguments(command(commands, "publish", _publish, "add a model file as the next version", _PUBLISH))


def add_retire(commands: Any) -> None:
    """Add the command."""
    add_name_and_version(command(commands, "retire", _retire, "remove a version that no channel or label names"))


def _publish(options: argparse.Namespace) -> int:
    if options.dry_run:
        return _dry_run(options)
    version = publish(
        options.root,
        options.name,
        options.file,
        options.sample,
        sealing_key=options.key,
        metrics=_metrics(options.metrics),
        promote=options.promote,
        by=options.by,
        **_choices(options),
        progress=show_progress,
    )
    report = version_report(store_at(options.root), options.name, version)
    served = wait_until_served(options, version) if options.promote else None
    lines = [*_published(options, version, report), *([served.words] if served else [])]
    return show(options, {**report, **(served.report if served else {})}, lines)


def _dry_run(options: argparse.Namespace) -> int:
    ModelName(options.name)
    _metrics(options.metrics)
    contract = dry_run(options.file, options.sample, **_choices(options), progress=_show_step)
    report = contract.to_json()
    return show(options, report, [f"would publish {options.name}: {_measured(report)}", "", *contract.lines()])


def _show_step(step: str) -> None:
    """Show progress without the warnings, which the contract has."""
    if not step.startswith(WARNING):
        show_progress(step)


def _choices(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "force": options.force,
        "unknown_categories": options.unknown_categories,
        "artifact_format": options.format,
        "schema": options.schema,
        "payload_log": _payload_log(options),
        "optimise": _goal(options),
        "batching": options.batching,
        "limits": chosen_limits(options),
    }


def _published(options: argparse.Namespace, version: int, report: Mapping[str, Any]) -> list[str]:
    if options.promote:
        serving = f"{options.name} {version} is now stable"
    else:
        serving = f"not serving yet; to serve it: python -m model_store promote {options.name} {version}"
    return [f"published {options.name} {version}: {_measured(report)}", serving]


def _measured(report: Mapping[str, Any]) -> str:
    where = f"{report['estimator']} as {report['artifact_format']}, {size(report['bytes'])}"
    speed = f"loads in {report['load_seconds']:.2g} s, answers one row in {report['predict_seconds'] * 1000:.2g} ms"
    return f"{where}, {speed}"


def _retire(options: argparse.Namespace) -> int:
    retire(store_at(options.root), options.name, options.version)
    report = {"model": options.name, "retired": options.version}
    return show(options, report, [f"{options.name} {options.version} is gone"])


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


def _goal(options: argparse.Namespace) -> Goal | None:
    given = (options.optimise, options.holdout, options.target)
    if given == (None, None, None) and not options.metric:
        return None
    if None in given:
        raise StoreError("--optimise BUDGET, --holdout ROWS and --target COLUMN belong together: one is missing")
    return Goal(str(options.holdout), options.target, options.optimise, options.metric).checked()


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="1 to 128 letters, digits, '.', '_' or '-'")
    parser.add_argument("file", metavar="FILE", type=Path, help="a fitted estimator: .joblib, .pkl or .skops")
    parser.add_argument(
        "--sample",
        required=True,
        type=Path,
        metavar="ROWS",
        help="rows as the estimator takes them, some hundred: .csv, .parquet, .npy or .json",
    )
    parser.add_argument(
        "--schema",
        type=Path,
        metavar="FILE",
        help="what you declare of columns and outputs, as JSON, or a signature of MLflow; it beats what ROWS show",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="do everything but seal and store, and show what the version would take and answer",
    )
    parser.add_argument("--metrics", metavar="JSON", help="metrics to keep: a JSON object, or a .json file")
    parser.add_argument(
        "--promote",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="make the new version stable at once, so that replicas load it",
    )
    add_wait(parser)
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
    parser.add_argument(
        "--optimise",
        type=float,
        metavar="BUDGET",
        help="try smaller forms (fewer trees, pruned, shorter leaves) and publish the smallest whose metric is worse "
        "by at most this, with 95 %% confidence",
    )
    parser.add_argument(
        "--holdout", type=Path, metavar="ROWS", help="labelled rows for --optimise, which the model was not fitted on"
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column of --holdout that has the right answers")
    parser.add_argument(
        "--metric", choices=METRICS, default="", help="what may get worse (accuracy of classifiers, r2 of all else)"
    )
    parser.add_argument(
        "--batching",
        choices=CHOICES,
        default=AUTO,
        help="whether requests that wait are answered by one prediction: only where it changes no bit (auto), always, "
        "or never",
    )
    add_limits(parser)
