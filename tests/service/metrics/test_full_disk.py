"""On a full disk no metric ends a process: what cannot be written is dropped, counted, and written once there is room.

A file may grow to a limit here (RLIMIT_FSIZE), which is how a quota answers: with an error where room is allocated.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.metrics import files

PRELUDE = """
import os, resource, signal
from pathlib import Path
from service.metrics import files
FOLDER = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def full(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

def roomy():
    full(resource.RLIM_INFINITY)
"""


@pytest.fixture
def values(tmp_path):
    """Runs a program; gives what its files hold of a metric, by the values of its labels."""

    def run(program):
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run([sys.executable, "-c", PRELUDE + program], env=environment, timeout=60, check=False)
        assert done.returncode == 0
        merged, _ = files.read(tmp_path)
        found = {}
        for held in merged.values():
            for key, (value, _) in held.items():
                _, name, labels, _ = json.loads(key)
                found[name, tuple(labels.values())] = value
        return found

    return run


def test_a_file_that_cannot_be_made_loses_nothing_once_there_is_room(values):
    found = values("""
full(0)
from service.metrics import unwritten
from service.metrics.adding import adder
from service.metrics.instruments import child
add = adder(child("millrace_shed_total", "overloaded"))
for _ in range(5): add(1)
child("millrace_shed_total", "late").inc(3)
unwritten.settle()
assert not list(FOLDER.iterdir())
roomy()
unwritten.settle()
add(1)
""")
    assert found["millrace_shed_total", ("overloaded",)] == 6
    assert found["millrace_shed_total", ("late",)] == 3
    assert found["millrace_unwritten_total", ("metric",)] > 5


GROWTH = """
from service.metrics import unwritten, whole
from service.metrics.adding import adder
from service.metrics.instruments import child
full(whole.FIRST)
adders = [adder(child("millrace_quota_refusals_total", str(n))) for n in range(3000)]
for add in adders: add(2)
first, last = adders[0], adders[-1]
unwritten.settle()
"""


def test_a_file_that_cannot_grow_keeps_what_it_holds_and_drops_and_counts_the_rest(values):
    found = values(GROWTH + "first(1)\n")
    held = {labels: value for (name, labels), value in found.items() if name == "millrace_quota_refusals_total"}
    assert held["0",] == 3
    assert ("2999",) not in held
    assert set(held.values()) == {0, 2, 3}
    assert 100 < len(held) < 3000
    assert found["millrace_unwritten_total", ("metric",)] == 3002 - len(held)


def test_a_file_that_could_not_grow_has_everything_once_there_is_room(values):
    found = values(GROWTH + "roomy()\nlast(1)\nunwritten.settle()\nfirst(1), last(1)\n")
    held = [
        value
        for (name, labels), value in found.items()
        if name == "millrace_quota_refusals_total" and labels[0].isdigit()
    ]
    assert (sorted(held)[:2998], sorted(held)[2998:]) == ([2] * 2998, [3, 4])


def test_a_dead_workers_files_stay_and_go_on_being_counted_until_they_fit_into_the_archive(values):
    found = values("""
from service.metrics.instruments import child
def worker():
    pid = os.fork()
    if not pid:
        child("millrace_shed_total", "overloaded").inc(4)
        os._exit(0)
    os.waitpid(pid, 0)
    return pid
def shown():
    merged, _ = files.read(FOLDER)
    return sum(value for key, (value, _) in merged["counter"].items() if "overloaded" in key)
one, other = worker(), worker()
full(1)
files.archive(FOLDER, one)
assert list(FOLDER.glob(f"*_{one}.db")), "its files stay"
assert shown() == 8
roomy()
files.archive(FOLDER, other)
assert not list(FOLDER.glob(f"*_{one}.db"))
assert not list(FOLDER.glob(f"*_{other}.db"))
assert shown() == 8
""")
    assert found["millrace_shed_total", ("overloaded",)] == 8
