import errno
import os

import orjson
import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound

from model_store import errors as store_errors
from model_store import request_errors
from service import errors
from service.auth.oauth import server as authorization
from service.dialects.dialect import errors_at
from service.dialects.mlflow.dialect import MLFLOW
from service.dialects.openinference.dialect import OPENINFERENCE
from service.dialects.tfserving.dialect import TFSERVING
from service.http.problems import STATUS, problem

DIALECTS = (TFSERVING, OPENINFERENCE, MLFLOW)


def answered(error, path="/v2/models/m/infer", **options):
    status, headers, body = problem(error, errors_at(path, DIALECTS), "req-1", **options)
    return status, headers, orjson.loads(body)


def every(base):
    return {kind for kind in vars(base).values() if isinstance(kind, type) and issubclass(kind, Exception)}


def test_every_error_that_the_service_and_the_store_raise_has_a_status_of_its_own():
    abstract = {request_errors.RequestError, store_errors.StoreError}
    assert (every(errors) | every(request_errors) | every(store_errors)) - abstract <= set(STATUS)
    assert every(errors) | every(request_errors) | every(store_errors) | every(authorization) >= set(STATUS)


@pytest.mark.parametrize(
    "kind", sorted((every(errors) | every(request_errors)) - {request_errors.RequestError}, key=str)
)
def test_every_error_has_the_one_shape(kind):
    status, _, body = answered(kind("what happened"))
    assert body["error"] == body["detail"] == "what happened"
    assert body["code"] == kind.code
    assert body["title"] == kind.title
    assert body["status"] == status
    assert body["request_id"] == "req-1"


def test_faults_are_listed_with_place_expectation_and_value_and_at_most_twenty():
    faults = [request_errors.Fault(f"row {i}", "a number", '"x"') for i in range(50)]
    _, _, body = answered(request_errors.InvalidInput("bad", faults))
    assert len(body["errors"]) == 20
    assert body["errors"][0] == {"location": "row 0", "expected": "a number", "got": '"x"'}


def test_the_media_type_is_json_for_the_inference_protocols_and_problem_json_elsewhere():
    for path, media_type in [
        ("/v1/x", "json"),
        ("/v2/x", "json"),
        ("/admin/x", "problem+json"),
        ("/invocations", "problem+json"),
    ]:
        assert answered(errors.NotFound("x"), path)[1]["Content-Type"] == f"application/{media_type}"


def test_mlflow_routes_also_carry_mlflows_keys_mlf11():
    _, _, body = answered(request_errors.InvalidInput("bad"), "/models/iris/invocations")
    assert body["error_code"] == "BAD_REQUEST"
    assert body["message"] == "bad"
    assert "error_code" not in answered(request_errors.InvalidInput("bad"), "/v1/models/iris:predict")[2]


def test_an_unforeseen_error_says_nothing_of_itself():
    status, _, body = answered(RuntimeError("secret /etc/passwd"))
    assert status == 500
    assert "secret" not in str(body)
    assert body["code"] == "internal_error"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_write_that_finds_the_disk_full_is_507_and_names_no_file(number):
    status, _, body = answered(OSError(number, os.strerror(number), "/secret/place"), "/admin/models")
    assert (status, body["code"]) == (507, "disk_full")
    assert "secret" not in str(body)


def test_401_names_the_scheme_and_whether_the_token_was_bad():
    assert answered(errors.Unauthenticated("x"))[1]["WWW-Authenticate"] == "Bearer"
    with_token = answered(errors.Unauthenticated("x"), credentials=True)[1]
    assert with_token["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answered(errors.Forbidden("x"))[1]["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


def test_answers_that_ask_to_come_again_say_when():
    assert answered(errors.Overloaded("x"))[1]["Retry-After"] == "1"
    assert answered(errors.QuotaExceeded("x", retry_after=30))[1]["Retry-After"] == "30"


def test_what_flask_itself_refuses_has_the_shape_too():
    status, headers, body = answered(MethodNotAllowed(valid_methods=["GET", "HEAD"]))
    assert (status, body["code"], headers["Allow"]) == (405, "method_not_allowed", "GET, HEAD")
    assert answered(NotFound())[2]["code"] == "not_found"


def test_a_protocols_own_wording_replaces_the_text():
    _, _, body = answered(errors.ModelNotFound("x"), wording="Servable not found for request: Latest(x)")
    assert body["error"] == "Servable not found for request: Latest(x)"
