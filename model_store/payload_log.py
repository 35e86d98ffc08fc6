"""A publisher's option to log a sample of what a version is asked, less the columns that nobody may read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model_store.errors import BadManifest, BadPayloadLog
from model_store.schema import Schema

OPTION = "payload_log"
"""The manifest's option that asks for it, under the version's seal."""


@dataclass(frozen=True, slots=True)
class PayloadLog:
    """``share`` of the requests, above 0 and at most 1, is logged, without the columns named in ``redact``."""

    share: float
    redact: tuple[str, ...] = ()

    def __init__(self, share: float, redact: Iterable[str] = ()) -> None:
        """Check the options. Raises BadPayloadLog if ``share`` is no share, or ``redact`` is not a list of names."""
        names = redact if isinstance(redact, str) else tuple(redact)
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise BadPayloadLog("redact: expected a list of column names")
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
            raise BadPayloadLog(f"the share of requests to log must be above 0 and at most 1, not {str(share)[:40]}")
        object.__setattr__(self, "share", float(share))
        object.__setattr__(self, "redact", tuple(sorted(set(names))))

    def checked(self, schema: Schema) -> "PayloadLog":
        """Return itself if it fits the schema. Raises BadPayloadLog if a redacted column is not there, or none is left.

        A name that is misspelt would leave its column readable.
        """
        unknown = [name for name in self.redact if name not in schema.names]
        if unknown:
            raise BadPayloadLog(f"cannot redact {unknown[0][:128]!r}: the model has no such column")
        if len(self.redact) == len(schema.names):
            raise BadPayloadLog("every column is redacted: nothing is left to log")
        return self

    def option(self) -> dict[str, Any]:
        """Return what the manifest's options hold of it."""
        return {OPTION: {"share": self.share, "redact": list(self.redact)}}


def read_option(options: Mapping[str, Any], schema: Schema) -> PayloadLog | None:
    """Return what a manifest's options say of it, None if nothing. Raises BadManifest if that is malformed."""
    if OPTION not in options:
        return None
    try:
        return PayloadLog(**options[OPTION]).checked(schema)
    except (BadPayloadLog, TypeError) as error:
        raise BadManifest(f"the option {OPTION} is malformed: {error}") from error
