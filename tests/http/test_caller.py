import pytest

from service.auth.principals import ANONYMOUS, Principal
from service.http.caller import LONGEST_KEY, routing_key

SOMEONE = Principal("client:someone")
HEADER = {"HTTP_X_ROUTING_KEY": "session-7"}


@pytest.mark.parametrize(
    ("environ", "principal", "key"),
    [
        (HEADER, SOMEONE, "session-7"),
        ({}, SOMEONE, "client:someone"),
        ({"HTTP_X_ROUTING_KEY": ""}, SOMEONE, "client:someone"),
        ({}, Principal(ANONYMOUS), "request-1"),
        ({}, None, "request-1"),
    ],
)
def test_the_routing_key_is_the_header_else_the_caller_else_the_request(environ, principal, key):
    assert routing_key(environ, principal, "request-1") == key


def test_the_beginning_of_a_long_routing_key_counts():
    long = "k" * 10_000
    assert routing_key({"HTTP_X_ROUTING_KEY": long}, None, "request-1") == long[:LONGEST_KEY]
