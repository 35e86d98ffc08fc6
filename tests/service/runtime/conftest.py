"""A store to work on, versions made in milliseconds, and a watcher over it."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from model_store import channels, seal
from model_store.capture.draft import CaptureOptions, capture
from model_store.plans import files
from model_store.replicas.folder import FolderPresence
from model_store.seal import SealingKey
from model_store.stores.folder import FolderStore
from service.presence.replica import ReplicaPresence
from service.runtime.announcer import Announcer
from service.runtime.catalog import Catalog
from service.runtime.convergence import Convergence
from service.runtime.limits import Limits
from service.runtime.loader import Loader
from service.runtime.router import Router
from service.runtime.watcher import Watcher
from service.wire import Target

SAMPLE = np.arange(30.0).reshape(10, 3)


class FailingStore(FolderStore):
    """A store that cannot be listed while ``failing``."""

    failing = False

    def models(self):
        if self.failing:
            raise RuntimeError("this is not foreseen")
        return super().models()


class RefusingLoader(Loader):
    """A loader that opens nothing while ``refusing``."""

    refusing = False

    def open(self, name, version, moved):
        if self.refusing:
            raise RuntimeError("it was to be opened before")
        return super().open(name, version, moved)


class Workshop:
    """Makes sealed versions without the gate's process, so that a test can have many, and bad ones too."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "models"
        self.root.mkdir(parents=True)
        self.store = FailingStore(self.root)
        self.key = seal.create_keys(folder / "keys")
        self.trusted = folder / "keys" / "trusted"
        self.run_dir = folder / "run"
        self.shared = folder / "presence"
        self.presence = ReplicaPresence(FolderPresence(self.run_dir), FolderPresence(self.shared))

    def add(self, name, estimator, sample=SAMPLE, *, promote=False, key=None, artifact_format="auto") -> int:
        options = CaptureOptions(
            name=name,
            created_by="tests",
            metrics={},
            unknown_categories="accept",
            artifact_format=artifact_format,
            force=False,
        )
        with self.store.staging(name) as folder:
            draft = capture(estimator, sample, folder, options, lambda _: None)
            version = self.store.add(
                name,
                folder,
                lambda number: seal.seal(folder, dataclasses.replace(draft, version=number), key or self.key),
            )
        if promote:
            channels.promote(self.store, name, version, "tests")
        return version

    def constant(self, name, value=None, *, promote=False, key=None) -> int:
        """A version that answers its own number, or ``value``."""
        if value is None:
            folder = self.store.model_folder(name)
            value = max([0, *(int(path.name) for path in folder.glob("[0-9]*"))]) + 1
        estimator = DummyRegressor(strategy="constant", constant=float(value)).fit(SAMPLE, SAMPLE[:, 0])
        return self.add(name, estimator, promote=promote, key=key)

    def with_artifact(self, name, thing, *, promote=False) -> int:
        """A version under a whole, trusted seal whose artifact is a pickle of ``thing``, which no gate has tried."""
        buffer = io.BytesIO()
        joblib.dump(thing, buffer)
        estimator = DummyRegressor(strategy="constant", constant=0.0).fit(SAMPLE, SAMPLE[:, 0])
        version = self.add(name, estimator, artifact_format="joblib")
        folder = self.store.version_folder(name, version)
        overwrite(folder / "artifact.joblib", buffer.getvalue())
        for file in (files.PLAN, files.ARRAYS):  # which would be served in its place
            (folder / file).unlink(missing_ok=True)
        self.seal_again(name, version)
        if promote:
            self.promote(name, version)
        return version

    def seal_again(self, name, version, key: SealingKey | None = None, **changes) -> None:
        """Seal the files as they are now, under a manifest with these changes."""
        folder = self.store.version_folder(name, version)
        changes["files"] = seal.file_seals(folder)
        manifest = dataclasses.replace(self.store.manifest(name, version), **changes)
        (folder / seal.MANIFEST).unlink()
        (folder / seal.SEAL).unlink()
        seal.seal(folder, manifest, key or self.key)

    def promote(self, name, version) -> None:
        channels.promote(self.store, name, version, "tests")

    def announcer(self, replica="replica-1") -> Announcer:
        return Announcer(self.presence, replica)

    def converges(self, name, seconds=5.0) -> bool:
        return Convergence(self.store, self.presence, seconds).wait(name)


def overwrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


class Worker:
    """What one worker process has of the runtime."""

    def __init__(self, workshop: Workshop, replica="replica-1", **limits) -> None:
        self.catalog = Catalog()
        self.router = Router(self.catalog)
        self.loader = RefusingLoader(workshop.store, workshop.trusted)
        self.announcer = workshop.announcer(replica)
        self.watcher = Watcher(
            workshop.store,
            self.loader,
            self.catalog,
            self.announcer,
            Limits(**{"watch": 0.05, **limits}),
            note=workshop.run_dir / "store",
        )

    def choose(self, model, version=None, label=None):
        return self.router.choose(Target(model, version, label)).model

    def states(self, model):
        return {v: state.state.value for v, state in self.catalog.snapshot().models[model].states.items()}

    def reason(self, model, version):
        return self.catalog.snapshot().models[model].states[version].reason


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def make_worker(workshop) -> Iterator[Callable[..., Worker]]:
    """Makes workers; the keywords are those of Limits."""
    made: list[Worker] = []

    def make(**limits) -> Worker:
        made.append(Worker(workshop, **limits))
        return made[-1]

    yield make
    for worker in made:
        worker.watcher.stop()


@pytest.fixture
def worker(make_worker) -> Worker:
    return make_worker()
