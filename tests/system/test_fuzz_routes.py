"""Every route of the API description, with requests that schemathesis invents from it: each answer is as described."""

import re
from contextlib import suppress
from http.client import HTTPMessage

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.system.fuzzing import LONGEST_SECONDS, Answer, fuzz, judge
from tests.system.running import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CASES_EACH = 7
"""Cases for each operation and each way of making them, right and wrong; each is sent with a token and without."""
LEAST_CASES = 1500
FEW = {
    "POST /admin/models/{model}/versions/{version}/promote": 2,  # each that fits is tried in a process of its own
    "POST /admin/models/{model}/rollback": 2,
    "POST /v2/repository/models/{model}/unload": 4,  # the answer waits for every replica
}
DESTRUCTIVE = re.compile(r"DELETE |POST /(?:v2/repository/models|admin/models/[^/]+/(?:versions/|rollback|demote))")
"""Operations that take away what others need: they come last."""
PREDICTS = re.compile(r"/[^{}]*(?::predict|:classify|:regress|/infer|/invocations)$")
"""Operations of a model's stable version, which only its own description shows with its bodies."""
ALL_CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
)
# Not used: positive_data_acceptance, because JSON Schema cannot say that columns are of one length, that a shape fits
# its data, that bytes are Parquet, or which of the models has which verb; negative_data_rejection, because unknown
# members are ignored as the protocols want it, and a form's or query's "1" is as good as 1; ignored_auth and its like,
# because tests/http/test_access_matrix.py asks every route as every kind of caller.


@pytest.fixture
def loaded(fuzzed):
    """Gives the stack back with its models loaded."""
    yield
    for model in fuzzed.models:
        url = f"{fuzzed.url}/v2/repository/models/{model}/load"
        eventually(lambda url=url: requests.post(url, headers=fuzzed.bearer, timeout=30).ok, 60, f"a loaded {model}")


def test_every_route_answers_as_described(fuzzed, loaded):
    operations = operations_of(fuzzed, "/openapi.json")
    for model in fuzzed.models:
        own = operations_of(fuzzed, f"/models/{model}/openapi.json")
        operations += [operation for operation in own if PREDICTS.search(operation.label)]
    operations.sort(key=lambda operation: bool(DESTRUCTIVE.match(operation.label)))
    sent = 0
    with requests.Session() as session:
        for operation in operations:
            unloaded = fuzzed.models if DESTRUCTIVE.match(operation.label) else ()
            for strategy in strategies(operation):
                with suppress(Unsatisfiable):  # where any text will do, nothing is wrong
                    sent += 2 * fuzz(strategy, FEW.get(operation.label, CASES_EACH), ask(fuzzed, session, unloaded))
    assert len(operations) > 70
    assert sent >= LEAST_CASES


def operations_of(fuzzed, path):
    """The operations of one of the descriptions."""
    description = requests.get(fuzzed.url + path, headers=fuzzed.bearer, timeout=10).json()
    schema = schemathesis.openapi.from_dict(description)
    schema.config.generation.update(with_security_parameters=False)
    return [found.ok() for found in schema.get_all_operations()]


def strategies(operation):
    """Right and wrong cases, where there are such: an operation without parameters and body has just one right case."""
    for mode in GenerationMode:
        if operation.body or operation.path_parameters or operation.query:
            yield operation.as_strategy(generation_mode=mode)
    if not (operation.body or operation.path_parameters or operation.query):
        yield st.just(operation.Case())


def ask(fuzzed, session, unloaded):
    def send(case):
        for headers in (fuzzed.bearer, {}):
            response = case.call(base_url=fuzzed.url, headers=headers, session=session, timeout=LONGEST_SECONDS + 10)
            judge(as_answer(response), unloaded)
            excluded = [not_a_server_error] if response.status_code in {501, 503} else []  # judged above
            case.validate_response(response, checks=list(ALL_CHECKS), excluded_checks=excluded)

    return send


def as_answer(response):
    headers = HTTPMessage()
    for name, values in response.headers.items():
        headers[name] = ", ".join(values)
    path = response.request.path_url
    return Answer(response.request.method, path, response.status_code, headers, response.content, response.elapsed)
