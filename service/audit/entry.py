"""What the audit log holds: entries, and the actor whom each names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OK = "ok"
"""The outcome of what succeeded; of what failed it is the error's code."""
STARTED = "started"
"""The outcome of what is recorded before it begins; another entry follows at its end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which thing, from where, in which request, and what came of it."""

    actor: str
    action: str
    target: str = ""
    outcome: str = OK
    address: str = ""
    request_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something that is recorded: a subject, the address it calls from, and the request."""

    subject: str
    address: str = ""
    request_id: str = ""

    def entry(self, action: str, target: str, outcome: str = OK, **detail: Any) -> Entry:
        """Return the entry of something that this actor did or tried."""
        return Entry(self.subject, action, target, outcome, self.address, self.request_id, detail)
