"""The frozen record of one version: what it is, which files it has, what made it. To and from JSON."""

import builtins
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from model_store.errors import BadManifest, BadName, BadSchema
from model_store.names import ModelName, parse_version
from model_store.schema import Schema

FORMAT = 1
ANY_LIBRARY_VERSION = "any_library_version"
"""The option with which the publisher forces a version that another scikit-learn made."""
CAPTURED_WITH = "captured_with"
"""The option of a forced version: the libraries that wrote it, where ``libraries`` has those that fitted it."""
ENGINES = "engines"
"""The option that says how a version can be executed."""
BATCHING = "batching"
"""The option that says for which outputs the requests that wait are answered by one prediction."""
OPTIMISED = "optimised"
"""The option that says which smaller forms of the estimator were tried, and which was taken."""
LARGEST_BYTES = 64 * 2**20
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FORMAT_NAME = re.compile(r"[a-z0-9]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileSeal:
    """One file of a version: its SHA-256 in hex and its length in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One version of one model.

    ``created`` is ISO 8601 in UTC. ``artifact_format`` decides what reads the artifact, never the file's ending.
    ``files`` are all files of the version except the manifest and its seal. ``load_seconds`` and ``predict_seconds``
    (one row, the default output) were measured by the gate; ``bytes`` is the length of all files together.
    ``options`` keep what the publisher chose: the trusted types used, opt-ins.
    """

    model: str
    version: int
    created: str
    created_by: str
    artifact_format: str
    files: Mapping[str, FileSeal]
    libraries: Mapping[str, str]
    schema: Schema
    estimator: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    load_seconds: float = 0.0
    predict_seconds: float = 0.0
    bytes: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        try:
            ModelName(self.model)
            parse_version(self.version)
        except BadName as error:
            raise BadManifest(str(error)) from error
        if not _FORMAT_NAME.fullmatch(self.artifact_format):
            raise BadManifest(f"{self.artifact_format[:64]!r} is not an artifact format")
        for name in self.files:
            if not _FILE_NAME.fullmatch(name):
                raise BadManifest(f"{name[:128]!r} cannot be a file of a version")

    @property
    def artifact(self) -> str:
        """Return the artifact's file name."""
        return f"artifact.{self.artifact_format}"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready form that ``from_json`` reads back."""
        document = asdict(self)
        document["schema"] = self.schema.to_json()
        return document

    def to_bytes(self) -> builtins.bytes:
        """Return the manifest as it is stored and sealed: UTF-8 JSON with sorted keys."""
        text = json.dumps(self.to_json(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "strict")

    @classmethod
    def from_json(cls, document: Any) -> "Manifest":
        """Return the manifest that ``to_json`` wrote. Raises BadManifest if it is none."""
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            got = document.get("format") if isinstance(document, dict) else None
            raise BadManifest(f"expected a manifest of format {FORMAT}, got {str(got)[:40]!r}")
        try:
            return cls(
                model=_typed(document, "model", str),
                version=_typed(document, "version", int),
                created=_typed(document, "created", str),
                created_by=_typed(document, "created_by", str),
                artifact_format=_typed(document, "artifact_format", str),
                files={str(name): _file_seal(seal) for name, seal in _typed(document, "files", dict).items()},
                libraries={str(k): str(v) for k, v in _typed(document, "libraries", dict).items()},
                schema=Schema.from_json(_typed(document, "schema", dict)),
                estimator=_typed(document, "estimator", str),
                metrics=_typed(document, "metrics", dict),
                load_seconds=float(document["load_seconds"]),
                predict_seconds=float(document["predict_seconds"]),
                bytes=_typed(document, "bytes", int),
                options=_typed(document, "options", dict),
            )
        except (KeyError, TypeError, ValueError, AttributeError, BadSchema) as error:
            raise BadManifest(f"not a manifest: {type(error).__name__} {error}") from error

    @classmethod
    def from_bytes(cls, data: builtins.bytes) -> "Manifest":
        """Return the manifest in the bytes of ``manifest.json``. Raises BadManifest if there is none."""
        try:
            document = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadManifest(f"not JSON: {error}") from error
        return cls.from_json(document)


def _typed(document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{key} must be of type {kind.__name__}")
    return value


def _file_seal(document: Any) -> FileSeal:
    seal = FileSeal(_typed(document, "sha256", str), _typed(document, "bytes", int))
    if not _SHA256.fullmatch(seal.sha256) or seal.bytes < 0:
        raise ValueError("a file's sha256 must be 64 hex digits and its length not negative")
    return seal
