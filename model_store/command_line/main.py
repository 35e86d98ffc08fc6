"""Reads the arguments, runs a command, and ends with its exit code."""

import argparse
import sys
from collections.abc import Sequence

from model_store.command_line import keys, listing, pointing, publishing
from model_store.command_line.output import show_error
from model_store.errors import (
    BadManifest,
    GateRefused,
    LibraryMismatch,
    NotServed,
    SealBroken,
    StoreError,
    UnknownModel,
    UnknownVersion,
)

_EXIT_CODES = """\
exit codes:
  0  done
  1  refused, for the reason on standard error
  2  wrong usage
  3  no such model or version
  4  a seal is broken, absent, or of a key that is not trusted here
  5  the version was tried in its own process and refused, or was made with another scikit-learn
  6  the version is stored and stable, and not every replica came to answer with it

environment:
  VAR_DIR               the folder of a local stack, in which the next three are (var)
  MODEL_STORE_ROOT      the store's folder (models there)
  SEALING_KEY_FILE      the private key that seals new versions (keys/sealing.pem there)
  TRUSTED_KEYS          the folder of public keys whose seals are trusted (keys/trusted there)
  PRESENCE              where replicas leave word of what they serve (presence next to the store)
"""
_CODES = (
    ((UnknownModel, UnknownVersion), 3),
    ((SealBroken, BadManifest), listing.SEAL_BROKEN),
    ((GateRefused, LibraryMismatch), 5),
    ((NotServed,), 6),
    ((StoreError,), 1),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except StoreError as error:
        return _fail(error, options)
    except OSError as error:
        return _fail(StoreError(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")), options)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return code


def _fail(error: StoreError, options: argparse.Namespace) -> int:
    show_error(error, as_json=options.json)
    return next(code for kinds, code in _CODES if isinstance(error, kinds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model_store",
        description="Publish models into the store and move what is served.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    publishing.add_publish(commands)
    listing.add_commands(commands)
    pointing.add_commands(commands)
    publishing.add_retire(commands)
    keys.add_keygen(commands)
    return parser
