"""Support vector machines answer as LIBSVM does, to the last bit."""

import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from tests.model_store.compilers.compared import compared

DRAWN = np.random.default_rng(3)
NARROW = DRAWN.normal(size=(320, 3))
WIDE = DRAWN.normal(size=(320, 37))
SIGNAL = NARROW[:, 0] + WIDE[:, 0] + NARROW[:, 1] ** 2
TWO = np.where(SIGNAL > 1, "yes", "no")
FOUR = np.digitize(SIGNAL, [-0.5, 0.8, 2]) * 10
KERNELS = {
    "rbf": {},
    "wide rbf": {"gamma": 0.01},
    "linear": {"kernel": "linear"},
    "poly": {"kernel": "poly", "degree": 3, "coef0": 0.5},
    "fifth power": {"kernel": "poly", "degree": 5, "gamma": "auto"},
    "sigmoid": {"kernel": "sigmoid", "coef0": 0.1},
}
ROWS = pytest.mark.parametrize("rows", [NARROW, WIDE], ids=["3 columns", "37 columns"])


@ROWS
@pytest.mark.parametrize("targets", [TWO, FOUR], ids=["two classes", "four classes"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_classifiers_are_equal(kernel, targets, rows, tmp_path):
    assert compared(SVC(**KERNELS[kernel]).fit(rows, targets), rows, tmp_path).unlike() == []


@ROWS
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", [SVR, NuSVR, OneClassSVM])
def test_regressors_and_detectors_are_equal(kind, kernel, rows, tmp_path):
    assert compared(kind(**KERNELS[kernel]).fit(rows, SIGNAL), rows, tmp_path).unlike() == []


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(decision_function_shape="ovo"),
        SVC(break_ties=True),
        NuSVC(nu=0.1),
        SVC(class_weight="balanced", C=0.01),
        make_pipeline(StandardScaler(), SVC()),
    ],
    ids=["one against one", "ties broken", "nu", "weighted", "scaled"],
)
def test_other_settings_of_classifiers_are_equal(estimator, tmp_path):
    assert compared(estimator.fit(NARROW, FOUR), NARROW, tmp_path).unlike() == []


@pytest.mark.parametrize("targets", [TWO, FOUR], ids=["two classes", "four classes"])
def test_probabilities_are_equal(targets, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        fitted = SVC(probability=True, random_state=0).fit(NARROW, targets)
        both = compared(fitted, NARROW, tmp_path)
        assert "predict_proba" in both.outputs
        assert both.unlike() == []


def test_rows_far_from_all_vectors_are_equal(tmp_path):
    both = compared(SVC(kernel="poly", degree=4).fit(NARROW, FOUR), NARROW, tmp_path)
    far = Batch(3, matrix=np.array([[1e300, 1, 1], [-1e40, 1e-300, 0.0], [-0.0, 0, 0]]))
    with np.errstate(all="ignore"):
        own, compiled = (engine.predict(far, both.outputs) for engine in (both.own, both.compiled))
    assert {name: answer.tobytes() for name, answer in compiled.items()} == {
        name: answer.tobytes() for name, answer in own.items()
    }


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_scikit_learn_refuses_is_refused_with_the_same_words(wrong, tmp_path):
    rows = NARROW[:2].copy()
    rows[1, 1] = wrong
    own, compiled = compared(SVR().fit(NARROW, SIGNAL), NARROW, tmp_path).refusals(Batch(2, matrix=rows))
    assert own is not None
    assert compiled == own


def own_kernel(one, other):
    return one @ other.T


def test_a_kernel_of_your_own_is_not_compiled(tmp_path):
    with pytest.raises(NotCompiled, match="none of LIBSVM's own"):
        compared(SVC(kernel=own_kernel).fit(NARROW, TWO), NARROW, tmp_path)
