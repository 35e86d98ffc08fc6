"""Which columns a fitted estimator shows to have had gaps, and that a null there is answered as Python answers it."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - IterativeImputer needs it
from sklearn.feature_selection import RFE
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor
from xgboost import XGBClassifier, XGBRegressor, XGBRFRegressor

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.capture.learned.routes import learned_gaps
from model_store.engines.equality import same
from model_store.engines.estimator import answers

RANDOM = np.random.default_rng(7)
WHOLE = RANDOM.random((400, 4))
TARGET = WHOLE @ [1.0, 2.0, 1.0, 1.5]
CLASS = (np.median(TARGET) < TARGET).astype(int)
HOLED = WHOLE.copy()
for _place in (1, 3):
    HOLED[RANDOM.random(400) < 0.15, _place] = np.nan

MEMBERS_OF_A_KIND = {
    "a tree": lambda: DecisionTreeClassifier(random_state=0),
    "a random tree": lambda: ExtraTreeRegressor(random_state=0),
    "a forest": lambda: RandomForestClassifier(10, random_state=0),
    "extra trees": lambda: ExtraTreesRegressor(10, random_state=0),
    "an isolation forest on some columns": lambda: IsolationForest(n_estimators=30, max_features=2, random_state=0),
    "bagging on some columns": lambda: BaggingClassifier(
        DecisionTreeClassifier(), n_estimators=30, max_features=2, random_state=0
    ),
    "boosting on histograms": lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "boosting on histograms, regression": lambda: HistGradientBoostingRegressor(max_iter=10, random_state=0),
    "XGBoost": lambda: XGBRegressor(n_estimators=100, n_jobs=1),
    "XGBoost, exact": lambda: XGBClassifier(n_estimators=20, tree_method="exact", n_jobs=1),
    "XGBoost, dart": lambda: XGBClassifier(n_estimators=20, booster="dart", n_jobs=1),
    "XGBoost's forest": lambda: XGBRFRegressor(n_estimators=20, n_jobs=1),
    "LightGBM": lambda: LGBMRegressor(n_estimators=70, verbose=-1, n_jobs=1),
    "a calibrated forest": lambda: CalibratedClassifierCV(RandomForestClassifier(10, random_state=0), cv=2),
    "a search": lambda: GridSearchCV(LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1), {"max_depth": [3]}, cv=2),
    "a vote": lambda: VotingClassifier([("f", RandomForestClassifier(10, random_state=0))]),
    "a stack": lambda: StackingClassifier(
        [("h", HistGradientBoostingClassifier(max_iter=10, random_state=0))], final_estimator=LogisticRegression(), cv=2
    ),
    "behind a scaler": lambda: make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0)),
    "behind columns that pass": lambda: make_pipeline(
        ColumnTransformer([("s", StandardScaler(), [1, 2])], remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
    ),
}


@pytest.mark.parametrize("kind", MEMBERS_OF_A_KIND)
def test_gaps_are_learned_where_training_had_some_and_nowhere_else(kind):
    assert learned_gaps(MEMBERS_OF_A_KIND[kind]().fit(HOLED, CLASS), 4) == {1: "nan", 3: "nan"}
    assert learned_gaps(MEMBERS_OF_A_KIND[kind]().fit(WHOLE, CLASS), 4) == {}


@pytest.mark.parametrize("kind", MEMBERS_OF_A_KIND)
def test_a_null_is_answered_as_python_answers_it_though_the_sample_has_none(kind):
    model = MEMBERS_OF_A_KIND[kind]().fit(HOLED, CLASS)
    schema = infer(model, WHOLE[:50]).schema
    assert [column.nullable for column in schema.columns] == [False, True, False, True]
    holed = HOLED[:50]
    found = answers(model, schema, Batch(50, matrix=holed), [output.name for output in schema.outputs])
    for name, answer in found.items():
        np.testing.assert_array_equal(answer, getattr(model, name)(holed))


def test_columns_are_followed_through_a_selection():
    kept = RFE(DecisionTreeClassifier(random_state=0), n_features_to_select=3).fit(HOLED, CLASS)
    picked = np.flatnonzero(kept.support_).tolist()
    assert learned_gaps(kept, 4) == {place: "nan" for place in (1, 3) if place in picked}
    chain = make_pipeline(kept, RandomForestClassifier(10, random_state=0)).fit(HOLED, CLASS)
    assert set(learned_gaps(chain, 4)) == {1, 3} & set(picked)


@pytest.mark.parametrize("imputer", [SimpleImputer(), KNNImputer(), IterativeImputer(max_iter=2)])
def test_an_imputer_is_made_for_the_gaps_of_its_columns(imputer):
    pipeline = make_pipeline(
        ColumnTransformer([("i", imputer, [0, 2])], remainder="passthrough"), LinearRegression()
    ).fit(WHOLE, TARGET)
    assert learned_gaps(pipeline, 4) == {0: "nan", 2: "nan"}
    assert [column.nullable for column in infer(pipeline, WHOLE).schema.columns] == [True, False, True, False]


def test_an_imputer_has_nothing_for_a_column_that_was_empty_nor_for_gaps_that_are_numbers():
    empty = np.column_stack([WHOLE[:, 0], np.full(400, np.nan)])
    for imputer in (SimpleImputer(), KNNImputer()):
        assert learned_gaps(imputer.fit(empty), 2) == {0: "nan"}
    assert learned_gaps(SimpleImputer(missing_values=-999).fit(WHOLE), 4) == {}


def test_an_indicator_takes_the_gaps_that_it_saw():
    union = FeatureUnion([("gaps", MissingIndicator()), ("values", StandardScaler())])
    assert learned_gaps(union.fit(HOLED), 4) == {1: "nan", 3: "nan"}
    assert learned_gaps(MissingIndicator(features="all").fit(WHOLE[:, :2]), 2) == {0: "nan", 1: "nan"}


def test_a_scaler_counts_the_gaps_that_it_saw():
    scaler = StandardScaler().fit(HOLED)
    assert learned_gaps(scaler, 4) == {1: "nan", 3: "nan"}
    assert [column.nullable for column in infer(scaler, WHOLE).schema.columns] == [False, True, False, True]


def test_splines_take_gaps_if_they_are_told_what_to_make_of_them():
    told = make_pipeline(SplineTransformer(handle_missing="zeros"), Ridge()).fit(WHOLE[:, :2], TARGET)
    assert [column.nullable for column in infer(told, WHOLE[:, :2]).schema.columns] == [True, True]
    untold = make_pipeline(SplineTransformer(), Ridge()).fit(WHOLE[:, :2], TARGET)
    assert [column.nullable for column in infer(untold, WHOLE[:, :2]).schema.columns] == [False, False]


CITIES = pd.DataFrame({"n": WHOLE[:40, 0], "city": pd.Series(["Rome", "Oslo", "Bern", "Rome"] * 10, dtype=object)})


@pytest.mark.parametrize("encoder", [OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder(), TargetEncoder(cv=2)])
@pytest.mark.parametrize(("gap", "marker"), [(None, "none"), (np.nan, "nan")])
def test_a_gap_among_the_categories_comes_with_the_marker_that_was_learned(encoder, gap, marker):
    train = CITIES.copy()
    train.loc[::4, "city"] = gap
    model = make_pipeline(
        make_column_transformer((encoder, ["city"]), (StandardScaler(), ["n"])), RandomForestClassifier(10)
    ).fit(train, np.arange(40) % 3)
    whole = train[1:4]
    column = infer(model, whole).schema.columns[1]
    assert (column.nullable, column.held, column.missing) == (True, "object", marker)
    rows = pd.DataFrame({"n": [0.5], "city": pd.Series([gap], dtype=object)})
    served = Batch(1, columns={"n": np.array([0.5]), "city": np.array([None], dtype=object)})
    answer = answers(model, infer(model, whole).schema, served, ["predict_proba"])["predict_proba"]
    np.testing.assert_array_equal(answer, model.predict_proba(rows))
    without = make_pipeline(
        make_column_transformer((encoder, ["city"]), (StandardScaler(), ["n"])), RandomForestClassifier(10)
    ).fit(CITIES, np.arange(40) % 3)
    assert [column.nullable for column in infer(without, CITIES).schema.columns] == [False, False]


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OneHotEncoder(handle_unknown="ignore")])
def test_a_sample_whose_format_lost_the_marker_is_read_with_the_one_that_was_learned(encoder, tmp_path):
    train = CITIES.copy()
    train.loc[::4, "city"] = None
    model = make_pipeline(make_column_transformer((encoder, ["city"])), LogisticRegression()).fit(
        train[["city"]], train.city.isna()
    )
    train.to_csv(tmp_path / "sample.csv", index=False)
    from_file = pd.read_csv(tmp_path / "sample.csv")
    inferred = infer(model, from_file)
    assert (inferred.schema.columns[0].held, inferred.schema.columns[0].missing) == ("object", "none")
    served = answers(model, inferred.schema, inferred.batch, ["predict_proba"])["predict_proba"]
    assert same(served, model.predict_proba(train))
    assert same(served, model.predict_proba(inferred.rows))


def test_an_imputer_of_none_gets_none():
    imputer = SimpleImputer(strategy="constant", fill_value="nowhere", missing_values=None)
    model = make_pipeline(
        make_column_transformer((make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore")), ["city"])), Ridge()
    ).fit(CITIES, WHOLE[:40, 1])
    column = infer(model, CITIES).schema.columns[1]
    assert (column.nullable, column.missing) == (True, "none")


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(max_iter=10, random_state=0),
        XGBRegressor(enable_categorical=True, n_estimators=30, n_jobs=1),
        LGBMRegressor(n_estimators=30, min_child_samples=5, verbose=-1, n_jobs=1),
    ],
)
@pytest.mark.parametrize("holed", [True, False])
def test_native_categories_show_their_gaps(model, holed):
    frame = pd.DataFrame({"n": WHOLE[:, 0], "c": pd.Categorical(RANDOM.choice(list("abcdef"), 400)), "m": WHOLE[:, 1]})
    target = frame.n + frame.c.cat.codes * WHOLE[:, 2] + frame.m
    train = frame.copy()
    if holed:
        train.loc[::6, "c"] = np.nan
        train.loc[::7, "m"] = np.nan
    model.fit(train, target)
    schema = infer(model, frame).schema
    assert [column.nullable for column in schema.columns] == [False, holed, holed]
    if holed:
        rows = {"n": WHOLE[:40, 0], "c": train.c[:40].to_numpy(dtype=object), "m": train.m[:40].to_numpy()}
        rows["c"] = np.where(train.c[:40].isna(), None, rows["c"])
        answer = answers(model, schema, Batch(40, columns=rows), ["predict"])["predict"]
        np.testing.assert_array_equal(answer, model.predict(train[:40]))


@pytest.mark.parametrize("gap", [None, np.nan])
def test_a_code_of_whole_numbers_stays_one_in_the_rows_without_a_gap(gap):
    train = pd.DataFrame({"code": pd.Series([7, 8, gap, 9] * 10, dtype=object), "n": WHOLE[:40, 0]})
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["code"]), remainder="passthrough")
    model = make_pipeline(encoded, RandomForestClassifier(10, random_state=0)).fit(train, np.arange(40) % 4 == 2)
    schema = infer(model, train[train.code.notna()]).schema
    assert (schema.columns[0].dtype, schema.columns[0].nullable) == ("int64", True)
    rows = {"code": np.array([7, None, 8], dtype=object), "n": WHOLE[:3, 0]}
    found = answers(model, schema, Batch(3, columns=rows), ["predict_proba"])["predict_proba"]
    own = pd.DataFrame({"code": pd.Series([7, gap, 8], dtype=object), "n": WHOLE[:3, 0]})
    np.testing.assert_array_equal(found, model.predict_proba(own))


class LikeCatBoost(DummyRegressor):
    """Says how it treats the gaps of each column, as CatBoost does; CatBoost is no requirement of the tests."""

    def _get_nan_treatments(self):
        return {0: "AsIs", 1: "AsFalse", 2: "AsIs", 3: "AsTrue"}


def test_catboost_says_which_columns_had_gaps():
    model = LikeCatBoost().fit(HOLED, TARGET)
    assert learned_gaps(model, 4) == {1: "nan", 3: "nan"}
    assert [column.nullable for column in infer(model, WHOLE).schema.columns] == [False, True, False, True]


def test_a_transformer_may_answer_a_gap_with_a_gap():
    train = CITIES[["city"]].copy()
    train.loc[::4, "city"] = np.nan
    encoder = OrdinalEncoder().fit(train)
    schema = infer(encoder, train[1:4]).schema
    assert schema.columns[0].nullable
    batch = Batch(2, columns={"city": np.array([None, "Oslo"], dtype=object)})
    assert np.isnan(answers(encoder, schema, batch, ["transform"])["transform"]).tolist() == [[True], [False]]


def test_a_prediction_that_is_no_number_means_that_the_gap_is_not_taken():
    model = make_pipeline(StandardScaler(), FunctionTransformer(), PassesOn()).fit(HOLED, TARGET)
    assert learned_gaps(model, 4) == {1: "nan", 3: "nan"}
    assert [column.nullable for column in infer(model, WHOLE).schema.columns] == [False] * 4


class PassesOn(DummyRegressor):
    """Predicts the sum of the columns, NaN where one is missing."""

    def predict(self, X):  # noqa: N803 - scikit-learn's name
        return np.asarray(X).sum(axis=1)


def test_what_is_not_known_to_learn_gaps_takes_none():
    model = make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression()).fit(WHOLE, TARGET)
    assert [column.nullable for column in infer(model, WHOLE).schema.columns] == [False] * 4
    assert learned_gaps(XGBRegressor(booster="gblinear", n_estimators=2).fit(HOLED, TARGET), 4) == {}
    assert learned_gaps(LogisticRegression(), 4) == {}


class CountsTrials(DummyRegressor):
    """Takes gaps in all columns but some, and counts how often it sees any."""

    def predict(self, X):  # noqa: N803 - scikit-learn's name
        self.tried += int(np.isnan(X).any())
        if np.isnan(X[:, list(self.refused)]).any():
            raise ValueError("no gap here")
        return np.zeros(len(X))


class SeesGaps(SimpleImputer):
    """An imputer that hands its columns on as they are."""

    def transform(self, X):  # noqa: N803 - scikit-learn's name
        return X


@pytest.mark.parametrize(("refused", "most"), [((), 1), ((7,), 21), ((7, 600), 40)])
def test_columns_are_tried_together_and_in_halves_only_if_that_fails(refused, most):
    wide, target = np.zeros((10, 1000)), np.zeros(10)
    model = CountsTrials()
    pipeline = make_pipeline(SeesGaps(), model).fit(wide, target)
    model.refused, model.tried = refused, 0
    schema = infer(pipeline, wide).schema
    assert {i for i, column in enumerate(schema.columns) if not column.nullable} == set(refused)
    assert 1 <= model.tried <= most


@pytest.mark.parametrize("strategy", ["constant", "most_frequent"])
@pytest.mark.parametrize("gaps", [True, False], ids=["gaps", "no gaps"])
def test_none_comes_through_an_imputer_of_nan_to_the_encoder_behind_it(strategy, gaps):
    frame = pd.DataFrame({"c": pd.Series(["a", None, "b"] * 20, dtype=object)})
    steps = SimpleImputer(strategy=strategy), OneHotEncoder(handle_unknown="ignore"), LogisticRegression()
    model = make_pipeline(*steps).fit(frame, frame["c"].isna())
    schema = infer(model, frame if gaps else frame.dropna()).schema
    assert (schema.columns[0].nullable, schema.columns[0].missing) == (True, "none")
    batch = Batch(2, columns={"c": np.array(["a", None], dtype=object)})
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == [False, True]


def test_nothing_comes_through_an_imputer_that_knows_the_gaps_of_its_encoder():
    frame = pd.DataFrame({"c": pd.Series(["a", np.nan, "b"] * 20, dtype=object)})
    encoder = make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder()).fit(frame)
    assert learned_gaps(encoder, 1) == {0: "nan"}
