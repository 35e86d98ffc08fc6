"""The arguments that several commands have. Only it and `extension/loader.py` read the environment."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model_store.errors import BadName
from model_store.gate.gate import Limits
from model_store.names import parse_version
from model_store.replicas.serving import WAIT_SECONDS

GIB = 2**30


def command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], words: str, description: str | None = None
) -> argparse.ArgumentParser:
    """Add a command that calls ``run``, with the arguments that all commands have."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=description or words[0].upper() + words[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    _add_shared(parser)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    env = os.environ
    var = Path(env.get("VAR_DIR") or "var")
    parser.add_argument(
        "--root", type=Path, default=Path(env.get("MODEL_STORE_ROOT") or var / "models"), help="the store"
    )
    parser.add_argument(
        "--key",
        type=Path,
        default=Path(env.get("SEALING_KEY_FILE") or var / "keys" / "sealing.pem"),
        help="private key that seals new versions",
    )
    parser.add_argument(
        "--trusted",
        type=Path,
        default=Path(env.get("TRUSTED_KEYS") or var / "keys" / "trusted"),
        help="folder of public keys that are trusted",
    )
    parser.add_argument("--by", help="who does it, for the history (the current user)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def add_name(parser: argparse.ArgumentParser) -> None:
    """Add the model's name."""
    parser.add_argument("name", metavar="NAME")


def add_name_and_version(parser: argparse.ArgumentParser, optional: str = "") -> None:
    """Add the model's name and a version, of which the version or both may be optional."""
    if optional == "both":
        parser.add_argument("name", nargs="?", metavar="NAME")
    else:
        parser.add_argument("name", metavar="NAME")
    if optional:
        parser.add_argument("version", nargs="?", type=version_number, metavar="VERSION")
    else:
        parser.add_argument("version", type=version_number, metavar="VERSION")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what each process that tries a version may take."""
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
        default=Limits().memory / GIB,
        help="address space of each process in GiB (%(default)g)",
    )


def chosen_limits(options: argparse.Namespace) -> Limits:
    """Return what ``add_limits`` read."""
    return Limits(options.seconds, int(options.memory * GIB), options.row_seconds)


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add whether to wait until the stable version is served, for how long, and where replicas leave word."""
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="end when every worker of every replica answers with what is stable then",
    )
    parser.add_argument(
        "--wait-seconds", type=float, metavar="SECONDS", default=WAIT_SECONDS, help="at most so long (%(default)g)"
    )
    parser.add_argument(
        "--presence",
        metavar="FOLDER",
        default=os.environ.get("PRESENCE") or None,
        help="where replicas leave word of what they serve (presence next to the store)",
    )


def version_number(text: str) -> int:
    """Return the version number in an argument. Raises ArgumentTypeError."""
    try:
        return parse_version(text)
    except BadName as error:
        raise argparse.ArgumentTypeError(str(error)) from error
