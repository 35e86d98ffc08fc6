"""Who does what this request asks for, as the record will name them."""

import flask

from service.audit.entry import Actor
from service.http.caller import caller_address


def actor() -> Actor:
    """The caller of the request under way."""
    subject = getattr(flask.g.principal, "subject", None) or "anonymous"
    return Actor(subject, caller_address(flask.request.environ), flask.g.exchange.request_id)
