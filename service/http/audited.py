"""What is done, in the record of who did what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask

from model_store.errors import StoreError
from model_store.request_errors import RequestError
from service.audit.entry import OK, STARTED, Actor
from service.http.access import Recording
from service.http.caller import caller_address


def actor() -> Actor:
    """Return the caller of the request under way, as the record will name it."""
    subject = getattr(flask.g.principal, "subject", None) or "anonymous"
    return Actor(subject, caller_address(flask.request.environ), flask.g.exchange.request_id)


@contextmanager
def audited(audit: Recording, action: str, model: str, **detail: Any) -> Iterator[None]:
    """Record what is done to a model before it begins, so that none goes unrecorded, and its outcome after."""
    by = actor()
    audit.record(by.entry(action, model, STARTED, **detail))
    try:
        yield
    except (StoreError, RequestError) as error:
        audit.record(by.entry(action, model, error.code, **detail))
        raise
    audit.record(by.entry(action, model, OK, **detail))
