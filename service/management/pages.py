"""The pages of a replica's management port: /livez, /readyz, /metrics and, for other replicas, /counts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from service.management.readiness import Readiness

Page = tuple[HTTPStatus, str, bytes]
"""Status, media type and body."""


def pages(
    *,
    alive: Callable[[], int],
    ready: Callable[[], Readiness],
    metrics: Callable[[], tuple[bytes, str]],
    counts: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Callable[[], Page]]:
    """Make the pages by path: ``alive`` tells how many workers there are, ``metrics`` the exposition and its type.

    ``counts`` is what other replicas are told of this one's predictions.
    """

    def livez() -> Page:
        workers = alive()
        return json_page(_status(good=bool(workers)), {"workers": workers})

    def readyz() -> Page:
        readiness = ready()
        return json_page(_status(good=readiness.ready), asdict(readiness))

    def exposition() -> Page:
        body, media_type = metrics()
        return HTTPStatus.OK, media_type, body

    def counted() -> Page:
        return json_page(HTTPStatus.OK, counts())

    return {"/livez": livez, "/readyz": readyz, "/metrics": exposition, "/counts": counted}


def json_page(status: HTTPStatus, body: Mapping[str, Any]) -> Page:
    """Make a page of a JSON object."""
    return status, "application/json", json.dumps(body).encode() + b"\n"


def _status(*, good: bool) -> HTTPStatus:
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
