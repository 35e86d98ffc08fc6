"""Golden answers that depend on rounding are recognised at publishing and replayed with the tolerance they showed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import OneHotEncoder

from model_store.capture.comparison.rounding import settled
from model_store.capture.inference import infer
from model_store.capture.recording import golden_of
from model_store.capture.sample import samples
from model_store.engines.equality import default_tolerance, distances, same
from model_store.engines.estimator import answers
from model_store.reference import golden
from model_store.reference.golden import Golden

ROWS = np.random.default_rng(0).normal(size=(200, 20))
FAR = ROWS + 1e6
AMOUNTS = ROWS[:, 0] * 3


def captured(estimator, sample):
    inferred = infer(estimator, samples.laid_out(sample))
    kept = golden_of(estimator, inferred)
    return kept, settled(estimator, inferred.schema, kept)


def by_distance(rows):
    return KNeighborsRegressor(weights="distance").fit(rows, AMOUNTS[: len(rows)])


@pytest.mark.parametrize(
    ("estimator", "sample"),
    [
        (LinearRegression().fit(ROWS, AMOUNTS), ROWS),
        (LinearRegression().fit(pd.DataFrame(ROWS), AMOUNTS), pd.DataFrame(ROWS)),
        (LogisticRegression().fit(ROWS, AMOUNTS > 0), ROWS),
        (RandomForestRegressor(5, random_state=0).fit(ROWS.astype("float32"), AMOUNTS), ROWS.astype("float32")),
        (KNeighborsRegressor().fit(ROWS, AMOUNTS), ROWS),
        (by_distance(ROWS), ROWS + 0.1),
    ],
)
def test_answers_that_rounding_hardly_moves_are_kept_with_the_usual_tolerance(estimator, sample):
    kept, after = captured(estimator, sample)
    assert after.batch.rows == kept.batch.rows == 64
    assert after.tolerances == {}


def test_neighbours_weighted_by_distance_get_the_tolerance_that_their_own_rows_showed():
    kept, after = captured(by_distance(ROWS), ROWS)
    assert after.batch.rows == kept.batch.rows
    assert 1e-8 < after.tolerance("predict") < 1e-3


def test_only_the_outputs_that_move_get_a_tolerance():
    _, after = captured(KNeighborsClassifier(weights="distance").fit(ROWS, AMOUNTS > 0), ROWS)
    assert set(after.tolerances) == {"predict_proba"}


def test_rows_whose_answers_jump_are_left_out_if_others_remain():
    kept, after = captured(by_distance(FAR[:100]), FAR)
    assert 32 <= after.batch.rows < kept.batch.rows
    assert {len(answer) for answer in after.answers.values()} == {after.batch.rows}
    lasting = {tuple(row) for row in after.batch.matrix}
    assert {tuple(row) for row in kept.batch.matrix if tuple(row) not in lasting} <= {tuple(row) for row in FAR[:100]}


class Noise(RegressorMixin, BaseEstimator):
    """Answers otherwise each time, or, once it ``repeats``, otherwise for each number of rows."""

    def __init__(self, *, repeats=False):
        self.repeats = repeats

    def fit(self, rows, targets):
        self.random_ = np.random.default_rng(0)
        return self

    def predict(self, rows):
        return np.full(len(rows), float(len(rows))) if self.repeats else self.random_.normal(size=len(rows))


@pytest.mark.parametrize("repeats", [False, True])
def test_answers_that_move_without_rounding_are_left_as_they_are(repeats):
    kept, after = captured(Noise(repeats=repeats).fit(ROWS, AMOUNTS), ROWS)
    assert after is kept


def test_codes_are_not_nudged_into_values_that_no_encoder_knows():
    codes = pd.DataFrame({"half": [0.5, 1.5, 2.5, 3.0] * 20})
    kept, after = captured(OneHotEncoder(handle_unknown="ignore").fit(codes), codes)
    assert after.batch.rows == kept.batch.rows


def test_the_tolerance_is_stored_with_the_answers_and_read_back(tmp_path):
    _, after = captured(KNeighborsClassifier(weights="distance").fit(ROWS, AMOUNTS > 0), ROWS)
    golden.write(tmp_path, after)
    assert golden.read(tmp_path).tolerances == after.tolerances


def test_golden_answers_without_tolerances_are_written_as_release_0_1_0_wrote_them(tmp_path):
    _, after = captured(LinearRegression().fit(ROWS, AMOUNTS), ROWS)
    golden.write(tmp_path, after)
    with np.load(tmp_path / golden.FILE) as archive:
        assert "tolerances" not in archive.files
    assert golden.read(tmp_path).tolerances == {}


REPLAYED = """
import sys
from pathlib import Path
from model_store.engines.choice import choose
from model_store.reference import golden
from tests.model_store.capture.test_rounding import ROWS, by_distance, infer, samples
estimator = by_distance(ROWS)
choose(estimator, infer(estimator, samples.laid_out(ROWS)).schema, golden.read(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("processor", ["Haswell", "Prescott"])
def test_answers_of_another_processors_blas_are_recognised(tmp_path, processor):
    golden.write(tmp_path, captured(by_distance(ROWS), ROWS)[1])
    environment = {**os.environ, "OPENBLAS_CORETYPE": processor}
    subprocess.run([sys.executable, "-c", REPLAYED, tmp_path], env=environment, cwd=Path.cwd(), check=True)


def test_a_wide_tolerance_lets_through_no_more_than_it_says():
    stored = np.array([1.0, 100.0])
    assert same(stored + 1e-4, stored, 1e-6)
    assert not same(stored + 1e-3, stored, 1e-6)
    assert not same(np.array([1, 2]), np.array([1, 3]), 1.0)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), [0, 0.5 / 4.5]),
        (np.array([[1.0, 4.0], [4.0, 4.0]]), np.array([[1.0, 2.0], [4.0, 4.0]]), [2 / 6, 0]),
        (np.array([np.nan, np.inf, np.nan]), np.array([np.nan, np.inf, 0.0]), [0, 0, np.inf]),
        (np.array(["a", None], dtype=object), np.array(["a", "b"], dtype=object), [0, np.inf]),
        (np.array([1, 2]), np.array([1, 3]), [0, np.inf]),
        (np.array(["NaT", "2026"], "datetime64[s]"), np.array(["NaT", "2027"], "datetime64[s]"), [0, np.inf]),
        (np.zeros((2, 0)), np.zeros((2, 0)), [0, 0]),
    ],
)
def test_how_far_rows_are_apart_is_measured_as_replay_measures_it(one, other, apart):
    assert distances(one, other).tolist() == pytest.approx(apart)


def test_rows_as_far_apart_as_the_default_tolerance_are_the_same():
    stored = answers_of(LinearRegression().fit(ROWS, AMOUNTS))
    assert same(stored * (1 + 1e-9), stored)
    assert distances(stored * (1 + 1e-9), stored).max() <= default_tolerance(stored)


def answers_of(estimator):
    inferred = infer(estimator, samples.laid_out(ROWS))
    return Golden(inferred.batch, answers(estimator, inferred.schema, inferred.batch, ["predict"])).answers["predict"]
