"""Columns made of columns, numbers filled in, and columns chosen: the same bits from a plan."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.cross_decomposition import CCA, PLSRegression
from sklearn.decomposition import PCA, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection

from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.plans.plan import Step
from model_store.steps.numeric.normals import normal_quantiles
from model_store.steps.registry import build
from tests.model_store.compilers.numbers import (
    BINARY,
    NUMBERS,
    ROWS,
    SEVERAL,
    TEXTS,
    check,
    name,
    outcomes,
    schema_of,
)

pytestmark = pytest.mark.filterwarnings("ignore")

CASES: tuple[tuple[Any, np.ndarray | None], ...] = (
    (PCA(5), None),
    (PCA(5, whiten=True), None),
    (PCA(), None),
    (IncrementalPCA(4), None),
    (TruncatedSVD(5), None),
    (FastICA(4, max_iter=5), None),
    (GaussianRandomProjection(4, random_state=0), None),
    (PLSRegression(2), NUMBERS),
    (PLSRegression(2), SEVERAL),
    (CCA(2), SEVERAL),
    (RBFSampler(n_components=20, random_state=0), None),
    (KBinsDiscretizer(5, encode="ordinal"), None),
    (KBinsDiscretizer(5, encode="onehot-dense"), None),
    (KBinsDiscretizer(5, strategy="uniform"), None),
    (PolynomialFeatures(2), None),
    (PolynomialFeatures(3, interaction_only=True, include_bias=False), None),
    (PolynomialFeatures((2, 3), order="F"), None),
    (PolynomialFeatures((2, 3), include_bias=False), None),
    (PolynomialFeatures(1), None),
    (SplineTransformer(), None),
    (SplineTransformer(degree=2, extrapolation="linear", order="F"), None),
    (SplineTransformer(degree=1, extrapolation="continue", include_bias=False), None),
    (SplineTransformer(extrapolation="periodic"), None),
    (SplineTransformer(extrapolation="error", knots="quantile"), None),
    (PowerTransformer(), None),
    (PowerTransformer(standardize=False), None),
    (QuantileTransformer(n_quantiles=50), None),
    (QuantileTransformer(n_quantiles=50, output_distribution="normal"), None),
    (SimpleImputer(), None),
    (SimpleImputer(strategy="median", add_indicator=True), None),
    (SimpleImputer(strategy="constant", fill_value=7), None),
    (SimpleImputer(strategy="most_frequent", missing_values=0), None),
    (MissingIndicator(), None),
    (MissingIndicator(features="all"), None),
    (VarianceThreshold(1), None),
    (SelectKBest(k=4), BINARY),
    (SelectFromModel(Lasso()), NUMBERS),
    (RFE(RidgeClassifier(), n_features_to_select=4), BINARY),
    (FunctionTransformer(), None),
    (FunctionTransformer(np.log1p), None),
    (FunctionTransformer(np.sqrt, validate=True), None),
    (make_pipeline(SimpleImputer(add_indicator=True), PCA(4), PolynomialFeatures(), Ridge()), NUMBERS),
    (make_pipeline(SimpleImputer(), StandardScaler(), SelectKBest(k=4), LogisticRegression()), TEXTS),
    (make_pipeline(SplineTransformer(n_knots=4), LogisticRegression(max_iter=5)), TEXTS),
    (make_pipeline(KBinsDiscretizer(4, encode="onehot-dense"), LogisticRegression()), BINARY),
    (make_pipeline(KBinsDiscretizer(4, encode="ordinal"), RidgeClassifier()), TEXTS),
    (make_pipeline(Normalizer(), LinearRegression()), SEVERAL),
    (make_pipeline(PowerTransformer(), LinearRegression()), SEVERAL),
    (make_pipeline(QuantileTransformer(n_quantiles=50), LinearRegression()), NUMBERS),
    (make_pipeline(Binarizer(), GaussianNB()), TEXTS),
    (make_pipeline(RobustScaler(), MaxAbsScaler(), FunctionTransformer(np.tanh), GaussianNB()), TEXTS),
    (make_pipeline(PolynomialFeatures((2, 3), order="F"), Ridge()), NUMBERS),
    (make_pipeline(SelectKBest(k=5), PolynomialFeatures((2, 2), include_bias=False), Ridge()), NUMBERS),
    (make_pipeline(SplineTransformer(order="F", include_bias=False), Ridge()), NUMBERS),
    (make_pipeline(StandardScaler(), MLPClassifier((9,), max_iter=2, random_state=0)), BINARY),
    (make_pipeline(LinearDiscriminantAnalysis(), Ridge()), TEXTS.view(np.int32)),
)


@pytest.mark.parametrize(("estimator", "target"), CASES, ids=name)
def test_an_expansion_answers_the_same_bits(estimator: Any, target: np.ndarray | None, tmp_path: Path) -> None:
    check(estimator, target, tmp_path)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (Nystroem(n_components=20, random_state=0), None),
        (Nystroem(kernel="poly", n_components=20, random_state=0), None),
        (KernelRidge(kernel="rbf", gamma=0.01), NUMBERS),
        (KernelRidge(kernel="sigmoid", gamma=1e-3), SEVERAL),
        (make_pipeline(KMeans(4, n_init=1, random_state=0), Ridge()), NUMBERS),
    ],
    ids=name,
)
def test_kernels_of_float64_answer_the_same_bits(estimator: Any, target: np.ndarray | None, tmp_path: Path) -> None:
    fitted = estimator.fit(ROWS, target)
    for order in "CF":
        seen = outcomes(fitted, ROWS, order, tmp_path)
        assert set(seen) == {"equal"}, seen


GAPS = np.where(np.random.default_rng(5).random(ROWS.shape) < 0.1, np.nan, ROWS)
GAPS[:, 3] = np.nan


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(),
        SimpleImputer(keep_empty_features=True, add_indicator=True),
        SimpleImputer(strategy="most_frequent", add_indicator=True),
        SimpleImputer(strategy="constant", fill_value=-1),
        MissingIndicator(error_on_new=False),
        StandardScaler(),
        QuantileTransformer(n_quantiles=50),
        make_pipeline(SimpleImputer(), PowerTransformer()),
        make_pipeline(SimpleImputer(add_indicator=True), Ridge()),
    ],
    ids=name,
)
def test_missing_numbers_are_treated_as_the_estimator_does(imputer: Any, dtype: str, tmp_path: Path) -> None:
    fitted = imputer.fit(GAPS.astype(dtype), NUMBERS)
    for order in "CF":
        seen = outcomes(fitted, GAPS.astype(dtype), order, tmp_path)
        assert set(seen) == {"equal"}, seen


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_positive_numbers_are_raised_to_powers_and_others_are_refused(dtype: str, tmp_path: Path) -> None:
    positive = (np.abs(ROWS) + 0.1).astype(dtype)
    fitted = PowerTransformer("box-cox").fit(positive)
    hard = np.vstack([positive, positive[:20] * 1e30, positive[:20] * 1e-30, np.where(np.isnan(GAPS), GAPS, positive)])
    hard[9::37, 4], hard[5::41, 2] = 0.0, -1.0
    seen = outcomes(fitted, hard.astype(dtype), "C", tmp_path)
    assert set(seen) == {"equal", "refused"}, seen
    assert min(seen.values()) >= 5


def test_normal_quantiles_have_the_bits_of_scipy() -> None:
    random = np.random.default_rng(8)
    shares = np.r_[random.random(9000), 10 ** random.uniform(-300, 0, 9000), 1 - 10 ** random.uniform(-16, 0, 9000)]
    shares = np.r_[shares, 0.0, 1.0, 0.5, np.exp(-2), 1 - np.exp(-2)]
    assert normal_quantiles(shares).tobytes() == ndtri(shares).tobytes()
    few = shares.astype(np.float32)
    assert normal_quantiles(few).tobytes() == ndtri(few).astype(np.float64).tobytes()


def test_numbers_that_are_newly_missing_are_refused(tmp_path: Path) -> None:
    few = np.where(np.arange(9) < 4, GAPS, ROWS)
    seen = outcomes(MissingIndicator().fit(few), np.vstack([few[:40], GAPS[:40]]), "C", tmp_path)
    assert set(seen) == {"equal", "refused"}, seen
    assert min(seen.values()) >= 5


EDGES = (
    (KBinsDiscretizer(6, encode="ordinal"), lambda fitted: fitted.bin_edges_),
    (KBinsDiscretizer(6, dtype=np.float32), lambda fitted: fitted.bin_edges_),
    (QuantileTransformer(n_quantiles=40), lambda fitted: fitted.quantiles_.T),
    (QuantileTransformer(n_quantiles=40, output_distribution="normal"), lambda fitted: fitted.quantiles_.T),
    (SplineTransformer(), lambda fitted: [spline.t for spline in fitted.bsplines_]),
    (SplineTransformer(extrapolation="linear"), lambda fitted: [spline.t for spline in fitted.bsplines_]),
    (SplineTransformer(extrapolation="periodic"), lambda fitted: [spline.t for spline in fitted.bsplines_]),
    (SplineTransformer(extrapolation="error"), lambda fitted: [spline.t[3:-3] for spline in fitted.bsplines_]),
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("estimator", "edges"), EDGES, ids=name)
def test_numbers_at_edges_and_one_bit_off_get_the_same_bits(
    estimator: Any, edges: Any, dtype: str, tmp_path: Path
) -> None:
    fitted, random = estimator.fit(ROWS.astype(dtype)), np.random.default_rng(4)
    columns = [random.choice(known, 200) for known in edges(fitted)]
    rows = np.column_stack(columns).astype(dtype)
    rows[::5] = ROWS[random.integers(0, 400, 40)]
    rows = random.permutation(np.vstack([rows, np.nextafter(rows, np.inf), np.nextafter(rows, -np.inf)]))
    rows[:2] = ROWS[:2]
    seen = outcomes(fitted, rows, "C", tmp_path)
    assert set(seen) <= {"equal", "refused"}, seen
    assert "equal" in seen


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (SplineTransformer(degree=1, extrapolation="linear"), "whose ends depend on the column before"),
        (SplineTransformer(sparse_output=True), "sparse splines"),
        (FunctionTransformer(np.cumsum), "none of NumPy's that take one array"),
        (SelectKBest(k=0), "no column is chosen"),
        (BisectingKMeans(3), "there are no steps for predict"),
        (SimpleImputer(missing_values=np.float32(3)), "missing values are"),
        (Nystroem(kernel="laplacian", n_components=9), "its kernel is laplacian"),
    ],
    ids=name,
)
def test_what_is_not_certain_is_left_to_the_estimator(estimator: Any, reason: str) -> None:
    fitted = estimator.fit(ROWS, BINARY)
    with pytest.raises(NotCompiled, match=reason):
        compile_plan(fitted, schema_of(fitted, ROWS, "C"))


WIDE = np.random.default_rng(4).normal(size=(300, 64))


@pytest.mark.parametrize(
    ("estimator", "stride"),
    [
        (TruncatedSVD(3, random_state=0), 13),
        (TruncatedSVD(3, algorithm="arpack", random_state=0), -64),
        (IncrementalPCA(3), 64),
        (PCA(3), None),
    ],
    ids=name,
)
def test_components_that_are_a_slice_of_a_larger_array_are_multiplied_as_one(estimator, stride, tmp_path):
    fitted = estimator.fit(WIDE)
    plan = compile_plan(fitted, schema_of(fitted, WIDE, "C"))
    assert [step.settings.get("stride") for step in plan.steps if step.kind in {"dot", "project"}] == [stride]
    assert set(outcomes(fitted, WIDE, "C", tmp_path)) == {"equal"}


def test_rows_of_weights_do_not_overlap():
    step = Step("dot", settings={"stride": 3, "flat": False}, arrays={"weights": np.ones((2, 4))})
    with pytest.raises(ValueError, match="rows of at most 3 weights"):
        build(step)


@pytest.mark.parametrize("clusters", [1, 2, 7])
@pytest.mark.parametrize("model", [KMeans, MiniBatchKMeans])
def test_clusters_are_the_nearest_also_in_the_middle_between_centres(model, clusters, tmp_path):
    fitted = model(clusters, n_init=1, random_state=0).fit(ROWS)
    centres = fitted.cluster_centers_
    between = (centres[:, np.newaxis] / 2 + centres / 2).reshape(-1, ROWS.shape[1])
    rows = np.concatenate((ROWS, between, np.nextafter(between, np.inf), centres))
    assert schema_of(fitted, rows, "C").outputs[0].dtype == "int32"
    assert set(outcomes(fitted, rows, "C", tmp_path, (1, 7, 33, len(rows)))) == {"equal"}
