"""One operation, as any worker can tell of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RUNNING, SUCCEEDED, FAILED = "running", "succeeded", "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation stands: ``detail`` is its latest step, or why it failed."""

    id: str
    kind: str
    model: str
    subject: str
    state: str
    detail: str
    result: Mapping[str, Any] | None
    replica: str
    created_at: int
    finished_at: int | None

    @classmethod
    def of(cls, row: Any) -> "Operation":
        """Return the operation in a row of the table ``operations``."""
        return cls(
            row.id,
            row.kind,
            row.model,
            row.subject,
            row.state,
            row.detail,
            None if row.result is None else json.loads(row.result),
            row.replica,
            row.created_at,
            row.finished_at,
        )
