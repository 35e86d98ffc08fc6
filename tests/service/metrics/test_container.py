"""What a replica's container may use: the tightest limit of its control group and of those that hold it."""

import os

import pytest

from service.metrics.container import Container

GIB = 2**30


def written(folder, **texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


@pytest.fixture
def machine(tmp_path):
    """A machine with 8 GiB, a group `outer` and in it the group `outer/own` of this process."""
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    written(proc / "self", cgroup="0::/outer/own")
    written(proc, meminfo=f"MemTotal: {8 * GIB // 1024} kB\nMemFree: 1 kB\nMemAvailable: {6 * GIB // 1024} kB")
    written(proc / "pressure", io="some avg10=0.00 avg60=0.00 avg300=0.00 total=7000000\nfull total=1")
    written(root, cgroup__controllers="cpu io memory")
    written(root / "outer", memory__max="max", cpu__max="max 100000")
    written(root / "outer" / "own", memory__max="max", cpu__max="max 100000")
    return proc, root


def read(machine):
    proc, root = machine
    return {name.removeprefix("millrace_container_"): value for name, _, value in Container(root, proc).read()}


def test_without_limits_it_is_the_machine(machine):
    assert read(machine) == {
        "memory_used_bytes": 2 * GIB,
        "memory_limit_bytes": 8 * GIB,
        "cpu_limit_cores": len(os.sched_getaffinity(0)),
        "disk_stalled_seconds_total": 7.0,
    }


def test_limits_of_the_own_group_are_told_and_file_pages_that_can_go_are_not_used(machine):
    written(
        machine[1] / "outer" / "own",
        memory__max=str(2 * GIB),
        memory__current=str(GIB),
        memory__stat=f"anon 5\ninactive_file {GIB // 4}\nactive_file 7",
        cpu__max="50000 100000",
        io__pressure="some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull total=1",
    )
    assert read(machine) == {
        "memory_used_bytes": GIB * 3 // 4,
        "memory_limit_bytes": 2 * GIB,
        "cpu_limit_cores": 0.5,
        "disk_stalled_seconds_total": 2.5,
    }


def test_the_limit_with_the_least_left_counts(machine):
    stat = "inactive_file 0"
    written(machine[1] / "outer" / "own", memory__max=str(2 * GIB), memory__current=str(GIB), memory__stat=stat)
    written(machine[1] / "outer", memory__max=str(4 * GIB), memory__current=str(4 * GIB - 9), memory__stat=stat)
    written(machine[1] / "outer", cpu__max="25000 100000")
    told = read(machine)
    assert (told["memory_used_bytes"], told["memory_limit_bytes"]) == (4 * GIB - 9, 4 * GIB)
    assert told["cpu_limit_cores"] == 0.25


def test_a_kernel_with_groups_of_version_1_and_without_pressure_tells_the_machine_and_no_waiting(machine):
    proc, root = machine
    (root / "cgroup.controllers").unlink()
    (proc / "pressure" / "io").unlink()
    written(root / "outer" / "own", memory__max=str(GIB), memory__current="5", memory__stat="inactive_file 0")
    told = read(machine)
    assert told.keys() == {"memory_used_bytes", "memory_limit_bytes", "cpu_limit_cores"}
    assert told["memory_limit_bytes"] == 8 * GIB


def test_this_machine_can_be_read():
    told = {name: value for name, _, value in Container().read()}
    assert 0 < told["millrace_container_memory_used_bytes"] < told["millrace_container_memory_limit_bytes"]
    assert told["millrace_container_cpu_limit_cores"] > 0
