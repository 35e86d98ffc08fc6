"""The dialect of the Open Inference Protocol V2."""

import re

from model_store.request_errors import RequestError
from service.dialects.dialect import Dialect
from service.dialects.openinference import bodies
from service.errors import ModelNotFound, VersionNotFound
from service.wire import JSON, ErrorForm, Values


def phrase(error: RequestError, values: Values) -> str | None:
    """Return Triton's words for what is not there; its example clients look for them."""
    model = (values.get("model") or "")[:128]
    if isinstance(error, ModelNotFound):
        return f"Request for unknown model: '{model}' is not found"
    if isinstance(error, VersionNotFound):
        named = (values.get("version") or "")[:20]
        return f"Request for unknown model: '{model}' version {named} is not found: {error.detail}"
    return None


OPENINFERENCE = Dialect(
    name="openinference",
    title="Open Inference Protocol",
    summary="`/v2`: named tensors, as JSON or binary; with Triton's model repository extension",
    addresses=re.compile(r"/v2.*", re.DOTALL | re.IGNORECASE),
    errors=ErrorForm(JSON),
    phrase=phrase,
    verbs=bodies.ANY_MODEL,
    bodies=bodies.bodies,
)
