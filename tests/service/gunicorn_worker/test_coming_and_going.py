"""However a worker comes and goes, what it received is answered, and its address is somebody's."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.service.gunicorn_worker.servers import eventually, request


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def somebody(server, slot=0):
    """Give who answers at a slot's address; a worker that has just been killed may still take a connection."""
    with contextlib.suppress(OSError, AssertionError):
        return server.pid(slot)
    return None


def test_nothing_is_at_its_address_before_a_worker_can_serve(serve):
    server = serve(warm_up=1.0, wait=False)
    eventually(lambda: "Booting worker" in server.log.read_text())
    assert not Path(server.address().removeprefix("unix:")).exists()
    eventually(server.listens)
    assert server.get().status == 200


def test_a_worker_that_is_told_to_stop_answers_all_that_it_received(serve):
    server = serve()
    busy, part, kept, waiting = (server.connect() for _ in range(4))
    assert not kept.ask().closes
    busy.send(request("/sleep?1"))
    whole = request("/part", b"body", method="POST")
    part.send(whole[:-1])
    time.sleep(0.2)
    waiting.send(request("/waiting"))
    server.signal(signal.SIGTERM)
    time.sleep(0.2)
    kept.send(request("/kept"))
    part.send(whole[-1:])
    for caller, target in ((busy, "/sleep?1"), (waiting, "/waiting"), (kept, "/kept"), (part, "/part")):
        answer = caller.answer()
        assert (answer.status, answer.closes) == (200, True)
        assert answer.json["environ"]["RAW_URI"] == target
        assert caller.rest() == b""
        caller.close()
    assert server.stop() == 0
    assert not Path(server.address().removeprefix("unix:")).exists()


def test_a_worker_that_stops_takes_no_new_connection_while_it_finishes(serve):
    server = serve()
    with server.connect() as busy:
        busy.send(request("/large?30000000"))
        eventually(lambda: busy.stream.peek(1))
        server.signal(signal.SIGTERM)
        eventually(lambda: not server.listens())
        answer = busy.answer()
        assert (len(answer.body), answer.closes) == (30_000_000, False)
    assert server.stop() == 0


def test_an_unused_connection_does_not_keep_a_worker_from_stopping(serve):
    server = serve(graceful=20)
    with server.connect() as unused, server.connect() as kept:
        assert kept.ask().status == 200
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15
        assert (unused.rest(), kept.rest()) == (b"", b"")


def test_a_worker_that_dies_is_replaced_at_its_address(serve):
    server = serve(workers=3)
    pids = [server.pid(slot) for slot in range(3)]
    for slot in (1, 0, 2, 1):
        before = server.pid(slot)
        os.kill(before, signal.SIGKILL)
        eventually(lambda before=before, slot=slot: somebody(server, slot) not in {None, before})
    assert len({server.pid(slot) for slot in range(3)} - set(pids)) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_worker_that_is_told_to_end_by_itself_is_replaced_at_its_address(serve, number):
    server = serve()
    before = server.pid()
    os.kill(before, number)
    eventually(lambda: somebody(server) not in {None, before})


def test_log_files_are_reopened_without_a_pause(serve):
    server = serve()
    pid = server.pid()
    server.signal(signal.SIGUSR1)
    assert [server.pid() for _ in range(50)] == [pid] * 50


def test_a_reload_leaves_no_moment_without_a_worker(serve):
    server = serve(workers=2, warm_up=1.0)
    before = [server.pid(slot) for slot in range(2)]
    seen, failed, stop = [set(), set()], [], threading.Event()

    def call(slot):
        while not stop.is_set():
            try:
                seen[slot].add(server.pid(slot))
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=call, args=(slot,)) for slot in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    server.signal(signal.SIGHUP)
    eventually(lambda: all(len(pids) == 2 for pids in seen))
    eventually(lambda: not any(alive(pid) for pid in before))
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [pids >= {pid} for pids, pid in zip(seen, before, strict=True)] == [True, True]
    assert not seen[0] & seen[1]


def test_a_reload_over_tcp_hands_the_port_on(serve):
    server = serve(port=18185, warm_up=1.0)
    before = server.pid()
    with server.connect() as kept:
        assert kept.ask().status == 200
        server.signal(signal.SIGHUP)
        eventually(lambda: "Booting worker" in server.log.read_text().partition("Hang up")[2])
        assert server.pid() == before
        eventually(lambda: somebody(server) not in {None, before})
    eventually(lambda: not alive(before))
    assert server.get().status == 200


def test_a_successor_that_dies_on_its_way_does_not_keep_its_predecessor(serve):
    server = serve(warm_up=3.0, graceful=30)
    before = server.pid()
    server.signal(signal.SIGHUP)
    heir = eventually(lambda: next((pid for pid in children(server.process.pid) if pid != before), None))
    os.kill(heir, signal.SIGKILL)
    eventually(lambda: not alive(before), 10)
    eventually(lambda: somebody(server) not in {None, before, heir})


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_hangs_in_one_request_is_ended_and_replaced(serve):
    server = serve(timeout=2)
    before = server.pid()
    with server.connect() as caller:
        caller.send(request("/sleep?60"))
        assert caller.rest() == b""
    eventually(lambda: somebody(server) not in {None, before})
    assert "WORKER TIMEOUT" in server.log.read_text()


def test_a_worker_that_answers_many_requests_lives_though_all_of_them_take_longer_than_one_may(serve):
    server = serve(timeout=2)
    before = server.pid()
    callers = [server.connect() for _ in range(12)]
    for caller in callers:
        caller.send(request("/sleep?0.4"))
    assert [caller.answer().status for caller in callers] == [200] * 12
    for caller in callers:
        caller.close()
    assert server.pid() == before


def test_workers_end_when_their_master_has(serve):
    server = serve(workers=2)
    pids = [server.pid(slot) for slot in range(2)]
    os.kill(server.process.pid, signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in pids))
    assert not Path(server.address().removeprefix("unix:")).exists()


def test_nobody_can_make_or_take_away_a_worker_that_nginx_does_not_know_of(serve):
    server = serve(workers=2)
    pids = [server.pid(slot) for slot in range(2)]
    for said, number in enumerate((signal.SIGTTIN, signal.SIGTTOU), start=1):
        server.signal(number)
        eventually(lambda said=said: server.log.read_text().count("The number of workers stays 2") == said)
    assert [server.pid(slot) for slot in range(2)] == pids
    assert children(server.process.pid) == pids


def test_the_master_listens_nowhere(serve):
    server = serve(port=18190)
    descriptors = Path(f"/proc/{server.process.pid}/fd").iterdir()
    inodes = {str(descriptor.readlink()) for descriptor in descriptors}
    listening = {
        f"socket:[{fields[9]}]"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A"
    }
    assert listening
    assert not inodes & listening


def test_a_worker_that_cannot_listen_stops_the_server_and_says_why(serve):
    server = serve(wait=False, bind="unix:/nowhere/at/all.sock")
    assert server.process.wait(20) == 3
    assert "No such file or directory" in server.log.read_text()
    assert "Worker failed to boot" in server.log.read_text()
