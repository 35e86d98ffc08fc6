"""Child processes of the local stack: restarted when they die, and gone when the stack is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.processes import Child, stop

ROOT = Path(__file__).resolve().parents[2]


def turns(child, until, seconds=10):
    """Supervise until the condition holds; what was said."""
    said, deadline = [], time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, said
        said += filter(None, [child.restart_if_ended()])
        time.sleep(0.01)
    return said


@pytest.fixture
def child(tmp_path):
    """Makes children that run a line of shell; ends them after the test."""
    made = []

    def make(script, **more):
        made.append(Child("worker", ["/bin/sh", "-c", script], os.environ, tmp_path / "log", **more))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_child_that_dies_is_started_again_at_once(child):
    one = child("sleep 60")
    first = one.process.pid
    one.process.kill()
    said = turns(one, lambda: one.running and one.process.pid != first)
    assert said == ["worker was ended by SIGKILL; starting it again"]


def test_a_child_that_keeps_dying_is_started_less_and_less_often(child):
    one = child("exit 3")
    said = turns(one, lambda: one.deaths == 3)
    assert said[0] == "worker ended with exit code 3; starting it again"
    assert said[1].endswith("in 1 s")
    assert said[2].endswith("in 2 s")


def test_each_death_is_told_once(child):
    one = child("sleep 60")
    said = []
    for _ in range(2):
        one.deaths = 0
        pid = one.process.pid
        one.process.kill()
        said += turns(one, lambda pid=pid: one.running and one.process.pid != pid)
    assert len(said) == 2


def test_what_a_dead_child_leaves_behind_is_told_to_stop(child, tmp_path):
    one = child(f"trap : TERM; sleep 60 & echo $! > {tmp_path}/left; wait", orphan_signal=signal.SIGKILL)
    turns(one, lambda: (tmp_path / "left").is_file() and (tmp_path / "left").read_text())
    left = int((tmp_path / "left").read_text())
    one.process.kill()
    turns(one, lambda: gone(left))


def test_a_child_that_does_not_stop_is_ended(child):
    one = child("trap : TERM; while :; do sleep 0.1; done")
    time.sleep(0.2)
    stop([one], 0.3, lambda: False)
    assert not one.running


def test_a_second_interrupt_ends_children_at_once(child):
    one = child("trap : TERM; while :; do sleep 0.1; done")
    began = time.monotonic()
    stop([one], 60, lambda: True)
    assert time.monotonic() - began < 30
    assert not one.running


def test_both_outputs_go_to_their_files(child, tmp_path):
    one = child("echo out; echo err >&2; sleep 60", errors=tmp_path / "errors")
    turns(one, lambda: (tmp_path / "errors").read_text() == "err\n")
    assert (tmp_path / "log").read_text() == "out\n"
    assert one.last_words() == "err"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
def test_a_child_goes_when_its_parent_is_killed(tmp_path):
    script = f"""
import os, time
from pathlib import Path
from deploy.local.processes import Child
one = Child("worker", ["/bin/sh", "-c", "echo $$ > {tmp_path}/pid; exec sleep 60"], os.environ, Path("{tmp_path}/log"))
one.start()
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    deadline = time.monotonic() + 20
    while not ((tmp_path / "pid").is_file() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_an_orderly_end_is_no_death_and_is_made_good(child):
    one = child("exit 0")
    said = turns(one, lambda: one.process is None)
    assert said == ["worker stopped in an orderly way; starting it again in 1 s"]
    assert one.deaths == 0
