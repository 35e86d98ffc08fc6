"""What an output is declared as: read from the whole sample, with room for what other rows may be answered with."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from model_store.artifacts.loading import load
from model_store.batch import Batch
from model_store.capture.draft import CaptureOptions, capture
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.engines.choice import choose
from model_store.engines.estimator import answers
from model_store.errors import BadSample, UndeclaredAnswer
from model_store.reference import golden

NUMBERS = np.random.default_rng(0).normal(size=(60, 2))
SIDES = (NUMBERS[:, 0] > 0).astype(int)
CITIES = pd.DataFrame({"city": ["Oslo", "Bergen"] * 30})


def outputs_of(estimator, sample):
    schema = infer(estimator, samples.laid_out(sample)).schema
    return {output.name: (output.dtype, output.shape) for output in schema.outputs}


def looked_up(table):
    return make_pipeline(FunctionTransformer(pd.DataFrame.map, kw_args={"func": table.get})).fit(CITIES)


def test_whole_numbers_of_a_users_own_function_leave_room_for_fractions_and_gaps():
    estimator = looked_up({"Oslo": 3, "Bergen": 7, "Bodo": 2.5})
    schema = infer(estimator, samples.laid_out(CITIES)).schema
    rows = Batch(3, columns={"city": np.array(["Oslo", "Narvik", "Bodo"], dtype=object)})
    answered = answers(estimator, schema, rows, ("transform",))["transform"]
    assert np.array_equal(answered, [[3], [np.nan], [2.5]], equal_nan=True)


def test_whole_numbers_that_no_float_holds_stay_integers():
    estimator = looked_up({"Oslo": 2**53 + 1, "Bergen": 2**60 + 1})
    assert outputs_of(estimator, CITIES) == {"transform": ("int64", (1,))}


def test_a_fraction_in_the_last_row_of_the_sample_counts():
    last = pd.DataFrame({"city": [*["Oslo"] * 59, "Bodo"]})
    estimator = looked_up({"Oslo": 2**53 + 1, "Bodo": 0.5})
    assert outputs_of(estimator, last) == {"transform": ("float64", (1,))}


class Rounds(RegressorMixin, BaseEstimator):
    """Answers whole numbers, as integers."""

    def fit(self, rows, targets):
        self.n_features_in_ = rows.shape[1]
        return self

    def predict(self, rows):
        return np.round(rows[:, 0]).astype(int)


@pytest.mark.parametrize(
    ("estimator", "sample", "declared"),
    [
        (LogisticRegression().fit(NUMBERS, SIDES), NUMBERS, "int64"),
        (KMeans(2, n_init=1, random_state=0).fit(NUMBERS), NUMBERS, "int32"),
        (IsolationForest(n_estimators=5, random_state=0).fit(NUMBERS), NUMBERS, "int64"),
        (make_pipeline(FunctionTransformer(np.abs), LogisticRegression()).fit(NUMBERS, SIDES), NUMBERS, "int64"),
        (Rounds().fit(NUMBERS, SIDES), NUMBERS, "float64"),
    ],
)
def test_labels_stay_integers_and_a_regressors_whole_numbers_do_not(estimator, sample, declared):
    assert outputs_of(estimator, sample)["predict"] == (declared, ())


def test_integers_of_scikit_learns_own_steps_stay_integers():
    assert (
        outputs_of(CountVectorizer().fit(["a word", "two words"]), ["a word", "two words"])["transform"][0] == "int64"
    )
    assert outputs_of(OrdinalEncoder(dtype=int).fit(CITIES), CITIES) == {"transform": ("int64", (1,))}


def test_integers_leave_room_where_a_column_may_be_missing():
    codes = make_column_transformer((OrdinalEncoder(dtype=int), ["city"]))
    whole, gappy = CITIES.assign(amount=1.5), CITIES.assign(amount=[1.5, None] * 30)
    assert outputs_of(codes.fit(whole), whole)["transform"] == ("int64", (1,))
    assert outputs_of(codes.fit(gappy), gappy)["transform"] == ("float64", (1,))


class LikeCatBoost(ClassifierMixin, BaseEstimator):
    """Answers labels as a column, as CatBoost does for more than two classes."""

    def fit(self, rows, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict(self, rows):
        return self.classes_[(rows[:, :1] > 0).astype(int)]

    def predict_proba(self, rows):
        likely = 1 / (1 + np.exp(-rows[:, :1]))
        return np.hstack([1 - likely, likely])


@pytest.mark.parametrize(("labels", "dtype"), [(np.array(["p", "r"])[SIDES], "string"), (SIDES, "int64")])
def test_a_column_of_labels_is_declared_and_served_flat(labels, dtype):
    estimator = LikeCatBoost().fit(NUMBERS, labels)
    inferred = infer(estimator, NUMBERS)
    output = inferred.schema.output("predict")
    assert (output.dtype, output.shape, output.labels) == (dtype, (), tuple(np.unique(labels).tolist()))
    answered = answers(estimator, inferred.schema, inferred.batch, ("predict",))["predict"]
    assert answered.tolist() == estimator.predict(NUMBERS)[:, 0].tolist()


def test_targets_of_one_column_keep_their_shape():
    regressor = LinearRegression().fit(NUMBERS, NUMBERS[:, :1])
    assert outputs_of(regressor, NUMBERS)["predict"] == ("float64", (1,))
    classifier = MultiOutputClassifier(LogisticRegression()).fit(NUMBERS, SIDES[:, None])
    assert outputs_of(classifier, NUMBERS)["predict"] == ("int64", (1,))


def test_huge_outputs_are_read_from_few_rows():
    texts = [f"word{i}" for i in range(3000)]
    assert outputs_of(HashingVectorizer(), texts)["transform"] == ("float64", (2**20,))


class Odd(TransformerMixin, BaseEstimator):
    """Is a transformer of two rows, and answers what it is told to more of them."""

    def __init__(self, answer=None):
        self.answer = answer

    def fit(self, rows):
        return self

    def transform(self, rows):
        return rows if self.answer is None else self.answer(rows)


def test_an_answer_without_an_entry_for_each_row_is_no_output():
    with pytest.raises(BadSample, match=r"transform answered \[1, 2\] to 8 rows"):
        infer(Odd(lambda rows: rows[:1]).fit(NUMBERS), NUMBERS)


def test_an_answer_of_another_type_than_the_sample_showed_is_an_error_and_no_number():
    estimator = Odd().fit(NUMBERS)
    schema = infer(estimator, NUMBERS).schema
    estimator.answer = lambda rows: np.where(rows > 9, "many", rows.astype(str)).astype(object)
    with pytest.raises(UndeclaredAnswer, match="the declared float64 cannot hold: '0"):
        answers(estimator, schema, Batch(1, matrix=np.array([[0.0, 10.0]])), ("transform",))


class Compiled:
    """An estimator as compiled extensions make them, such as Perpetual's booster: it has no ``__dict__``."""

    __slots__ = ("factor",)

    def __init__(self, factor=2.0):
        self.factor = factor

    def get_params(self):
        return {"factor": self.factor}

    def predict(self, rows):
        return np.asarray(rows)[:, 0] * self.factor


