"""The law: a version that fails never displaces one that serves."""

import json
import shutil
import threading
import time

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from model_store import channels, publish
from model_store.batch import Batch
from model_store.plans import files
from model_store.replicas.announcements import read
from model_store.seal import SealingKey
from model_store.stores.folder import POINTERS
from service.errors import ModelNotFound, ModelNotReady, VersionNotFound
from service.runtime.convergence import Convergence
from service.runtime.limits import LIMITS

SAMPLE = np.arange(30.0).reshape(10, 3)
ROW = Batch(1, matrix=SAMPLE[:1])


def until(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def answer(model):
    return model.predict(ROW, ("predict",))["predict"][0]


class Hangs:
    """Unpickling it takes very long."""

    def __reduce__(self):
        return time.sleep, (3600,)


class Exits:
    """Unpickling it ends the process, if it may."""

    def __reduce__(self):
        return exit, (3,)


def replace(path, data):
    path.unlink()
    path.write_bytes(data)


def corrupt(workshop, name, version):
    arrays = workshop.store.version_folder(name, version) / files.ARRAYS
    data = bytearray(arrays.read_bytes())
    data[len(data) // 2] ^= 1
    replace(arrays, bytes(data))


def truncate(workshop, name, version):
    arrays = workshop.store.version_folder(name, version) / files.ARRAYS
    replace(arrays, arrays.read_bytes()[:-20])


def unseal(workshop, name, version):
    (workshop.store.version_folder(name, version) / "manifest.sig").unlink()


def seal_with_a_foreign_key(workshop, name, version):
    path = workshop.root.parent / "foreign.pem"
    workshop.seal_again(name, version, SealingKey.create(path))


def put_a_lie_for_an_answer(workshop, name, version):
    """Another version's golden rows under a whole seal: the estimator does not answer what is stored."""
    folder = workshop.store.version_folder(name, version)
    replace(folder / "golden.npz", (workshop.store.version_folder(name, 1) / "golden.npz").read_bytes())
    workshop.seal_again(name, version)


def put_another_version_in_its_place(workshop, name, version):
    folder = workshop.store.version_folder(name, version)
    shutil.rmtree(folder)
    shutil.copytree(workshop.store.version_folder(name, 1), folder)


DAMAGES = [
    corrupt,
    truncate,
    unseal,
    seal_with_a_foreign_key,
    put_a_lie_for_an_answer,
    put_another_version_in_its_place,
]


def test_what_is_stable_when_the_worker_starts_answers_once_it_has_started(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    model = worker.choose("m")
    assert (model.name, model.version, answer(model)) == ("m", 1, 1.0)


def test_a_model_published_with_the_store_s_own_command_is_served_and_swapped(workshop, worker):
    worker.watcher.start()
    x = np.random.default_rng(0).normal(size=(50, 3))
    estimator = LinearRegression().fit(x, x @ [1.0, 2.0, 3.0])
    publish(workshop.root, "line", estimator, x, promote=True)
    until(lambda: "line" in worker.catalog.snapshot().models and worker.catalog.snapshot().models["line"].stable == 1)
    batch = Batch(1, matrix=np.array([[1.0, 1.0, 1.0]]))
    assert worker.choose("line").predict(batch, ("predict",))["predict"][0] == pytest.approx(6)


def test_a_moved_pointer_is_followed_within_two_seconds(workshop, worker):
    workshop.constant("m", promote=True)
    workshop.constant("m")
    worker.watcher.start()
    workshop.promote("m", 2)
    until(lambda: worker.choose("m").version == 2, seconds=2)
    assert answer(worker.choose("m")) == 2.0


def test_rollback_brings_the_version_before_back(workshop, worker):
    workshop.constant("m", promote=True)
    workshop.constant("m", promote=True)
    worker.watcher.start()
    assert worker.choose("m").version == 2
    channels.rollback(workshop.store, "m", "tests")
    until(lambda: worker.choose("m").version == 1)


def test_a_demoted_model_answers_by_label_alone(workshop, worker):
    for _ in range(2):
        workshop.constant("m", promote=True)
    channels.set_label(workshop.store, "m", "old", 1, "tests")
    worker.watcher.start()
    channels.demote(workshop.store, "m", "tests")
    until(lambda: worker.catalog.snapshot().models["m"].stable is None)
    with pytest.raises(ModelNotReady, match="no stable version"):
        worker.choose("m")
    assert answer(worker.choose("m", label="old")) == 1
    assert answer(worker.choose("m", version=1)) == 1
    assert workshop.converges("m")


def test_a_published_version_is_known_and_not_loaded(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    workshop.constant("m")
    until(lambda: worker.states("m") == {1: "READY", 2: "NEW"})
    with pytest.raises(VersionNotFound):
        worker.choose("m", 2)


def test_an_explicit_load_a_label_an_unload_and_a_load_are_followed(workshop, worker):
    for _ in range(3):
        workshop.constant("m")
    workshop.promote("m", 1)
    worker.watcher.start()
    channels.load(workshop.store, "m", 2, "tests")
    channels.set_label(workshop.store, "m", "beta", 3, "tests")
    assert workshop.converges("m")
    assert worker.choose("m", 2).version == 2
    assert worker.choose("m", None, "beta").version == 3
    channels.unload(workshop.store, "m", "tests")
    assert workshop.converges("m")
    until(lambda: worker.states("m") == dict.fromkeys((1, 2, 3), "RETIRED"))
    with pytest.raises(ModelNotFound):
        worker.choose("m")
    channels.load(workshop.store, "m", None, "tests")
    assert workshop.converges("m")
    assert worker.choose("m").version == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_version_that_fails_leaves_the_old_one_serving(workshop, worker, damage):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    workshop.constant("m")
    damage(workshop, "m", 2)
    workshop.promote("m", 2)
    until(lambda: worker.states("m").get(2) == "FAILED")
    assert worker.reason("m", 2)
    assert worker.choose("m").version == 1
    assert answer(worker.choose("m")) == 1.0
    with pytest.raises(ModelNotReady):
        worker.choose("m", 2)
    assert not workshop.converges("m")
    assert 2 in Convergence(workshop.store, workshop.presence).failures("m")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_worker_that_starts_beside_a_failed_stable_version_serves_the_one_before(workshop, worker, damage):
    workshop.constant("m", promote=True)
    workshop.constant("m")
    damage(workshop, "m", 2)
    workshop.promote("m", 2)
    worker.watcher.boot()
    assert worker.states("m") == {1: "READY", 2: "FAILED"}
    assert worker.choose("m").version == 1


def test_an_artifact_that_ends_the_process_is_a_failure_like_any_other(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    workshop.with_artifact("m", Exits(), promote=True)
    until(lambda: worker.states("m").get(2) == "FAILED")
    assert worker.choose("m").version == 1


def test_a_hanging_load_neither_displaces_nor_delays_others(workshop, worker):
    workshop.constant("m", promote=True)
    workshop.constant("other", promote=True)
    worker.watcher.start()
    workshop.with_artifact("m", Hangs(), promote=True)
    until(lambda: worker.states("m").get(2) == "LOADING")
    workshop.constant("other", promote=True)
    until(lambda: worker.choose("other").version == 2, seconds=2)
    assert worker.choose("m").version == 1
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 3, seconds=2)


def test_one_bad_model_stops_neither_the_start_nor_the_others(workshop, worker):
    workshop.constant("bad", 7.0, promote=True)  # with the arrays of the good one, a whole copy of those would be used
    corrupt(workshop, "bad", 1)
    workshop.constant("good", promote=True)
    worker.watcher.boot()
    assert worker.choose("good").version == 1
    with pytest.raises(ModelNotReady, match="not what was sealed"):
        worker.choose("bad")


def test_a_model_that_hangs_holds_up_the_start_for_a_bounded_time(workshop, make_worker):
    worker = make_worker(boot=0.5, preload=0.5)
    workshop.with_artifact("hangs", Hangs(), promote=True)
    workshop.constant("good", promote=True)
    worker.watcher.preload()
    worker.watcher.boot()
    assert worker.choose("good").version == 1
    assert worker.states("hangs") == {1: "LOADING"}
    (told,) = read(workshop.presence)
    assert not told.settled


def test_a_worker_has_settled_once_its_first_models_are_loaded_or_have_failed_and_stays_so(workshop, make_worker):
    workshop.constant("steady", 7, promote=True)
    workshop.with_artifact("slow", Hangs(), promote=True)
    worker = make_worker(boot=0.5, long_load=0.2, load=2.0)
    worker.watcher.boot()
    assert not worker.catalog.snapshot().settled
    worker.watcher.start()
    until(lambda: worker.catalog.snapshot().settled)
    assert worker.states("slow") == {1: "FAILED"}
    workshop.with_artifact("later", Hangs(), promote=True)
    until(lambda: "later" in worker.catalog.snapshot().models and worker.states("later") == {1: "LOADING"})
    assert worker.catalog.snapshot().settled


def test_what_was_opened_before_is_only_warmed_at_the_start(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.preload()
    assert not worker.catalog.snapshot().models, "nothing has predicted yet"
    worker.loader.refusing = True
    worker.watcher.boot()
    assert worker.choose("m").version == 1


def test_a_failed_version_is_tried_again_when_its_files_change(workshop, worker):
    workshop.constant("m", promote=True)
    arrays = workshop.store.version_folder("m", 1) / files.ARRAYS
    whole = arrays.read_bytes()
    corrupt(workshop, "m", 1)
    worker.watcher.start()
    assert worker.states("m") == {1: "FAILED"}
    replace(arrays, whole)
    until(lambda: worker.states("m") == {1: "READY"}, seconds=LIMITS.first_retry - 1)


def test_a_failed_version_is_tried_again_after_a_while(workshop, make_worker):
    worker = make_worker(first_retry=0.2)
    workshop.constant("m", promote=True)
    keys = workshop.trusted.rename(workshop.trusted.with_name("elsewhere"))
    worker.watcher.start()
    assert worker.states("m") == {1: "FAILED"}
    keys.rename(workshop.trusted)
    until(lambda: worker.states("m") == {1: "READY"})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"format": 99}', b"\xff\xfe"])
def test_a_broken_pointer_file_changes_nothing_and_is_got_over(workshop, worker, content):
    workshop.constant("m", promote=True)
    workshop.constant("m")
    worker.watcher.start()
    path = workshop.store.model_folder("m") / POINTERS
    whole = path.read_bytes()
    path.write_bytes(content)
    until(lambda: worker.catalog.snapshot().models["m"].trouble)
    assert worker.choose("m").version == 1
    path.write_bytes(whole)
    until(lambda: not worker.catalog.snapshot().models["m"].trouble)
    workshop.promote("m", 2)
    until(lambda: worker.choose("m").version == 2)


@pytest.mark.parametrize(
    "values", [{"stable": "one"}, {"labels": 5}, {"labels": {"a": "b"}}, {"loaded": [[]]}, {"stable": 99}]
)
def test_pointers_to_nowhere_change_nothing(workshop, worker, values):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    path = workshop.store.model_folder("m") / POINTERS
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, **values, "generation": 50}))
    time.sleep(0.3)
    assert worker.choose("m").version == 1
    workshop.constant("other", promote=True)
    until(lambda: "other" in worker.catalog.snapshot().models)


def test_a_model_that_vanishes_from_the_store_is_dropped(workshop, worker):
    workshop.constant("m", promote=True)
    workshop.constant("other", promote=True)
    worker.watcher.start()
    shutil.rmtree(workshop.store.model_folder("m"))
    until(lambda: set(worker.catalog.snapshot().models) == {"other"})
    with pytest.raises(ModelNotFound):
        worker.choose("m")


def test_a_store_that_is_away_for_a_while_changes_nothing(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    away = workshop.root.rename(workshop.root.with_name("away"))
    time.sleep(0.3)
    assert worker.choose("m").version == 1
    assert not workshop.root.exists()
    away.rename(workshop.root)
    until(lambda: not workshop.store.away)
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)


def test_a_request_keeps_its_version_until_it_is_done(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    held = worker.choose("m")
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)
    assert answer(held) == 1.0
    time.sleep(0.2)
    assert worker.states("m").get(1) == "DRAINING"
    del held
    until(lambda: worker.states("m").get(1) == "RETIRED")


def test_a_version_wanted_again_while_it_drains_is_taken_back(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    held = worker.choose("m")
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)
    workshop.promote("m", 1)
    until(lambda: worker.choose("m").version == 1)
    assert worker.choose("m") is held


def test_fifty_switches_under_load_fail_nothing_and_mix_nothing(workshop, worker):
    for _ in range(4):
        workshop.constant("m")
    workshop.promote("m", 1)
    worker.watcher.start()
    done = threading.Event()
    wrong: list[object] = []
    counted: list[int] = []

    def ask():
        count = 0
        while not done.is_set():
            try:
                model = worker.choose("m")
                if answer(model) != model.version:
                    wrong.append((model.version, answer(model)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                wrong.append(error)
            count += 1
        counted.append(count)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for switch in range(50):
            version = switch % 4 + 1
            workshop.promote("m", version)
            until(lambda version=version: worker.choose("m").version == version, seconds=5)
    finally:
        done.set()
        for client in clients:
            client.join()
    assert not wrong
    assert len(counted) == 4
    assert all(counted)


def test_the_thread_outlives_whatever_goes_wrong_in_a_turn(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    workshop.store.failing = True
    time.sleep(0.3)
    workshop.store.failing = False
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)


def test_a_stopped_watcher_takes_its_announcement_back(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    assert read(workshop.presence)
    worker.watcher.stop()
    assert not read(workshop.presence)
    assert worker.choose("m").version == 1
