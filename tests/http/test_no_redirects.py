"""Addresses that are nearly right are refused in the one shape, and never redirected: clients of APIs do not follow."""

import pytest


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/v1", "/v1//", "//v1/models", "/v1//models", "/v2//models", "/admin//models", "/admin/models//rollback"]
)
def test_an_address_that_is_nearly_right_is_refused(make_application, method, path):
    answer = make_application().flask.test_client().open(path, method=method)
    assert answer.status_code in {400, 404, 405}
    assert answer.json["status"] == answer.status_code
