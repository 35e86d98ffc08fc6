"""What a fault costs callers: nothing. Each test counts every answer of clients that never stop asking."""

import os
import signal
import time

import pytest

from tests.system.running import eventually

pytestmark = pytest.mark.usefixtures("whole")


def assert_none_failed(load):
    assert len(load.seen) > 100
    assert not load.failed, load.failed[:5]


def test_a_replica_killed_twice_fails_no_request(stack, load):
    with load() as clients:
        for _ in range(2):
            time.sleep(1)
            os.kill(stack.pid("replica-1"), signal.SIGKILL)
            eventually(lambda: not stack.ready(1), 10)
            eventually(stack.all_ready, 60, "the replica's return")
        time.sleep(1)
    assert_none_failed(clients)


def test_killed_workers_fail_no_request(stack, load):
    with load() as clients:
        for number in (1, 2, 1, 2):
            time.sleep(0.7)
            os.kill(stack.workers(f"replica-{number}")[0], signal.SIGKILL)
        eventually(stack.all_ready, 60)
        time.sleep(1)
    assert_none_failed(clients)


def test_a_rolling_restart_fails_no_request(stack, load):
    with load() as clients:
        for number in (1, 2):
            old = stack.pid(f"replica-{number}")
            os.kill(old, signal.SIGTERM)
            eventually(lambda number=number: not stack.ready(number), 15)
            eventually(stack.all_ready, 60)
            assert stack.pid(f"replica-{number}") != old
            time.sleep(2.5)  # Nginx leaves a replica that refused it out for two seconds; the next one waits for that
    assert_none_failed(clients)


def test_reloading_nginx_fails_no_request(stack, load):
    # Before 1.27.4 a reloaded Nginx closes kept connections at once, and a client may be writing into one.
    versions = (stack.var / "run/nginx/etc/conf.d/versions.conf").read_text()
    keeps = "\nkeepalive_min_timeout" in versions
    with load(connection="keep-alive" if keeps else "close") as clients:
        for _ in range(3):
            os.kill(stack.pid("nginx"), signal.SIGHUP)
            time.sleep(1)
    assert_none_failed(clients)


def test_a_replica_that_hangs_fails_no_request(stack, load):
    stopped = [stack.pid("replica-1"), *stack.workers("replica-1")]
    with load() as clients:
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(6)
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)
        time.sleep(3)  # Nginx leaves a replica that did not answer out for two seconds
    assert_none_failed(clients)
    assert {seen.replica for seen in clients.seen} == {"replica-1", "replica-2"}


def test_nginx_comes_back_when_it_is_killed(stack, client):
    old = stack.pid("nginx")
    os.kill(old, signal.SIGKILL)
    eventually(lambda: not (stack.var / "run/nginx/nginx.pid").exists() or stack.pid("nginx") != old, 15)

    def answers():
        try:
            return client.get(f"{stack.url}/ping", timeout=2).ok
        except OSError:
            return False

    eventually(answers, 15, "an answer")


def test_fifty_switches_fail_no_request_and_mix_no_versions(stack, load):
    trainer = stack.trainer()
    try:
        with load() as clients:
            for switch in range(50):
                trainer.tell(promote="steady", version=2 - switch % 2)
                time.sleep(0.2)
            time.sleep(2)
        trainer.tell(promote="steady", version=1)
    finally:
        trainer.close()
    assert_none_failed(clients)
    answers = {(seen.version, tuple(seen.body["predictions"])) for seen in clients.seen}
    assert answers == {("1", (1.0, 1.0)), ("2", (2.0, 2.0))}


def test_a_moved_channel_is_followed_by_every_worker_within_two_seconds(stack, load):
    trainer = stack.trainer()
    try:
        for version in (2, 1):
            trainer.tell(promote="steady", version=version)
            time.sleep(2)
            with load(pause=0) as clients:
                time.sleep(1)
            assert {seen.version for seen in clients.seen} == {str(version)}
            assert {seen.replica for seen in clients.seen} == {"replica-1", "replica-2"}
    finally:
        trainer.close()
