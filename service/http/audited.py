"""What is done to models, in the record of who did what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from model_store.errors import StoreError
from service.audit.entry import OK, STARTED
from service.errors import ServiceError
from service.http.actor import actor
from service.http.parts import Recording


@contextmanager
def audited(audit: Recording, action: str, model: str, **detail: Any) -> Iterator[None]:
    """Record an action before it begins, so that none goes unrecorded, and its outcome after."""
    by = actor()
    audit.record(by.entry(action, model, STARTED, **detail))
    try:
        yield
    except (StoreError, ServiceError) as error:
        audit.record(by.entry(action, model, error.code, **detail))
        raise
    audit.record(by.entry(action, model, OK, **detail))
