"""The ids of the request that a context is answering, for its lines."""

from contextvars import ContextVar

_ids: ContextVar[tuple[str | None, str | None]] = ContextVar("ids", default=(None, None))
"""The ids of the request and of the trace."""


def bind(request_id: str | None, trace_id: str | None = None) -> None:
    """Add these ids to every line that this context logs from now on."""
    _ids.set((request_id, trace_id))


def request_id() -> str | None:
    """Give the id of the request that this context is answering, or None."""
    return _ids.get()[0]


def bound() -> dict[str, str]:
    """Give the fields that the ids are."""
    named = zip(("http.request.id", "trace.id"), _ids.get(), strict=True)
    return {name: value for name, value in named if value}
