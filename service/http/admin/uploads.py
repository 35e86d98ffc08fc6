"""The files of a publish request, taken in."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
from werkzeug.datastructures import FileStorage

from model_store.declaration import document
from model_store.request_errors import Fault, InvalidInput
from service.errors import UnsupportedMediaType

ESTIMATOR = ".skops"
BUNDLE = ".tar"
SAMPLES = (".csv", ".parquet", ".npy", ".json")
PARTS = ("model", "sample", "schema", "metrics", "promote")
MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """The files of a publish request, in a folder for it alone, and what it says of them."""

    folder: Path
    estimator: Path
    sample: Path | None
    metrics: Mapping[str, Any]
    promote: bool
    schema: Mapping[str, Any] | None = None

    @classmethod
    def received(cls, run_dir: Path, most_bytes: int) -> "Upload":
        """Read the request under way. Raises UnsupportedMediaType, InvalidInput, PayloadTooLarge, BadSchema."""
        flask.request.max_content_length = most_bytes
        if flask.request.mimetype != MULTIPART:
            raise UnsupportedMediaType("expected multipart/form-data with the files `model` and `sample`")
        files, form = flask.request.files, flask.request.form
        _check_parts(name for parts in (files, form) for name, _ in parts.items(multi=True))
        ending = _ending(files.get("model"), "model", (ESTIMATOR, BUNDLE))
        sample_ending = None if ending == BUNDLE else _ending(files.get("sample"), "sample", SAMPLES)
        metrics, promoted = _json_object(form.get("metrics"), "metrics"), _flag(form.get("promote"))
        schema = _schema(files.get("schema"), form.get("schema"), ending)
        folder = _new_folder(run_dir)
        estimator, sample = folder / f"model{ending}", folder / f"sample{sample_ending}" if sample_ending else None
        try:
            files["model"].save(estimator)
            if sample is not None:
                files["sample"].save(sample)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(folder, estimator, sample, metrics, promoted, schema)

    def discard(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _check_parts(names: Iterable[str]) -> None:
    """Check that each part is known and comes once. Raises InvalidInput: of two, one would be left out in silence."""
    expected = f"each of {', '.join(PARTS)} at most once"
    faults = [
        Fault(name[:64], expected, f"{count} of them" if name in PARTS else "another name")
        for name, count in Counter(names).items()
        if count > 1 or name not in PARTS
    ]
    if faults:
        raise InvalidInput.of(*faults)


def _new_folder(run_dir: Path) -> Path:
    parent = run_dir / "uploads"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=parent))


def _ending(file: FileStorage | None, field: str, endings: tuple[str, ...]) -> str:
    """Return the file's format by its name's ending, which only chooses the reader; nothing else of the name is used.

    Raises InvalidInput if the file is missing, UnsupportedMediaType for another ending.
    """
    if file is None or not file.filename:
        raise InvalidInput(f"the file {field} is missing", [Fault(field, "a file", "nothing")])
    ending = Path(file.filename).suffix.lower()
    if ending not in endings:
        hint = "; a pickle is taken in a sealed bundle (.tar) alone" if ending in {".joblib", ".pkl", ".pickle"} else ""
        raise UnsupportedMediaType(f"{field}: {ending[:16]!r}: expected one of {', '.join(endings)}{hint}")
    return ending


def _schema(file: FileStorage | None, text: str | None, ending: str) -> Mapping[str, Any] | None:
    """Return the declared schema, which comes as a file or as text. Raises InvalidInput, BadSchema."""
    given = text if file is None else file.read().decode("utf-8", "replace")
    if not given:
        return None
    if ending == BUNDLE:
        raise InvalidInput("schema: a sealed version keeps its own", [Fault("schema", "none", "one")])
    return document.load(_json_object(given, "schema"))


def _json_object(text: str | None, field: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(f"{field}: expected a JSON object", [Fault(field, "a JSON object", (text or "")[:64])])
    return found


def _flag(text: str | None) -> bool:
    if text not in {None, "", "true", "false"}:
        raise InvalidInput("promote: expected true or false", [Fault("promote", "true or false", (text or "")[:64])])
    return text == "true"
