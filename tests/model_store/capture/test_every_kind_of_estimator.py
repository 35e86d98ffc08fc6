"""Every kind of estimator: its schema, its outputs, and the same answers after the artifact was written and read."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MeanShift
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from model_store import seal
from model_store.artifacts.loading import load
from model_store.capture.draft import CaptureOptions, capture
from model_store.engines.equality import same
from model_store.engines.estimator import answers
from model_store.errors import ArtifactUnreadable
from model_store.estimators import objects
from model_store.reference import golden

X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
NAMES = np.array(["low", "mid", "high"])
MULTI = make_multilabel_classification(120, 6, n_classes=3, random_state=0)[1]
TARGETS = np.column_stack([X[:, 0] * 2, X[:, 1] - 1])
HOLED = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
TEXTS = ["good morning sun", "bad evening rain", "good night moon", "rain and bad storm"] * 15
MOODS = [1, 0, 1, 0] * 15
FRAME = pd.DataFrame(
    {
        "age": [21.0, np.nan, 35.5, 60.0, 44.0, 18.0] * 20,
        "city": ["Bern", "Rome", None, "Oslo", "Rome", "Bern"] * 20,
        "rooms": [1, 2, 3, 4, 5, 6] * 20,
        "owner": [True, False, True, True, False, False] * 20,
    }
)
PRICES = np.arange(120.0)
MIXED = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "rooms"]),
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["city"]),
    ("passthrough", ["owner"]),
)

CASES = {
    "logistic regression": lambda: (LogisticRegression(max_iter=500).fit(X, Y), X),
    "strings as classes": lambda: (DecisionTreeClassifier().fit(X, NAMES[Y]), X),
    "bools as classes": lambda: (GaussianNB().fit(X, Y > 0), X),
    "random forest, many jobs": lambda: (RandomForestClassifier(8, n_jobs=-1).fit(X, Y), X),
    "gradient boosting": lambda: (GradientBoostingClassifier(n_estimators=5).fit(X, Y), X),
    "histogram boosting with gaps": lambda: (HistGradientBoostingClassifier(max_iter=5).fit(HOLED, Y), HOLED),
    "histogram boosting of poisson counts": lambda: (
        HistGradientBoostingRegressor(loss="poisson", max_iter=5).fit(X, Y),
        X,
    ),
    "support vectors": lambda: (SVC().fit(X, Y), X),
    "binary support vectors": lambda: (SVC().fit(X, Y > 0), X),
    "calibrated": lambda: (CalibratedClassifierCV(GaussianNB()).fit(X, Y), X),
    "neighbours": lambda: (KNeighborsClassifier().fit(X, Y), X),
    "neural network": lambda: (MLPClassifier((5,), max_iter=400, tol=0.05).fit(X, Y), X),
    "voting": lambda: (VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier())]).fit(X, NAMES[Y]), X),
    "grid search": lambda: (GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}).fit(X, Y), X),
    "linear regression": lambda: (LinearRegression().fit(X, TARGETS[:, 0]), X),
    "several targets at once": lambda: (RandomForestRegressor(5).fit(X, TARGETS), X),
    "several targets, one by one": lambda: (MultiOutputRegressor(Ridge()).fit(X, TARGETS), X),
    "partial least squares": lambda: (PLSRegression().fit(X, TARGETS), X),
    "transformed target": lambda: (
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(X, TARGETS[:, 0] ** 2),
        X,
    ),
    "stacking": lambda: (StackingRegressor([("r", Ridge()), ("f", RandomForestRegressor(3))]).fit(X, TARGETS[:, 0]), X),
    "gaussian process": lambda: (GaussianProcessRegressor().fit(X, TARGETS[:, 0]), X),
    "several classes, one by one": lambda: (MultiOutputClassifier(LogisticRegression()).fit(X, MULTI), X),
    "several classes in a forest": lambda: (RandomForestClassifier(5).fit(X, MULTI), X),
    "classifier chain": lambda: (ClassifierChain(LogisticRegression()).fit(X, MULTI), X),
    "scaler": lambda: (StandardScaler().fit(X), X),
    "principal components": lambda: (PCA(2).fit(X), X),
    "discretizer, sparse": lambda: (
        KBinsDiscretizer(3, encode="onehot", quantile_method="averaged_inverted_cdf").fit(X),
        X,
    ),
    "feature selection": lambda: (make_pipeline(SelectKBest(k=2), GaussianNB()).fit(X, Y), X),
    "k-means": lambda: (KMeans(3, n_init=1).fit(X), X),
    "mean shift": lambda: (MeanShift().fit(X), X),
    "gaussian mixture": lambda: (GaussianMixture(2).fit(X), X),
    "kernel density": lambda: (KernelDensity().fit(X), X),
    "isolation forest": lambda: (IsolationForest(n_estimators=5).fit(X), X),
    "one-class support vectors": lambda: (OneClassSVM().fit(X), X),
    "local outlier factor": lambda: (LocalOutlierFactor(novelty=True).fit(X), X),
    "stochastic one-class": lambda: (SGDOneClassSVM().fit(X), X),
    "float32 rows": lambda: (LogisticRegression(max_iter=500).fit(X.astype("f4"), Y), X.astype("f4")),
    "integer rows": lambda: (DecisionTreeClassifier().fit(X.round().astype(int), Y), X.round().astype(int)),
    "imputer over gaps": lambda: (make_pipeline(KNNImputer(), Ridge()).fit(HOLED, TARGETS[:, 0]), HOLED),
    "bag of words": lambda: (make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, MOODS), TEXTS),
    "tf-idf, latent": lambda: (make_pipeline(TfidfVectorizer(), TruncatedSVD(2)).fit(TEXTS), TEXTS),
    "tf-idf alone, sparse": lambda: (TfidfVectorizer().fit(TEXTS), TEXTS),
    "texts in a frame": lambda: (
        make_pipeline(FeatureUnion([("c", CountVectorizer()), ("t", TfidfVectorizer())]), MultinomialNB()).fit(
            TEXTS, MOODS
        ),
        pd.DataFrame({"review": TEXTS}),
    ),
    "mixed columns": lambda: (make_pipeline(clone(MIXED), RandomForestRegressor(5)).fit(FRAME, PRICES), FRAME),
    "mixed columns of objects": lambda: (
        make_pipeline(clone(MIXED), Ridge()).fit(FRAME.assign(city=FRAME.city.fillna("?").astype(object)), PRICES),
        FRAME.assign(city=FRAME.city.fillna("?").astype(object)),
    ),
    "transformer with a frame as output": lambda: (
        StandardScaler().set_output(transform="pandas").fit(FRAME[["rooms"]]),
        FRAME[["rooms"]],
    ),
    "columns by dtype": lambda: (
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(), make_column_selector(dtype_include=["object", "string"])), remainder="passthrough"
            ),
            HistGradientBoostingClassifier(max_iter=5),
        ).fit(FRAME.assign(city=FRAME.city.fillna("?")), Y),
        FRAME.assign(city=FRAME.city.fillna("?")),
    ),
    "encoder of objects with None": lambda: (
        OneHotEncoder().fit(FRAME[["city"]].astype(object).where(FRAME[["city"]].notna(), None)),
        FRAME[["city"]].astype(object).where(FRAME[["city"]].notna(), None),
    ),
    "encoder of an array of strings": lambda: (
        OneHotEncoder().fit(FRAME[["city", "city"]].fillna("?").to_numpy(dtype=str)),
        FRAME[["city", "city"]].fillna("?").to_numpy(dtype=str),
    ),
    "ufunc as a step": lambda: (make_pipeline(FunctionTransformer(np.abs), Ridge()).fit(X, TARGETS[:, 0]), X),
    "boosting with pandas categories": lambda: (
        HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype").fit(
            FRAME.astype({"city": "category"}), Y
        ),
        FRAME.astype({"city": "category"}),
    ),
    "xgboost": lambda: (XGBClassifier(n_estimators=3, n_jobs=2).fit(X, Y), X),
    "xgboost with pandas categories": lambda: (
        XGBRegressor(n_estimators=3, enable_categorical=True).fit(FRAME.astype({"city": "category"}), PRICES),
        FRAME.astype({"city": "category"}),
    ),
    "lightgbm": lambda: (LGBMClassifier(n_estimators=3, verbose=-1).fit(X, NAMES[Y]), X),
    "lightgbm with pandas categories": lambda: (
        LGBMClassifier(n_estimators=3, verbose=-1).fit(FRAME.astype({"city": "category"}), Y),
        FRAME.astype({"city": "category"}),
    ),
}


@pytest.fixture(scope="module")
def cases():
    made = {}

    def case(name):
        if name not in made:
            made[name] = CASES[name]()
        return made[name]

    return case


NOT_IN_SKOPS = {"boosting with pandas categories"}  # it holds functools.partial, which calls what it is told to
FORMATS = [(n, kind) for n in CASES for kind in ("skops", "joblib") if kind == "joblib" or n not in NOT_IN_SKOPS]


@pytest.mark.parametrize(("name", "artifact_format"), FORMATS)
def test_it_answers_the_same_after_it_was_written_and_read(name, artifact_format, cases, tmp_path, key):
    estimator, sample = cases(name)
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    draft = capture(
        estimator, sample, folder, CaptureOptions("m", "tests", artifact_format=artifact_format), lambda _: None
    )
    seal.seal(folder, draft, key)
    manifest = seal.verify(folder, seal.TrustedKeys.load(tmp_path / "keys" / "trusted"))
    loaded = load(folder, manifest)
    kept = golden.read(folder)
    wanted = [output.name for output in manifest.schema.outputs]
    replayed = answers(loaded, manifest.schema, kept.batch, wanted)
    assert list(kept.answers) == wanted
    for output in manifest.schema.outputs:
        answer = replayed[output.name]
        assert same(answer, kept.answers[output.name])
        assert answer.shape == (kept.batch.rows, *output.shape)
        assert answer.dtype == (object if output.dtype == "string" else np.dtype(output.dtype))
    assert {part.n_jobs for part in objects(loaded) if "n_jobs" in getattr(part, "__dict__", {})} <= {
        1,
        None,
    }


@pytest.mark.parametrize("name", NOT_IN_SKOPS)
def test_what_skops_may_not_hold_is_stored_as_joblib_and_says_why(name, cases, tmp_path):
    draft = capture(*cases(name), tmp_path, CaptureOptions("m", "tests"), lambda _: None)
    assert draft.artifact_format == "joblib"
    assert "functools.partial" in draft.options["why_not_skops"]
    with pytest.raises(ArtifactUnreadable, match="reviewed list"):
        capture(*cases(name), tmp_path, CaptureOptions("m", "tests", artifact_format="skops"), lambda _: None)


def test_skops_is_the_format_wherever_it_can_be(cases, tmp_path):
    assert (
        capture(*cases("mixed columns"), tmp_path, CaptureOptions("m", "tests"), lambda _: None).artifact_format
        == "skops"
    )


OUTPUTS = {
    "logistic regression": ("classifier", ["predict", "predict_proba", "decision_function"]),
    "linear regression": ("regressor", ["predict"]),
    "several classes in a forest": ("classifier", ["predict", "predict_proba_0", "predict_proba_1", "predict_proba_2"]),
    "several classes, one by one": ("classifier", ["predict", "predict_proba_0", "predict_proba_1", "predict_proba_2"]),
    "scaler": ("transformer", ["transform"]),
    "k-means": ("clusterer", ["predict", "transform"]),
    "isolation forest": ("outlier_detector", ["predict", "decision_function", "score_samples"]),
    "kernel density": ("estimator", ["score_samples"]),
    "tf-idf, latent": ("transformer", ["transform"]),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_its_task_and_outputs_are_named(name, cases, tmp_path):
    schema = capture(*cases(name), tmp_path, CaptureOptions("m", "tests"), lambda _: None).schema
    assert (schema.task, [output.name for output in schema.outputs]) == OUTPUTS[name]


def test_class_labels_are_in_the_schema(cases, tmp_path):
    schema = capture(*cases("strings as classes"), tmp_path, CaptureOptions("m", "tests"), lambda _: None).schema
    predict, proba = schema.output("predict"), schema.output("predict_proba")
    assert (predict.dtype, predict.shape, predict.labels) == ("string", (), ("high", "low", "mid"))
    assert (proba.dtype, proba.shape, proba.labels) == ("float64", (3,), ("high", "low", "mid"))
    binary = capture(*cases("binary support vectors"), tmp_path, CaptureOptions("m", "tests"), lambda _: None).schema
    assert binary.output("predict").labels == (False, True)
    assert binary.output("decision_function").labels == ()
