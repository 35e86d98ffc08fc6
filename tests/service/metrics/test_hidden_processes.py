"""What the kernel hides of workers that are not dumpable is what they have told, and all else is as before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.metrics.processes import own_facts

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import json, os
from model_store.confinement import privileges
from service.metrics.processes import Processes
NOBODY = 65534
if os.getuid() == 0:
    os.setgid(NOBODY)
    os.setuid(NOBODY)
assert privileges.hide_memory()
waits, wakes = os.pipe()
worker = os.fork()
if worker == 0:
    os.close(wakes)
    os.read(waits, 1)
    os._exit(0)
told = {worker: {"open_files": 77, "read_bytes": 1024, "write_bytes": 2048}}
print(json.dumps([[name, *labels, value] for name, labels, value in Processes(lambda: told).read() if labels]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it")
def test_a_master_without_root_s_rights_tells_what_its_workers_have_told():
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    readings = {(name, worker): value for name, worker, value in json.loads(run.stdout)}
    assert readings["millrace_worker_open_files", "0"] == 77
    assert readings["millrace_worker_disk_read_bytes_total", "0"] == 1024
    assert readings["millrace_worker_disk_written_bytes_total", "0"] == 2048
    assert readings["millrace_worker_resident_memory_bytes", "0"] > 2**20
    assert readings["millrace_worker_threads", "0"] == 1
    assert readings["millrace_worker_open_files", "master"] >= 5
    assert {name for name, worker in readings if worker == "0"} == {name for name, w in readings if w == "master"}


def test_a_process_counts_its_open_files_and_what_it_writes(tmp_path):
    before = own_facts()
    with (tmp_path / "file").open("wb") as file:
        assert own_facts()["open_files"] == before["open_files"] + 1
        file.write(os.urandom(2**20))
        file.flush()
        os.fsync(file.fileno())
    assert own_facts()["open_files"] == before["open_files"]
    assert own_facts()["write_bytes"] >= before["write_bytes"]
