"""Models are loaded before a fork and predicted with after it, as gunicorn's master and workers do."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

PROGRAM = """
import os, sys, time
from pathlib import Path

import numpy as np

from model_store.batch import Batch
from model_store.stores.folder import FolderStore
from model_store.replicas.folder import FolderPresence
from service.presence.replica import ReplicaPresence
from model_store.replicas import announcements
from service.runtime.announcer import Announcer
from service.runtime.catalog import Catalog
from service.runtime.limits import Limits
from service.runtime.loader import Loader
from service.runtime.router import Router
from service.runtime.watcher import Watcher
from service.wire import Target

root, trusted, run = map(Path, sys.argv[1:])
store, catalog = FolderStore(root), Catalog()
loader = Loader(store, trusted)
presence = ReplicaPresence(FolderPresence(run), FolderPresence(run / "shared"))
watcher = Watcher(store, loader, catalog, Announcer(presence, "replica-1"), Limits(watch=0.1))
watcher.preload()
opened = []
loader.open = lambda *args: opened.append(args) or 1 / 0  # what was preloaded needs no second load

children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        watcher.start()
        model = Router(catalog).choose(Target("boosted")).model
        given = model.predict(Batch(50, matrix=np.ones((50, 4))), ("predict",))["predict"]
        states = catalog.snapshot().models["boosted"].states
        announced = any(told.pid == os.getpid() for told in announcements.read(presence))
        good = len(given) == 50 and announced and not opened and len(states) == 1
        watcher.stop()
        os._exit(0 if good else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert codes == [0, 0], codes
assert not announcements.read(presence)
print("fine")
"""


def test_gradient_boosting_loaded_in_the_master_predicts_in_forked_workers(workshop):
    x = np.random.default_rng(0).normal(size=(300, 4))
    workshop.add("boosted", HistGradientBoostingRegressor(max_iter=20).fit(x, x.sum(axis=1)), x, promote=True)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, workshop.root, workshop.trusted, workshop.run_dir],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fine\n"
