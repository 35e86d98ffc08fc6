"""Parts that there are no steps for are called with arrays, and all around them is compiled."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - IterativeImputer cannot be imported without
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan, compile_with_calls
from model_store.engines.compiled import CompiledEngine
from model_store.engines.equality import identical
from model_store.engines.estimator import EstimatorEngine
from model_store.estimators import at, path_to
from model_store.plans.plan import Plan, Step
from model_store.proof.record import calls, lines
from tests.model_store.proof.cases import case, judged

DRAWN = np.random.default_rng(11)
MATRIX = DRAWN.normal(size=(120, 4))
TABLE = pd.DataFrame(MATRIX, columns=list("abcd")).assign(kind=DRAWN.choice(["x", "y", "z"], 120))
TARGETS = (MATRIX[:, 0] + MATRIX[:, 1] > 0.2).astype(int)


class Doubled(TransformerMixin, BaseEstimator):
    """A transformer of your own, which writes into the rows that it gets."""

    def fit(self, rows, _targets=None):
        self.width_ = rows.shape[1]
        return self

    def transform(self, rows):
        rows *= 2
        return rows


class Slow(Ridge):
    """A regressor that thinks for some milliseconds."""

    def predict(self, rows):
        sum(range(200_000))
        return super().predict(rows)


def prepared(model):
    columns = [("numbers", StandardScaler(), list("abcd")), ("kind", OneHotEncoder(sparse_output=False), ["kind"])]
    return make_pipeline(ColumnTransformer(columns), model)


def engines(estimator, sample):
    inferred = infer(estimator, samples.laid_out(sample))
    plan = compile_with_calls(estimator, inferred.schema)
    names = [output.name for output in inferred.schema.outputs]
    own, compiled = EstimatorEngine(estimator, inferred.schema), CompiledEngine(plan, inferred.schema, estimator)
    return plan, own.predict(inferred.batch, names), compiled.predict(inferred.batch, names)


def called(plan):
    return sorted({tuple(step.settings["path"]) for step in plan.steps if step.kind == "call"})


CASES = {
    "a last model": (prepared(GaussianProcessClassifier()), TABLE, [("steps", 1, 1)]),
    "a first transformer": (
        make_pipeline(Doubled(), StandardScaler(), LogisticRegression()),
        MATRIX,
        [("steps", 0, 1)],
    ),
    "what is fitted on columns of a table": (
        make_pipeline(
            ColumnTransformer([("gaps", KNNImputer(), list("abcd")), ("kind", OneHotEncoder(), ["kind"])]),
            LogisticRegression(),
        ),
        TABLE.mask(DRAWN.random(TABLE.shape) < 0.1).assign(kind=TABLE["kind"], a=TABLE["a"].astype("float32")),
        [("steps", 0, 1, "transformers_", 0, 1)],
    ),
    "what is fitted on a table of numbers": (
        make_pipeline(IterativeImputer(max_iter=2, random_state=0), StandardScaler(), LogisticRegression()),
        TABLE.drop(columns="kind").mask(DRAWN.random((120, 4)) < 0.1),
        [("steps", 0, 1)],
    ),
    "one of several": (
        VotingRegressor([("known", Ridge()), ("own", make_pipeline(StandardScaler(), Slow()))]),
        MATRIX,
        [("estimators_", 1, "steps", 1, 1)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_part_alone_is_called_and_the_answers_are_equal(name):
    estimator, sample, paths = CASES[name]
    plan, own, compiled = engines(estimator.fit(sample, TARGETS), sample)
    assert called(plan) == paths
    assert all(identical(own[output], compiled[output]) for output in own)


def test_a_part_that_is_fitted_on_a_table_is_called_without_its_warning_and_stays_as_it_is():
    estimator, sample, _ = CASES["what is fitted on a table of numbers"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engines(estimator.fit(sample, TARGETS), sample)
    assert list(estimator[0].feature_names_in_) == list("abcd")


def test_a_part_that_writes_into_its_rows_leaves_the_batch_as_it_was():
    estimator = make_pipeline(Doubled(), Ridge()).fit(MATRIX.copy(), TARGETS)
    before = MATRIX.copy()
    inferred = infer(estimator, samples.laid_out(MATRIX))
    engine = CompiledEngine(compile_with_calls(estimator, inferred.schema), inferred.schema, estimator)
    engine.predict(Batch(120, matrix=before), ["predict"])
    assert before.tobytes() == MATRIX.tobytes()


UNCALLED = {
    "the whole estimator": (Slow(), MATRIX),
    "of your own, fitted on a table": (make_pipeline(Doubled(), Slow()), TABLE.drop(columns="kind")),
    "of your own, where the next step is compiled": (
        make_pipeline(Doubled(), StandardScaler(), Ridge()),
        TABLE.drop(columns="kind"),
    ),
    "scikit-learn's, with names in a part of it": (
        make_pipeline(
            ColumnTransformer(
                [("all", FeatureUnion([("own", KNNImputer())]).set_output(transform="pandas"), list("abcd"))]
            ),
            Ridge(),
        ),
        TABLE,
    ),
    "after what makes tables": (make_pipeline(StandardScaler().set_output(transform="pandas"), Slow()), MATRIX),
}


@pytest.mark.parametrize("name", UNCALLED)
def test_what_may_look_at_names_of_columns_is_not_called(name):
    estimator, sample = UNCALLED[name]
    fitted = estimator.fit(sample, TARGETS)
    with pytest.raises(NotCompiled):
        compile_with_calls(fitted, infer(fitted, samples.laid_out(sample)).schema)


def test_an_estimator_with_steps_for_all_parts_is_not_called():
    estimator = prepared(LogisticRegression()).fit(TABLE, TARGETS)
    schema = infer(estimator, samples.laid_out(TABLE)).schema
    assert not compile_with_calls(estimator, schema).calls
    assert len(compile_plan(estimator, schema).steps) == len(compile_with_calls(estimator, schema).steps)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": ["steps", 5, 1], "method": "predict"}, "nothing at"),
        ({"path": ["steps", 1, 1], "method": "fit"}, "calls fit"),
        ({"path": ["__class__"], "method": "predict"}, "nothing at"),
    ],
)
def test_a_plan_reaches_nothing_but_answers_of_parts(settings, words):
    estimator = make_pipeline(StandardScaler(), Ridge()).fit(MATRIX, TARGETS)
    schema = infer(estimator, samples.laid_out(MATRIX)).schema
    with pytest.raises(ValueError, match=words):
        CompiledEngine(Plan((Step("call", settings=settings),), {"predict": 1}), schema, estimator)


def test_a_plan_with_calls_is_not_built_without_the_estimator():
    estimator = prepared(GaussianProcessClassifier()).fit(TABLE, TARGETS)
    schema = infer(estimator, samples.laid_out(TABLE)).schema
    with pytest.raises(ValueError, match="expected the estimator"):
        CompiledEngine(compile_with_calls(estimator, schema), schema)


def test_a_path_leads_to_every_part():
    estimator = prepared(Ridge()).fit(TABLE, TARGETS)
    scaler = estimator[0].named_transformers_["numbers"]
    path = path_to(estimator, scaler)
    assert path is not None
    assert at(estimator, path) is scaler
    assert path_to(estimator, Ridge()) is None


def test_publishing_uses_calls_where_they_are_clearly_faster():
    facts = judged(case(prepared(GaussianProcessClassifier()).fit(TABLE, TARGETS), TABLE), compile_with_calls)
    assert facts["chosen"] == "compiled"
    assert calls({"engines": facts})
    assert "the compiled form calls parts of the estimator, which is loaded as well" in lines({"engines": facts})


def test_publishing_keeps_an_estimator_whose_part_takes_most_of_the_time():
    fitted = make_pipeline(StandardScaler(), Slow()).fit(MATRIX, TARGETS)
    facts = judged(case(fitted, MATRIX), compile_with_calls)
    assert facts["each"]["compiled"]["equal"]
    assert facts["chosen"] == "estimator"
    assert not calls({"engines": facts})


class Capped(Ridge):
    """What a publisher may put in the place of a method."""

    @classmethod
    def of(cls, model, rows):
        return np.minimum(Ridge.predict(model, rows), 1.0)


def test_an_estimator_with_a_method_of_its_own_is_not_compiled():
    model = Ridge().fit(MATRIX, TARGETS)
    model.predict = partial(Capped.of, Ridge().fit(MATRIX, TARGETS))
    with pytest.raises(NotCompiled, match=r"Ridge has another predict than its class"):
        compile_with_calls(model, infer(model, samples.laid_out(MATRIX)).schema)


def test_a_part_with_a_method_of_its_own_is_called():
    model = make_pipeline(StandardScaler(), Ridge()).fit(MATRIX, TARGETS)
    model[-1].predict = partial(Capped.of, Ridge().fit(MATRIX, TARGETS))
    plan, own, compiled = engines(model, MATRIX * 9)
    assert called(plan)
    assert own["predict"].max() == 1.0
    assert identical(own["predict"], compiled["predict"])
