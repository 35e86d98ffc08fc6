"""What is added the short way is in the files as if prometheus_client had added it, in each process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.metrics import files
from service.metrics.adding import adder, observer, setter

AMOUNTS = (0.0, 0.05, 0.1, 0.10000000000000002, 0.5, 7, 1e300, float("inf"))

PROGRAM = """
import os, sys
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from service.metrics.adding import adder, observer, together

registry = CollectorRegistry()
counter = Counter("c_total", "", ["label"], registry=registry)
gauge = Gauge("g", "", registry=registry, multiprocess_mode="livesum")
histogram = Histogram("h", "", registry=registry, buckets=(0.1, 0.5, 1))
if sys.argv[1] == "short":
    def count(label): return adder(counter.labels(label))
    move, observe = adder(gauge), observer(histogram)
    both = together(adder(gauge), observer(histogram))
else:
    def count(label): return counter.labels(label).inc
    move, observe = gauge.inc, histogram.observe
    def both(one, other): move(one), observe(other)

def work(times):
    for _ in range(times):
        first(2.5), move(3), move(-1), observe(0.1), observe(0.7), both(5, 0.3)

first = count("first")
work(2)
for label in range(3000):  # the file grows, and is mapped anew
    count(str(label))(1)
work(3)
if os.fork() == 0:
    work(4)
    late = count("late")
    if os.fork() == 0:
        late(1)
        work(5)
        os._exit(0)
    os.wait()
    late(7)
    os._exit(0)
os.wait()
work(1)
"""


@pytest.fixture
def written(tmp_path):
    """Runs the program; gives the values in its files, and how many files it wrote."""

    def run(way):
        folder = tmp_path / way
        folder.mkdir()
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": str(Path.cwd())}
        subprocess.run([sys.executable, "-c", PROGRAM, way], env=environment, timeout=60, check=True)
        return files.read(folder)

    return run


def test_files_are_the_same_as_those_of_prometheus_client_after_growth_and_forks(written):
    short, count = written("short")
    assert (short, count) == written("long")
    assert count == 9
    by_label = {json.loads(key)[2].get("label"): value for key, (value, _) in short["counter"].items()}
    assert by_label["first"] == 2.5 * (2 + 3 + 4 + 5 + 1)
    assert by_label["late"] == 8


def test_a_gauge_that_is_set_keeps_its_last_value_in_each_process_and_shows_the_largest(tmp_path):
    program = """
import os
from prometheus_client import CollectorRegistry, Gauge
from service.metrics.adding import setter

gauge = Gauge("g", "", ["label"], registry=CollectorRegistry(), multiprocess_mode="max")
first, never = setter(gauge.labels("first")), setter(gauge.labels("never"))
first(9), first(3)
if os.fork() == 0:
    first(7), first(5)
    os._exit(0)
os.wait()
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=True)
    found, count = files.read(tmp_path)
    values = {json.loads(key)[2]["label"]: value for key, (value, _) in found["gauge_max"].items()}
    assert (values["first"], count) == (5, 2)


def test_a_gauge_in_one_process_is_set():
    registry = CollectorRegistry()
    set_to = setter(Gauge("g", "", registry=registry))
    set_to(9)
    set_to(2.5)
    assert registry.get_sample_value("g") == 2.5


@pytest.mark.parametrize("amount", AMOUNTS)
def test_values_in_one_process_are_those_of_prometheus_client(amount):
    one, other = CollectorRegistry(), CollectorRegistry()
    for registry, add, observe in (
        (one, adder, observer),
        (other, lambda metric: metric.inc, lambda metric: metric.observe),
    ):
        add(Counter("c", "", registry=registry))(amount)
        add(Gauge("g", "", registry=registry))(-amount)
        observe(Histogram("h", "", registry=registry, buckets=(0.1, 0.5)))(amount)
    samples = [[(s.name, s.labels, s.value) for m in r.collect() for s in m.samples] for r in (one, other)]
    shown = [[sample for sample in found if not sample[0].endswith("_created")] for found in samples]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 7
