"""Changes reach every worker, rotations break nothing, and a database that is away does not stop known callers."""

import os
import time

import pytest

from service.auth.registry import CLIENT
from service.auth.tokens import key_ring
from service.errors import Conflict, NotFound, Unauthenticated, Unavailable
from tests.service.database.fakes import FailingDatabase

PROPAGATION_SECONDS = 5


def allowed(access, headers):
    try:
        principal = access.authenticator.authenticate(headers)
    except Unauthenticated:
        return False
    return principal.may("model:predict", "iris")


def wait_for(condition):
    deadline = time.monotonic() + PROPAGATION_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not everywhere in time"
        time.sleep(0.05)


@pytest.fixture
def make_worker(make_access, clock):
    """Makes workers whose database can be told not to answer: ``worker.database.away = True``."""

    def make(url, *, away=False, **changes):
        return make_access(url, database=FailingDatabase(url, clock, away=away), **changes)

    return make


@pytest.fixture
def workers(make_worker, database_url):
    """Four workers of what could be four replicas: each has its own memory and connections."""
    return [make_worker(database_url) for _ in range(4)]


@pytest.fixture
def owner(workers, make_client):
    return make_client(workers[0], "owner", "predictor")


@pytest.fixture
def token_headers(workers, owner, tester):
    issued = workers[0].authorization.issue(owner.id, None, tester)
    return {"authorization": f"Bearer {workers[0].tokens.issue(owner.id, issued.permissions, issued.family)}"}


def key_headers(shown):
    return {"x-api-key": shown.secret}


def test_what_was_just_made_is_known_to_every_worker_at_once(workers, owner, token_headers, tester):
    key = workers[1].registry.create_key(owner.id, "key", tester)
    time.sleep(0.3)  # a worker looks again for an unknown caller, at most four times a second
    assert all(allowed(worker, token_headers) for worker in workers)
    assert all(allowed(worker, key_headers(key)) for worker in workers)


@pytest.mark.parametrize("what", ["token", "key", "grant", "client"])
def test_what_is_revoked_is_refused_by_every_worker_within_five_seconds(workers, owner, token_headers, tester, what):
    registry = workers[0].registry
    key = registry.create_key(owner.id, "key", tester)
    headers = key_headers(key) if what == "key" else token_headers
    wait_for(lambda: all(allowed(worker, headers) for worker in workers))
    if what == "token":
        workers[0].authorization.revoke(owner.id, token_headers["authorization"].split()[1], tester)
    elif what == "key":
        registry.revoke_key(key.id, tester)
    elif what == "grant":
        registry.revoke_grant(registry.grants(CLIENT + owner.id)[0]["id"], tester)
    else:
        registry.revoke_client(owner.id, tester)
    wait_for(lambda: not any(allowed(worker, headers) for worker in workers))


def test_a_new_grant_reaches_every_worker_within_five_seconds(workers, make_client, tester):
    late = make_client(workers[0], "late")
    key = key_headers(workers[0].registry.create_key(late.id, "key", tester))
    assert not any(allowed(worker, key) for worker in workers)
    workers[0].registry.grant(CLIENT + late.id, "predictor", ["iris"], tester)
    wait_for(lambda: all(allowed(worker, key) for worker in workers))


def test_a_key_keeps_only_its_own_part_of_the_client_s_rights(workers, owner, tester):
    access = workers[0]
    key = access.registry.create_key(owner.id, "key", tester, permissions=["model:read"], models=["wine"])
    access.view.refresh()
    principal = access.authenticator.authenticate({"authorization": f"Bearer {key.secret}"})
    assert principal.may("model:read", "wine")
    assert not principal.may("model:predict", "wine")
    assert not principal.may("model:read", "iris")


def test_an_expired_key_is_refused(workers, owner, tester, clock):
    access = workers[0]
    key = access.registry.create_key(owner.id, "key", tester, seconds=30)
    access.view.refresh()
    assert allowed(access, key_headers(key))
    clock.advance(31)
    assert not allowed(access, key_headers(key))


@pytest.mark.parametrize("wrong", ["mr_", "mr_0123456789abcdef_short", "mr_0123456789abcdef_" + "x" * 43, "x" * 70])
def test_a_key_that_is_none_is_refused(workers, wrong):
    assert not allowed(workers[0], {"x-api-key": wrong})


def test_a_key_s_id_with_another_secret_is_refused(workers, owner, tester):
    key = workers[0].registry.create_key(owner.id, "key", tester)
    workers[0].view.refresh()
    assert not allowed(workers[0], {"x-api-key": key.secret[:-1] + ("a" if key.secret[-1] != "a" else "b")})


def test_a_rotated_key_overlaps_with_the_new_one(workers, owner, tester, clock):
    access = workers[0]
    old = access.registry.create_key(owner.id, "key", tester, permissions=["model:predict"], models=["iris"])
    new = access.registry.rotate_key(old.id, 60, tester)
    access.view.refresh()
    assert allowed(access, key_headers(old))
    assert allowed(access, key_headers(new))
    assert not access.authenticator.authenticate(key_headers(new)).may("model:read", "iris")
    with pytest.raises(Conflict):
        access.registry.rotate_key(old.id, 60, tester)
    clock.advance(61)
    assert not allowed(access, key_headers(old))


def test_the_last_use_of_a_key_is_noted(workers, owner, tester):
    access = workers[0]
    key = access.registry.create_key(owner.id, "key", tester)
    access.view.refresh()
    access.authenticator.authenticate(key_headers(key))
    access.key_uses.write()
    assert access.registry.keys()[0]["last_used_at"] == pytest.approx(time.time(), abs=10)


