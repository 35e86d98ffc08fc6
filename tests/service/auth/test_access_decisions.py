"""What principals may do, and how refusals look."""

import pytest

from model_store.request_errors import InvalidInput
from service.auth.permissions import PERMISSIONS, ROLES
from service.auth.principals import authorize
from service.errors import Forbidden, ModelNotFound, Unauthenticated


def bearer(token):
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def access(make_access, database_url):
    return make_access(database_url, public_models=("open-*",))


@pytest.fixture
def token_of(access, make_client, tester):
    def token(role, models=("*",), scope=None):
        shown = make_client(access, f"{role}-{models}-{scope}", role, models)
        issued = access.authorization.issue(shown.id, scope, tester)
        return access.tokens.issue(shown.id, issued.permissions, issued.family)

    return token


def test_each_role_may_do_what_its_name_says_and_nothing_else(access, token_of):
    for role, permissions in ROLES.items():
        principal = access.authenticator.authenticate(bearer(token_of(role)))
        assert {p for p in PERMISSIONS if principal.may(p, "iris")} == permissions


def test_a_grant_covers_only_the_models_of_its_patterns(access, token_of):
    principal = access.authenticator.authenticate(bearer(token_of("predictor", ["iris*", "w?ne"])))
    allowed = {
        name for name in ("iris", "iris-2", "wine", "wiine", "Iris", "x-iris") if principal.may("model:predict", name)
    }
    assert allowed == {"iris", "iris-2", "wine"}


def test_a_hidden_model_is_refused_with_the_words_for_one_that_does_not_exist(access, token_of):
    principal = access.authenticator.authenticate(bearer(token_of("admin", ["iris"])))
    with pytest.raises(ModelNotFound, match=r"^there is no model 'hidden'$"):
        authorize(principal, "model:predict", "hidden")


def test_a_visible_model_is_forbidden_not_hidden(access, token_of):
    principal = access.authenticator.authenticate(bearer(token_of("viewer")))
    authorize(principal, "model:read", "iris")
    with pytest.raises(Forbidden):
        authorize(principal, "model:predict", "iris")
    with pytest.raises(Forbidden):
        authorize(principal, "access:manage", None)


def test_a_scope_keeps_only_a_part_of_the_rights(access, token_of):
    principal = access.authenticator.authenticate(bearer(token_of("admin", scope="model:read")))
    assert {p for p in PERMISSIONS if principal.may(p, "iris")} == {"model:read"}


def test_anonymous_callers_see_public_models_and_nothing_else(access):
    nobody = access.authenticator.authenticate({})
    authorize(nobody, "model:predict", "open-house")
    for permission, model in (("model:predict", "iris"), ("model:publish", "open-house"), ("access:manage", None)):
        with pytest.raises(Unauthenticated):
            authorize(nobody, permission, model)


def test_nothing_is_public_unless_said(make_access, sqlite_url):
    access = make_access(sqlite_url)
    nobody = access.authenticator.authenticate({})
    assert not any(nobody.may(permission, model) for permission in PERMISSIONS for model in ("iris", None))


def test_credentials_in_two_places_are_refused(access, token_of):
    with pytest.raises(Unauthenticated):
        access.authenticator.authenticate({**bearer(token_of("admin")), "x-api-key": "mr_0_0"})


@pytest.mark.parametrize("pattern", ["", "iris/..", "[a-z]", "a b", "x" * 129, "né"])
def test_a_pattern_that_no_model_name_could_match_is_refused(access, make_client, tester, pattern):
    shown = make_client(access, "someone")
    with pytest.raises(InvalidInput):
        access.registry.grant(f"client:{shown.id}", "viewer", [pattern], tester)
