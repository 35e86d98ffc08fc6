"""Errors on the wire: each type's status, and the one JSON shape that every answer which is no success has.

RFC 9457 gives the shape's ``title``, ``status`` and ``detail``; ``error`` is what clients of /v1 and /v2 read. What is
a protocol's own, such as the media type, its ErrorForm says.
"""

import errno
import logging
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

import orjson
from werkzeug.exceptions import HTTPException, NotFound

from model_store import errors as store
from model_store import request_errors
from service import errors
from service.auth.oauth import server as authorization
from service.wire import ErrorForm

_LOG = logging.getLogger(__name__)

STATUS: Mapping[type[Exception], HTTPStatus] = {
    request_errors.MalformedRequest: HTTPStatus.BAD_REQUEST,
    request_errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.UnknownOutput: HTTPStatus.BAD_REQUEST,
    errors.ModelRejectedInput: HTTPStatus.BAD_REQUEST,
    errors.LabelNotFound: HTTPStatus.BAD_REQUEST,
    errors.LargerThanQuota: HTTPStatus.BAD_REQUEST,
    errors.UriTooLong: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.HeadersTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    errors.VersionNotFound: HTTPStatus.NOT_FOUND,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    request_errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ModelFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelCrashed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelBrokeContract: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PredictionTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.NotImplementedHere: HTTPStatus.NOT_IMPLEMENTED,
    errors.ModelNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelNotLoaded: HTTPStatus.NOT_FOUND,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DiskFull: HTTPStatus.INSUFFICIENT_STORAGE,
    authorization.OAuthError: HTTPStatus.BAD_REQUEST,
    authorization.InvalidClient: HTTPStatus.UNAUTHORIZED,
    authorization.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    store.BadName: HTTPStatus.BAD_REQUEST,
    store.BadSample: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.UndeclaredAnswer: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.BadSchema: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.BadManifest: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.BadPayloadLog: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.SealBroken: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.ArtifactUnreadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.LibraryMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.GateRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.DiedLoading: HTTPStatus.UNPROCESSABLE_ENTITY,
    store.UnknownModel: HTTPStatus.NOT_FOUND,
    store.UnknownVersion: HTTPStatus.NOT_FOUND,
    store.InUse: HTTPStatus.CONFLICT,
    store.InQuarantine: HTTPStatus.CONFLICT,
    store.NothingToRollBack: HTTPStatus.CONFLICT,
    store.PointersMoved: HTTPStatus.CONFLICT,
    store.BadChannels: HTTPStatus.INTERNAL_SERVER_ERROR,
    store.NoKey: HTTPStatus.SERVICE_UNAVAILABLE,
    store.StoreAway: HTTPStatus.SERVICE_UNAVAILABLE,
    store.NotServed: HTTPStatus.SERVICE_UNAVAILABLE,
}

CALLER_GONE = (499, "caller_gone")
"""Status and code, in logs and metrics, of a request whose caller hung up before it was predicted."""

_RETRY_AFTER_SECONDS = 1
_UNFORESEEN = ("internal_error", "Internal error", "The service failed; the log has the reason")


class Problem(TypedDict):
    """What every answer that is no success says; some protocols add members."""

    error: str
    code: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: NotRequired[list[request_errors.Fault]]


class NotReady(errors.ModelNotReady):
    """The answer of a readiness route; ``members`` stand in the JSON object next to those of every error."""

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.members = members


def status_of(error: Exception) -> HTTPStatus:
    """Return the status that the error's type, or the nearest type that it derives from, is answered with."""
    error = _known(error)
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    if isinstance(error, HTTPException) and error.code:
        return HTTPStatus(error.code)
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(
    error: Exception, form: ErrorForm, request_id: str, *, wording: str | None = None, credentials: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body for an error; an unforeseen one is a bare 500, and whole in the log.

    ``wording`` replaces the ``error`` text; ``credentials`` says whether the caller sent any (RFC 6750, section 3).
    """
    status = status_of(error)
    body: dict[str, Any] = {**_problem(error, status, request_id)}
    if wording is not None:
        body["error"] = body["detail"] = wording
    if isinstance(error, NotReady):
        body.update(error.members)
    body.update(form.members(body))
    headers = {"Content-Type": form.media_type, **_headers(error, status, credentials=credentials)}
    return int(status), headers, orjson.dumps(body)


def code_of(error: Exception) -> str:
    """Return the stable code that the response, the log and the metrics give an error."""
    return _words(_known(error))[0]


def reason_of(error: Exception) -> str:
    """Return why credentials, or a valid token without a role, were refused, for the log; empty for other errors."""
    if isinstance(error, errors.Unauthenticated):
        return error.reason
    return error.detail if isinstance(error, errors.Forbidden) else ""


def _problem(error: Exception, status: HTTPStatus, request_id: str) -> Problem:
    error = _known(error)
    code, title, detail = _words(error)
    if code == _UNFORESEEN[0]:
        _LOG.error("unforeseen error", exc_info=error)
    body = Problem(error=detail, code=code, title=title, status=int(status), detail=detail, request_id=request_id)
    if faults := getattr(error, "faults", ()):
        body["errors"] = list(faults)
    return body


def _known(error: Exception) -> Exception:
    """Return DiskFull for what the operating system says if a disk, or a quota on it, is used up."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return errors.DiskFull(f"{os.strerror(error.errno)}: make room on the service's disks, then try again")
    return error


def _words(error: Exception) -> tuple[str, str, str]:
    """Return an error's code, title and detail."""
    if isinstance(error, request_errors.RequestError):
        return error.code, error.title, error.detail
    if isinstance(error, store.StoreError):
        return error.code, "The store refused it", str(error)
    if isinstance(error, NotFound):
        return errors.NotFound.code, errors.NotFound.title, "No route has this address: /docs shows every route"
    if isinstance(error, HTTPException):
        return error.name.lower().replace(" ", "_"), error.name, str(error.description)
    return _UNFORESEEN


def _is_elsewhere(error: Exception) -> bool:
    return isinstance(error, errors.ModelNotLoaded)


def _headers(error: Exception, status: HTTPStatus, *, credentials: bool) -> dict[str, str]:
    headers = {str(name): str(value) for name, value in dict(getattr(error, "headers", None) or {}).items()}
    if isinstance(error, HTTPException) and (allowed := getattr(error, "valid_methods", None)):
        headers["Allow"] = ", ".join(sorted(allowed))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer error="invalid_token"' if credentials else "Bearer")
    elif status == HTTPStatus.FORBIDDEN:
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    elif status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} or _is_elsewhere(error):
        headers["Retry-After"] = str(getattr(error, "retry_after", None) or _RETRY_AFTER_SECONDS)
    return headers
