"""How results, progress and errors are written: for people, or in JSON."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from model_store.capture.options import WARNING
from model_store.errors import StoreError


def show(options: argparse.Namespace, report: Any, lines: Sequence[str]) -> int:
    """Write a result, in JSON if asked for, else as lines, and return the exit code 0."""
    text = json.dumps(report, indent=1, ensure_ascii=False) if options.json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return 0


def show_error(error: StoreError, *, as_json: bool) -> None:
    """Write why a command was refused, on one line of standard error, and as JSON on standard output if asked for."""
    detail = " ".join(str(error).split())
    if as_json:
        sys.stdout.write(json.dumps({"code": error.code, "error": detail}) + "\n")
    sys.stderr.write(f"error: {detail}\n")


def show_progress(step: str) -> None:
    """Write to standard error what begins now, or a warning."""
    sys.stderr.write(f"{step}\n" if step.startswith(WARNING) else f"… {step}\n")
    sys.stderr.flush()


def table(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """Return the lines of a table of the wanted columns; the column ``error`` only if a row has one."""
    columns = [column for column in wanted if column != "error" or any("error" in row for row in rows)]
    cells = [list(columns), *([written(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def written(value: Any) -> str:
    """Return a value as it is written for people."""
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={written(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        more = ", …" if len(value) > 10 else ""  # noqa: PLR2004 - what fits on a line
        return ", ".join(str(entry) for entry in value[:10]) + more
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def size(count: int) -> str:
    """Return a number of bytes as it is written for people."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 1024:.1f} KiB"
