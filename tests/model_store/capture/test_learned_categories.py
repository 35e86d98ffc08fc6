"""Category columns have the categories of the model, which a sample may lack; renamed columns are found."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from model_store.capture.inference import infer
from model_store.engines.estimator import answers
from model_store.errors import BadSample
from model_store.request_errors import InvalidInput
from model_store.validation.rows import from_records

RNG = np.random.default_rng(1)
ROWS = pd.DataFrame(
    {
        "x (cm)": RNG.normal(size=800),
        "kind": pd.Categorical(RNG.choice(list("abcd"), 800), categories=list("dabc")),
        "code": pd.Categorical(RNG.choice([10, 20, 30], 800)),
    }
)
TARGET = ROWS["kind"].map({"a": 0.0, "b": 10.0, "c": 20.0, "d": 30.0}).astype(float) + ROWS["code"].astype(float)
MODELS = {
    "HistGradientBoosting": HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=40),
    "LightGBM": lightgbm.LGBMRegressor(n_estimators=40, verbose=-1),
    "XGBoost": xgboost.XGBRegressor(n_estimators=40, enable_categorical=True),
    "behind other columns": make_pipeline(
        make_column_transformer(("passthrough", ["code"]), remainder="passthrough").set_output(transform="pandas"),
        HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=40),
    ),
}
PART = ROWS[ROWS["kind"].isin(["a", "b"])][:100]
SAMPLES = {
    "whole": ROWS[:100],
    "narrow": PART.assign(kind=PART["kind"].astype(str).astype("category")),
    "plain": PART.assign(kind=PART["kind"].astype(str), code=PART["code"].astype(int)),
}
ASKED = pd.DataFrame(
    {
        "x (cm)": 0.0,
        "kind": pd.Categorical(list("abcd"), categories=list("dabc")),
        "code": pd.Categorical([10, 20, 30, 10], categories=[10, 20, 30]),
    }
)


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param].fit(ROWS, TARGET)


@pytest.mark.parametrize("sample", SAMPLES)
def test_categories_are_those_of_the_model(model, sample):
    schema = infer(model, SAMPLES[sample]).schema
    batch = from_records(schema, ASKED.to_dict("records"))
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == model.predict(ASKED).tolist()
    assert set(schema.columns[1].categories) == set("abcd")
    assert set(schema.columns[2].categories) == {10, 20, 30}


def test_a_value_that_xgboost_refuses_is_refused():
    model = MODELS["XGBoost"].fit(ROWS, TARGET)
    schema = infer(model, ROWS[:100]).schema
    with pytest.raises(InvalidInput, match='expected one of "d", "a", "b", "c", got "e"'):
        from_records(schema, [{"x (cm)": 0.0, "kind": "e", "code": 10}])


@pytest.mark.parametrize("cities", [["Reykjavík", "Rome", "Bern"], ["Bern", "Málaga"], ["Bern", "Kraków", "São José"]])
def test_categories_of_many_scripts_are_those_of_the_sample_as_xgboost_cuts_them_wrong(cities):
    rows = pd.DataFrame({"city": pd.Categorical(cities * 20, categories=cities)})
    model = xgboost.XGBRegressor(n_estimators=5, enable_categorical=True).fit(rows, rows["city"].cat.codes)
    schema = infer(model, rows).schema
    assert schema.columns[0].categories == tuple(cities)
    batch = from_records(schema, rows.to_dict("records"))
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == model.predict(rows).tolist()


def test_a_value_that_others_take_as_missing_is_taken():
    model = MODELS["LightGBM"].fit(ROWS, TARGET)
    schema = infer(model, ROWS[:100]).schema
    batch = from_records(schema, [{"x (cm)": 0.0, "kind": "e", "code": 10}])
    unknown = ASKED[:1].assign(kind=pd.Categorical(["e"]))
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == model.predict(unknown).tolist()


def test_names_that_lightgbm_changed_are_the_samples():
    model = MODELS["LightGBM"].fit(ROWS, TARGET)
    assert list(model.feature_names_in_) == ["x_(cm)", "kind", "code"]
    assert infer(model, ROWS[:100]).schema.names == ("x (cm)", "kind", "code")


def test_two_columns_that_could_be_meant_are_none():
    model = MODELS["LightGBM"].fit(ROWS, TARGET)
    sample = ROWS[:100].rename(columns={"x (cm)": "x.(cm)"}).assign(**{"x-(cm)": 0.0})
    with pytest.raises(BadSample, match=r"the sample lacks column 'x_\(cm\)'"):
        infer(model, sample)


CITIES = pd.DataFrame({"city": ["Oslo", "Lima", None] * 20, "n": range(60)})


def behind(encoder, frame=CITIES):
    steps = make_column_transformer((encoder, ["city"]), remainder="passthrough"), LinearRegression()
    return make_pipeline(*steps).fit(frame, range(60))


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_values_that_an_encoder_refuses_are_refused_by_column(dtype):
    frame = CITIES.assign(city=CITIES["city"].astype(dtype))
    schema = infer(behind(OneHotEncoder(), frame), frame).schema
    with pytest.raises(InvalidInput, match=r'row 0, column city: expected one of .*"Oslo".* or null, got "Rom"'):
        from_records(schema, [{"city": "Rom", "n": 1}])
    assert from_records(schema, [{"city": None, "n": 1}]).rows == 1


def test_values_that_an_encoder_ignores_are_taken():
    schema = infer(behind(OneHotEncoder(handle_unknown="ignore")), CITIES).schema
    assert from_records(schema, [{"city": "Rom", "n": 1}]).rows == 1


def test_values_that_may_be_persons_are_not_named_as_the_only_ones():
    mails = CITIES.assign(city=[f"a.{i}@example.org" for i in range(60)])
    assert not infer(behind(OneHotEncoder(), mails), mails).schema.columns[0].closed


def test_categories_that_only_the_encoder_knows_are_kept():
    frame = CITIES.assign(city=CITIES["city"].astype("category"))
    model = behind(OneHotEncoder(handle_unknown="ignore"), frame)
    narrow = frame[frame["city"] == "Oslo"].assign(city=lambda rows: rows["city"].astype(str).astype("category"))
    schema = infer(model, narrow).schema
    batch = from_records(schema, [{"city": "Lima", "n": 4}])
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == model.predict(frame[4:5]).tolist()