def test_no_list_shows_a_secret_or_its_hash(workers, owner, tester):
    registry = workers[0].registry
    key = registry.create_key(owner.id, "key", tester)
    listed = repr([registry.clients(), registry.keys(), registry.grants()])
    assert owner.secret not in listed
    assert "argon2" not in listed
    assert key.secret.rpartition("_")[2] not in listed
    assert "digest" not in listed


def test_what_does_not_exist_cannot_be_changed(workers, tester):
    registry = workers[0].registry
    for change in (registry.revoke_client, registry.revoke_key, registry.revoke_grant):
        with pytest.raises(NotFound):
            change("nothing", tester)
    with pytest.raises(NotFound):
        registry.grant(f"{CLIENT}nobody", "viewer", ["*"], tester)


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_new_signing_key_verifies_at_once_and_signs_once_it_has_settled(workers, secrets_dir, token_headers):
    access, (first,) = workers[0], (secrets_dir / "jwt").glob("*.pem")
    age(first, 1000)
    access.ring.refresh()
    before = access.ring.signing.kid
    second = key_ring.create_key(secrets_dir / "jwt")
    access.ring.refresh()
    assert access.ring.signing.kid == before
    assert len(access.ring.jwks()["keys"]) == 2
    age(second, key_ring.SETTLE_SECONDS + 1)
    access.ring.refresh()
    assert access.ring.signing.kid != before
    assert allowed(access, token_headers)


def test_a_followed_signing_key_verifies_until_its_last_token_has_expired(workers, secrets_dir):
    ring, (first,) = workers[0].ring, (secrets_dir / "jwt").glob("*.pem")
    old, second = ring.signing.kid, key_ring.create_key(secrets_dir / "jwt")
    age(first, 10_000)
    age(second, key_ring.SETTLE_SECONDS + 900)
    ring.refresh()
    assert old in ring.verifying
    age(second, key_ring.SETTLE_SECONDS + 900 + 11)
    ring.refresh()
    assert old not in ring.verifying


def test_a_worker_that_has_not_seen_a_new_key_reads_it_when_a_token_names_it(workers, secrets_dir, owner, tester):
    signer, other = workers[0], workers[1]
    key = key_ring.create_key(secrets_dir / "jwt")
    for path in (secrets_dir / "jwt").glob("*.pem"):
        age(path, 500)
    signer.ring.refresh()
    issued = signer.authorization.issue(owner.id, None, tester)
    token = signer.tokens.issue(owner.id, issued.permissions, issued.family)
    assert allowed(other, {"authorization": f"Bearer {token}"}), key


def test_a_removed_signing_key_is_refused_also_where_its_token_is_remembered(workers, secrets_dir, token_headers):
    (first,) = (secrets_dir / "jwt").glob("*.pem")
    wait_for(lambda: all(allowed(worker, token_headers) for worker in workers))
    key_ring.create_key(secrets_dir / "jwt")
    first.unlink()
    wait_for(lambda: not any(allowed(worker, token_headers) for worker in workers))


def test_a_broken_file_among_the_keys_changes_nothing(workers, secrets_dir, token_headers):
    (secrets_dir / "jwt" / "zzz.pem").write_text("no key")
    for worker in workers:
        worker.ring.refresh()
    assert all(allowed(worker, token_headers) for worker in workers)


def test_known_callers_are_served_while_the_database_is_away(workers, owner, token_headers, tester):
    access = workers[0]
    key = access.registry.create_key(owner.id, "key", tester)
    access.view.refresh()
    access.database.away = True
    with pytest.raises(Unavailable):
        access.follow()
    assert allowed(access, token_headers)
    assert allowed(access, key_headers(key))
    assert not allowed(access, {"x-api-key": f"mr_{'0' * 16}_{'x' * 43}"})
    with pytest.raises(Unavailable):
        access.authorization.check_client(owner.id, owner.secret, tester)


def test_after_too_long_without_the_database_nobody_is_known(make_worker, sqlite_url, make_client, tester, clock):
    access = make_worker(sqlite_url, stale_seconds=60, start=False)
    access.view.refresh()
    owner = make_client(access, "owner", "predictor")
    key = access.registry.create_key(owner.id, "key", tester)
    access.view.refresh()
    assert allowed(access, key_headers(key))
    clock.advance(61)
    access.database.away = True
    with pytest.raises(Unavailable):
        access.authenticator.authenticate(key_headers(key))


def test_a_worker_that_starts_without_the_database_goes_by_what_others_left(
    make_worker, database_url, make_client, tester
):
    first = make_worker(database_url)
    owner = make_client(first, "owner", "predictor")
    key, gone = (first.registry.create_key(owner.id, name, tester) for name in ("kept", "gone"))
    first.view.refresh()
    first.registry.revoke_key(gone.id, tester)
    first.view.refresh()
    second = make_worker(database_url, start=False, away=True)
    second.start()
    try:
        assert allowed(second, key_headers(key))
        assert not allowed(second, key_headers(gone))
    finally:
        second.stop()


def test_a_worker_that_knows_nothing_says_that_it_cannot_tell(make_worker, sqlite_url, tmp_path):
    access = make_worker(sqlite_url, start=False, away=True, run_dir=tmp_path / "empty", public_models=("open",))
    with pytest.raises(Unavailable):
        access.follow()
    with pytest.raises(Unavailable):
        access.authenticator.authenticate({"x-api-key": f"mr_{'0' * 16}_{'x' * 43}"})
    assert access.authenticator.authenticate({}).may("model:predict", "open")
