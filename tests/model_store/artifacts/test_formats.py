"""Artifacts are written and read piece by piece, and hold what the formats' own libraries write and read."""

import pickle
import tracemalloc
from pathlib import Path
from zipfile import ZIP_DEFLATED

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from model_store.artifacts import joblib_format, skops_format
from model_store.artifacts.spending import SpentBytes
from model_store.errors import ArtifactUnreadable

ROWS = np.random.default_rng(0).random((3000, 4))
CLASSES = np.random.default_rng(1).integers(0, 3, 3000)
ESTIMATORS = {
    "forest": lambda: RandomForestClassifier(5, random_state=0),
    "neighbours": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=3),
}


@pytest.fixture(params=ESTIMATORS)
def fitted(request):
    return ESTIMATORS[request.param]().fit(ROWS, CLASSES)


def blocks_of(path: Path, *, spending: bool) -> SpentBytes:
    data = path.read_bytes()
    return SpentBytes([data[i : i + 65_536] for i in range(0, len(data), 65_536)], spending=spending)


def check_same(loaded, fitted) -> None:
    np.testing.assert_array_equal(loaded.predict_proba(ROWS), fitted.predict_proba(ROWS))


def test_skops_reads_what_is_written_here_and_what_it_writes_is_read_here(fitted, tmp_path):
    skops_format.dump(fitted, tmp_path / "ours.skops")
    skops.io.dump(fitted, tmp_path / "theirs.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "ours.skops")
    check_same(skops.io.load(tmp_path / "ours.skops", trusted=types), fitted)
    for name in ("ours.skops", "theirs.skops"):
        with (tmp_path / name).open("rb", buffering=0) as file:
            loaded, beyond_default = skops_format.load_with_types(file)
        check_same(loaded, fitted)
        assert beyond_default == types
        check_same(skops_format.load(blocks_of(tmp_path / name, spending=False)), fitted)


def test_a_file_that_skops_compressed_is_read(fitted, tmp_path):
    skops.io.dump(fitted, tmp_path / "m.skops", compression=ZIP_DEFLATED)
    check_same(skops_format.load(blocks_of(tmp_path / "m.skops", spending=False)), fitted)


def test_what_is_shared_in_an_estimator_is_shared_in_what_skops_reads_back(tmp_path):
    scaler = StandardScaler().fit(ROWS)
    scaler.scale_ = scaler.var_
    twice = make_pipeline(scaler, scaler)
    skops_format.dump(twice, tmp_path / "twice.skops")
    loaded = skops_format.load(blocks_of(tmp_path / "twice.skops", spending=False))
    assert loaded.steps[0][1] is loaded.steps[1][1]
    assert loaded.steps[0][1].scale_ is loaded.steps[0][1].var_


def test_types_beyond_the_reviewed_list_are_refused(tmp_path):
    skops_format.dump(make_pipeline(FunctionTransformer(pickle.loads)), tmp_path / "m.skops")
    with pytest.raises(ArtifactUnreadable, match=r"_pickle\.loads"):
        skops_format.load(blocks_of(tmp_path / "m.skops", spending=False))


@pytest.mark.parametrize(
    "write",
    [
        joblib_format.dump,
        lambda model, path: joblib.dump(model, path, compress=("gzip", 3)),
        lambda model, path: joblib.dump(model, path, compress=("xz", 1)),
        lambda model, path: path.write_bytes(pickle.dumps(model)),
        lambda model, path: path.write_bytes(pickle.dumps(model, protocol=2)),
    ],
)
def test_joblib_files_and_pickles_are_read_compressed_or_not(write, fitted, tmp_path):
    write(fitted, tmp_path / "m.joblib")
    with (tmp_path / "m.joblib").open("rb", buffering=0) as file:
        check_same(joblib_format.load(file), fitted)
    check_same(joblib_format.load(blocks_of(tmp_path / "m.joblib", spending=True)), fitted)


@pytest.mark.parametrize(
    ("write", "load", "spending", "most"),
    [(skops_format.dump, skops_format.load, False, 0.6), (joblib_format.dump, joblib_format.load, True, 0.3)],
)
def test_a_forest_comes_into_the_memory_that_its_file_leaves(write, load, spending, most, tmp_path):
    """The trees themselves are not traced: they are C's."""
    forest = RandomForestClassifier(40, random_state=0).fit(ROWS, CLASSES)
    write(forest, tmp_path / "forest")
    file = blocks_of(tmp_path / "forest", spending=spending)
    tracemalloc.start()
    try:
        loaded = load(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * (tmp_path / "forest").stat().st_size
    file.seek(0)
    with pytest.raises(OSError, match="gone"):
        file.read(1)
    check_same(loaded, forest)