class Around(RegressorMixin, BaseEstimator):
    """Keeps a compiled part inside."""

    def fit(self, rows, targets):
        self.inner_ = Compiled()
        return self

    def predict(self, rows):
        return self.inner_.predict(rows)


@pytest.mark.parametrize("estimator", [Compiled(), Around().fit(NUMBERS, SIDES)])
@pytest.mark.parametrize("sample", [NUMBERS, pd.DataFrame(NUMBERS, columns=["a", "b"])])
def test_an_estimator_without_a_dict_is_captured_loaded_and_answers(estimator, sample, tmp_path):
    manifest = capture(estimator, sample, tmp_path, CaptureOptions("compiled", "tests"), lambda _: None)
    loaded = load(tmp_path, manifest)
    kept = golden.read(tmp_path)
    answered = choose(loaded, manifest.schema, kept).predict(kept.batch, ["predict"])["predict"]
    assert answered.tolist() == (kept.batch.column(manifest.schema, 0) * 2).tolist()


class Answers(RegressorMixin, BaseEstimator):
    """Answers what a function makes of the rows."""

    def __init__(self, function=None):
        self.function = function

    def fit(self, _rows, _target=None):
        return self

    def predict(self, rows):
        return self.function(np.asarray(rows)[:, 0])


def masked(values):
    return np.ma.masked_array(values, mask=values > 0)


def masked_whole(values):
    return np.ma.masked_array(np.arange(len(values)), mask=values > 0)


def as_matrix(values):
    return np.asmatrix(values).T


def structured(values):
    return np.array([(value, 1) for value in values], dtype=[("a", "f8"), ("b", "i4")])


@pytest.mark.parametrize(
    ("function", "shape", "missing"),
    [(masked, (60,), SIDES), (masked_whole, (60,), SIDES), (as_matrix, (60, 1), 0 * SIDES)],
)
def test_other_kinds_of_arrays_are_answered_as_plain_ones_and_what_is_masked_as_missing(
    tmp_path, function, shape, missing
):
    manifest = capture(Answers(function), NUMBERS, tmp_path, CaptureOptions("answers", "tests"), lambda _: None)
    (answer,) = answers(Answers(function), manifest.schema, Batch(60, matrix=NUMBERS), ["predict"]).values()
    assert type(answer) is np.ndarray
    assert answer.shape == shape
    assert np.isnan(answer).ravel().tolist() == missing.astype(bool).tolist()


def test_structured_arrays_are_refused():
    with pytest.raises(BadSample, match=r"answered a structured array .* a column for each field"):
        outputs_of(Answers(structured), NUMBERS)
