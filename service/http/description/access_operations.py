"""What the routes of access control and administration are for, in the words of the API description."""

from collections.abc import Mapping

from service.auth.permissions import PERMISSIONS, ROLES
from service.http.description.operations import ANY_OBJECT, BOOL, NAMES, TEXT, Operation, Schema, list_of, structure

ACCESS, ADMINISTRATION = "Access", "Administration"
TAGS: Mapping[str, str] = {
    ACCESS: "`/oauth`: tokens for clients, and what describes them",
    ADMINISTRATION: "`/admin`: who may do what, the record of it, and the models' versions",
}

_NUMBER: Schema = {"type": "integer"}
_POSITIVE: Schema = {"type": "integer", "minimum": 1}
_MAYBE: Schema = {"type": ["integer", "null"], "minimum": 1}
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
_TOKEN_REFUSALS = (400, 401, 413, 429, 503)
_MANAGE_REFUSALS = (400, 401, 403, 413, 415, 503)
_ONE_REFUSALS = (400, 401, 403, 404, 409, 413, 415, 503)
_MODEL_REFUSALS = (400, 401, 403, 404, 409, 422, 503)
_CREDENTIALS = {"client_id": TEXT, "client_secret": TEXT}
_REVOKED = structure({"revoked": TEXT})
_ACCEPTED = structure({"operation": TEXT, "status": TEXT})
_OVERLAP = structure({}, overlap={"type": "integer", "minimum": 0, "default": 86_400})
_NEW_CLIENT = structure({"client_id": TEXT, "client_secret": TEXT})
_NEW_KEY = structure({"key_id": TEXT, "api_key": TEXT})
_TOKEN_REQUEST = structure(
    {"grant_type": {"enum": ["client_credentials", "refresh_token"]}},
    scope={**TEXT, "description": f"Some of: {', '.join(sorted(PERMISSIONS))}"},
    refresh_token=TEXT,
    **_CREDENTIALS,
)
_MODEL = structure(
    {"name": TEXT, "versions": list_of(_NUMBER), "replicas": ANY_OBJECT}, stable=_MAYBE, labels=ANY_OBJECT
)


def _oauth() -> dict[str, Operation]:
    about_token = structure({"token": TEXT}, **_CREDENTIALS)
    token = structure(
        {"access_token": TEXT, "token_type": TEXT, "expires_in": _NUMBER, "scope": TEXT}, refresh_token=TEXT
    )
    return {
        "POST /oauth/token": Operation(
            ACCESS,
            "An access token for a client's id and secret (Basic or in the form), or for a refresh token",
            token,
            request=_TOKEN_REQUEST,
            request_media_type=_FORM,
            refusals=_TOKEN_REFUSALS,
        ),
        "POST /oauth/revoke": Operation(
            ACCESS, "Revoke a token", request=about_token, request_media_type=_FORM, refusals=_TOKEN_REFUSALS
        ),
        "POST /oauth/introspect": Operation(
            ACCESS,
            "Whether a token is good, and for what",
            structure({"active": BOOL}),
            request=about_token,
            request_media_type=_FORM,
            refusals=_TOKEN_REFUSALS,
        ),
        "GET /oauth/jwks.json": Operation(
            ACCESS, "The public keys that access tokens verify with", structure({"keys": list_of(ANY_OBJECT)})
        ),
        "GET /.well-known/oauth-authorization-server": Operation(
            ACCESS, "Where tokens come from (RFC 8414)", structure({"issuer": TEXT, "token_endpoint": TEXT})
        ),
    }


def _clients() -> dict[str, Operation]:
    return {
        "GET /admin/clients": Operation(
            ADMINISTRATION, "All clients", structure({"clients": list_of(ANY_OBJECT)}), refusals=_MANAGE_REFUSALS
        ),
        "POST /admin/clients": Operation(
            ADMINISTRATION,
            "Make a client; its secret is shown this once",
            _NEW_CLIENT,
            request=structure({"name": {**TEXT, "minLength": 1, "maxLength": 128}}),
            refusals=(*_MANAGE_REFUSALS, 409),
            success=201,
        ),
        "POST /admin/clients/{client_id}/rotate": Operation(
            ADMINISTRATION,
            "A new secret; the old one stays good for `overlap` seconds",
            _NEW_CLIENT,
            request=_OVERLAP,
            request_required=False,
            refusals=_ONE_REFUSALS,
        ),
        "DELETE /admin/clients/{client_id}": Operation(
            ADMINISTRATION, "Revoke a client, its tokens and its keys", _REVOKED, refusals=_ONE_REFUSALS
        ),
    }


