"""Logs: one JSON object a line, in the field names of the Elastic Common Schema (ECS).

Never in a log: bodies, tokens, query strings, and feature values, but for those of a version whose publisher asked for
it (`payload`).
"""

from service.logs.access_lines import AccessLine, access, wanted
from service.logs.configuration import configure, gunicorn_config
from service.logs.ids import bind, request_id
from service.logs.lines import Sink
from service.logs.payload_lines import Payload, payload
from service.logs.records import EcsHandler

__all__ = [
    "AccessLine",
    "EcsHandler",
    "Payload",
    "Sink",
    "access",
    "bind",
    "configure",
    "gunicorn_config",
    "payload",
    "request_id",
    "wanted",
]
