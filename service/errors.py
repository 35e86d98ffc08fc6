"""What can go wrong with a request. Each error has a stable ``code``; ``http.problems`` gives it a status."""

from model_store.request_errors import RequestError


class UnknownOutput(RequestError):
    """The model has no output of the requested name."""

    code, title = "unknown_output", "The model has no such output"


class UnsupportedMediaType(RequestError):
    """The body's media type or content encoding is none that the route takes."""

    code, title = "unsupported_media_type", "The media type is not supported"


class NotImplementedHere(RequestError):
    """A part of a protocol that this service leaves out on purpose."""

    code, title = "not_implemented", "Not implemented"


class ModelNotFound(RequestError):
    """No such model, or none that the caller may see."""

    code, title = "model_not_found", "There is no such model"


class VersionNotFound(RequestError):
    """The model is there, the version is not loaded."""

    code, title = "version_not_found", "There is no such version"


class LabelNotFound(RequestError):
    """The model is there, the label names nothing."""

    code, title = "label_not_found", "There is no such label"


class ModelNotReady(RequestError):
    """The model is known, but no version of it can answer now."""

    code, title = "model_not_ready", "The model is not ready"


class ModelNotLoaded(ModelNotReady):
    """This worker has not loaded the version and another one has: Nginx asks the next."""

    code, title = "model_not_loaded", "The model is not loaded here"


class ModelRejectedInput(RequestError):
    """The estimator itself refused rows that fit the schema."""

    code, title = "model_rejected_input", "The model refused the input"


class ModelFailed(RequestError):
    """The estimator failed for a reason that is not the caller's."""

    code, title = "model_failed", "The model failed"


class ModelCrashed(RequestError):
    """The process of the model died as it predicted, twice, or did before with the same rows."""

    code, title = "model_crashed", "The model crashed"


class ModelBrokeContract(RequestError):
    """The model answered what its schema does not declare."""

    code, title = "model_broke_contract", "The model broke its contract"


class PredictionTimeout(RequestError):
    """The prediction took longer than one may."""

    code, title = "prediction_timeout", "The prediction took too long"


class Overloaded(RequestError):
    """More work than may wait; try again after ``retry_after`` seconds."""

    code, title = "overloaded", "The service is overloaded"


class Unauthenticated(RequestError):
    """No credentials, or credentials that are not valid."""

    code, title = "unauthenticated", "Authentication is needed"

    reason = ""
    """Why the credentials are not valid, for the log; callers are not told."""


class Forbidden(RequestError):
    """The caller is known and lacks the permission."""

    code, title = "forbidden", "Permission denied"


class QuotaExceeded(RequestError):
    """The caller has used up a quota; try again after ``retry_after`` seconds."""

    code, title = "quota_exceeded", "A quota is used up"


class LargerThanQuota(RequestError):
    """The request alone is more than its caller may use in a minute; it would be refused at any time."""

    code, title = "larger_than_quota", "The request is larger than the quota"


class NotFound(RequestError):
    """Nothing is at that address."""

    code, title = "not_found", "Nothing is here"


class Conflict(RequestError):
    """The state of the thing forbids what was asked."""

    code, title = "conflict", "The state forbids it"


class Unavailable(RequestError):
    """A part that this needs, such as the database, does not answer now."""

    code, title = "unavailable", "Temporarily unavailable"


class DiskFull(Unavailable):
    """What was to be stored has no room; predictions go on."""

    code, title = "disk_full", "There is no room on the disk"


class UriTooLong(RequestError):
    """The request line is longer than a replica takes."""

    code, title = "uri_too_long", "The address is too long"


class HeadersTooLarge(RequestError):
    """A header field, or all of them together, is over the limit."""

    code, title = "headers_too_large", "The header fields are too large"


class RequestTimeout(RequestError):
    """The request began to arrive, and its rest did not come in time."""

    code, title = "request_timeout", "The request took too long to arrive"
