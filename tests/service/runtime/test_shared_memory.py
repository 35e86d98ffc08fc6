"""Two workers hold the arrays of a forest once: what they take in all is the arrays and little more."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression

from model_store.extension.loader import kernels
from model_store.plans import files

MOST = 1.3
ROWS = np.random.default_rng(1).normal(size=(2000, 5))
WORKER = """
import sys
from itertools import chain
from pathlib import Path

from model_store.stores.folder import FolderStore
from service.runtime.loader import Loader
from service.runtime.private_copies import PrivateCopies

root, trusted, folder = map(Path, sys.argv[1:])
loader, models = Loader(FolderStore(root), trusted, copies=PrivateCopies(folder)), []
for line in chain(["small"], sys.stdin):
    models.append(loader.warm(loader.open(line.strip(), 1, lambda _: None), lambda _: None))
    print(models[-1].engine.name, flush=True)
"""


@pytest.fixture
def forest(workshop):
    """A forest of which every tree has many different values, next to a small model, and the bytes of its arrays."""
    targets = np.random.default_rng(2).normal(size=(len(ROWS), 40))
    workshop.add("small", LinearRegression().fit(ROWS, targets[:, 0]), ROWS[:50])
    workshop.add("forest", ExtraTreesRegressor(40, max_features=1, random_state=0).fit(ROWS, targets), ROWS[:50])
    return workshop.store.manifest("forest", 1).files[files.ARRAYS].bytes


@contextmanager
def worker(workshop, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, workshop.root, workshop.trusted, folder],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def held(processes):
    """The bytes that processes take in all: of a page that several share, each counts an equal part."""
    lines = (line for p in processes for line in Path(f"/proc/{p.pid}/smaps_rollup").read_text().splitlines())
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system does not show what is shared")
@pytest.mark.skipif(kernels() is None, reason="the extension is not built here: deploy/local/build-extension")
def test_a_forest_takes_its_arrays_once_for_two_workers(workshop, forest, tmp_path):
    assert forest > 20 * 2**20
    with ExitStack() as running:
        workers = [running.enter_context(worker(workshop, tmp_path / "arrays")) for _ in range(2)]
        assert [each.stdout.readline() for each in workers] == ["compiled\n"] * 2
        before = held(workers)
        for each in workers:
            each.stdin.write("forest\n")
            each.stdin.flush()
            assert each.stdout.readline() == "compiled\n"
        assert 0.9 * forest < held(workers) - before < MOST * forest
