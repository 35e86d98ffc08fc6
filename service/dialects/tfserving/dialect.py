"""TensorFlow Serving's dialect, with what KServe V1 adds to it."""

import re

from model_store.request_errors import RequestError
from service.dialects.dialect import Dialect
from service.dialects.tfserving import bodies
from service.errors import LabelNotFound, ModelNotFound, VersionNotFound
from service.wire import JSON, ErrorForm, Values

SHOWN = 128
"""Most characters of a caller's text that an error repeats."""


def phrase(error: RequestError, values: Values) -> str | None:
    """Return TensorFlow Serving's words for what is not there, with the reason behind them."""
    if isinstance(error, LabelNotFound):
        return f"Unrecognized servable version label: {(values.get('label') or '')[:SHOWN]} ({error.detail})"
    if not isinstance(error, ModelNotFound | VersionNotFound):
        return None
    model, version = (values["model"] or "")[:SHOWN], (values.get("version") or "")[:SHOWN]
    which = f"Specific({model}, {version})" if version else f"Latest({model})"
    # OpenVINO's client asks for version 0 where its caller names none
    reason = error.detail if version.strip("0") or not version else "versions begin at 1: name one, or none for stable"
    return f"Servable not found for request: {which} ({reason})"


def status_phrase(error: RequestError, values: Values) -> str | None:
    """Return TensorFlow Serving's words for the status of a model that is not there, which a hidden one shares."""
    if isinstance(error, ModelNotFound):
        return f"Could not find any versions of model {(values['model'] or '')[:SHOWN]}"
    return None


TFSERVING = Dialect(
    name="tfserving",
    title="TensorFlow Serving",
    summary="`/v1`: rows as `instances` or columns as `inputs`; KServe V1 clients are answered here, too",
    addresses=re.compile(r"/|/v1.*", re.DOTALL | re.IGNORECASE),
    errors=ErrorForm(JSON),
    phrase=phrase,
    verbs=bodies.ANY_MODEL,
    bodies=bodies.bodies,
)
