"""Where all lines go, and how many there are."""

import logging
import sys
from typing import Any, TextIO

from service.logs import lines
from service.logs.output import output
from service.logs.records import EcsHandler
from service.logs.slowest import Slowest


def configure(level: str, stream: TextIO | None = None, *, replica: str = "", access_sampling: float = 1.0) -> None:
    """Send every logger's lines, gunicorn's too, to ``stream`` (standard output) as JSON.

    ``access_sampling`` is the share, from 0 to 1, of successful requests that get an access line;
    ``service.logs.wanted`` says which ones always do.
    """
    output.sink = lines.sink(sys.stdout if stream is None else stream)
    output.constant, output.access_sampling = lines.constant(replica), access_sampling
    output.slowest = Slowest()
    handler = EcsHandler(output.sink)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = name == "gunicorn.error"
    logging.captureWarnings(True)


def gunicorn_config(level: str, replica: str = "") -> dict[str, Any]:
    """Make gunicorn's ``logconfig_dict``: its lines through the same handler, and no access log."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {},
        "handlers": {"ecs": {"()": "service.logs.EcsHandler", "replica": replica}},
        "root": {"level": level, "handlers": ["ecs"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True, "qualname": "gunicorn.error"},
            "gunicorn.access": {"level": "ERROR", "handlers": [], "propagate": False, "qualname": "gunicorn.access"},
        },
    }