def _keys() -> dict[str, Operation]:
    return {
        "GET /admin/keys": Operation(
            ADMINISTRATION,
            "All API keys, or those of the query's `client_id`",
            structure({"keys": list_of(ANY_OBJECT)}),
            refusals=_MANAGE_REFUSALS,
        ),
        "POST /admin/keys": Operation(
            ADMINISTRATION,
            "Make an API key of a client; it is shown this once",
            _NEW_KEY,
            request=structure(
                {"client_id": TEXT},
                name=TEXT,
                permissions=list_of({"enum": sorted(PERMISSIONS)}),
                models=NAMES,
                expires_in=_POSITIVE,
            ),
            refusals=_ONE_REFUSALS,
            success=201,
        ),
        "POST /admin/keys/{key_id}/rotate": Operation(
            ADMINISTRATION,
            "A new key with the same rights; the old one stays good for `overlap` seconds",
            _NEW_KEY,
            request=_OVERLAP,
            request_required=False,
            refusals=_ONE_REFUSALS,
        ),
        "DELETE /admin/keys/{key_id}": Operation(ADMINISTRATION, "Revoke an API key", _REVOKED, refusals=_ONE_REFUSALS),
    }


def _grants() -> dict[str, Operation]:
    return {
        "GET /admin/grants": Operation(
            ADMINISTRATION,
            "All grants, or those of the query's `subject`",
            structure({"grants": list_of(ANY_OBJECT)}),
            refusals=_MANAGE_REFUSALS,
        ),
        "POST /admin/grants": Operation(
            ADMINISTRATION,
            "Give a role on models to `client:<id>` or `<issuer>:<sub>`",
            structure({"grant_id": TEXT}),
            request=structure(
                {"subject": TEXT, "role": {"enum": list(ROLES)}, "models": NAMES},
                requests_per_minute=_MAYBE,
                rows_per_minute=_MAYBE,
            ),
            refusals=_ONE_REFUSALS,
            success=201,
        ),
        "DELETE /admin/grants/{grant_id}": Operation(
            ADMINISTRATION, "Take a grant back", _REVOKED, refusals=_ONE_REFUSALS
        ),
        "GET /admin/audit": Operation(
            ADMINISTRATION,
            "The record, newest first; filter by `actor`, `action`, `target`, `outcome`, `since` and `until`, "
            "page by `limit` and `before`",
            structure({"entries": list_of(ANY_OBJECT), "next_before": _MAYBE}),
            refusals=_MANAGE_REFUSALS,
        ),
    }


def _models() -> dict[str, Operation]:
    version = "/admin/models/{model}/versions/{version}"
    return {
        "GET /admin/models": Operation(
            ADMINISTRATION,
            "The stored models and their state in each replica",
            structure({"models": list_of(_MODEL)}),
            refusals=(401, 403, 503),
        ),
        "GET /admin/models/{model}": Operation(
            ADMINISTRATION,
            "A model, its state in each replica and its history",
            _MODEL,
            refusals=_MODEL_REFUSALS,
        ),
        f"GET {version}": Operation(ADMINISTRATION, "A version's manifest", refusals=_MODEL_REFUSALS),
        "POST /admin/models/{model}/versions": Operation(
            ADMINISTRATION,
            "Publish a version; answers with an operation to poll. `model` is a .skops file or another format that is "
            "data alone, with sample rows, or a sealed version as .tar",
            _ACCEPTED,
            request=structure({"model": _FILE}, sample=_FILE, metrics=TEXT, promote={"enum": ["true", "false"]}),
            request_media_type=_MULTIPART,
            refusals=(*_MODEL_REFUSALS, 413, 415, 501),
            success=202,
        ),
        f"POST {version}/promote": Operation(
            ADMINISTRATION,
            "Try a version, then make it the stable one; answers with an operation to poll",
            _ACCEPTED,
            refusals=_MODEL_REFUSALS,
            success=202,
        ),
        "POST /admin/models/{model}/rollback": Operation(
            ADMINISTRATION, "Make the version before the stable one again", refusals=_MODEL_REFUSALS
        ),
        f"DELETE {version}": Operation(ADMINISTRATION, "Retire a version that nothing names", refusals=_MODEL_REFUSALS),
        "GET /admin/operations/{operation_id}": Operation(
            ADMINISTRATION,
            "How an operation stands: `running`, `succeeded` or `failed`",
            structure({"id": TEXT, "state": {"enum": ["running", "succeeded", "failed"]}, "detail": TEXT}),
            refusals=(401, 403, 404, 503),
        ),
    }


OPERATIONS: Mapping[str, Operation] = {**_oauth(), **_clients(), **_keys(), **_grants(), **_models()}
