"""The line of what a version was asked. The only one that holds feature values."""

import os
import time
from dataclasses import dataclass

from service.logs.ids import bound
from service.logs.lines import line, timestamp
from service.logs.output import output


@dataclass(slots=True)
class Payload:
    """What a version was asked: ``values`` is JSON, ``whole`` whether it holds every row and value of the request."""

    model: str
    version: int
    rows: int
    values: str
    whole: bool


def payload(asked: Payload) -> None:
    """Write what a version was asked, whose publisher wished for it."""
    fields = {
        "@timestamp": timestamp(time.time()),
        "log.level": "info",
        "message": f"payload of {asked.model} {asked.version}",
        **dict(output.constant),
        "event.kind": "event",
        "event.dataset": "millrace.payload",
        "process.pid": os.getpid(),
        "labels.model": asked.model,
        "labels.version": str(asked.version),
        "labels.rows": str(asked.rows),
        "labels.payload": asked.values,
        "labels.payload_whole": str(asked.whole).lower(),
        **bound(),
    }
    output.sink.write(line(fields))
