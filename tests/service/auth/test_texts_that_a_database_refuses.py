"""Texts from callers that PostgreSQL refuses to look for or to store are answered alike on every database."""

import pytest

from model_store.request_errors import InvalidInput
from service.audit.entry import Actor
from service.auth.oauth.server import InvalidClient

CALLER = Actor("stranger", "192.0.2.9", "request-9")


@pytest.fixture
def access(make_access, database_url):
    return make_access(database_url)


@pytest.mark.parametrize("client_id", ["a\0b", "\0", "\ud800", "a" * 20_000, "ünknown", ""])
def test_a_client_id_that_nobody_can_have_is_an_unknown_client(access, client_id):
    with pytest.raises(InvalidClient):
        access.authorization.check_client(client_id, "mrs_1_x", CALLER)


def test_a_value_that_postgresql_refuses_is_a_fault_of_the_input(make_access, new_postgresql_url):
    access = make_access(new_postgresql_url())
    with pytest.raises(InvalidInput, match="cannot be stored"), access.database.writing() as connection:
        connection.exec_driver_sql("SELECT cast(repeat('9', 40) AS integer)")
