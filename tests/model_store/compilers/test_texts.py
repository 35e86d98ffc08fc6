"""Texts are counted, weighed and hashed by a plan as scikit-learn does it, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import murmurhash3_32

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.steps.columns.texts import murmur
from tests.model_store.compilers.tables import CLASSES, ROWS, TARGET, outcomes, plan_of

pytestmark = pytest.mark.filterwarnings("ignore")
_RANDOM = np.random.default_rng(11)
_PIECES = (
    "good", "Bad", "rain", "Reykjavík", "naïve", "ﬁne", "東京", "I", "a1", "007", "don't", "two  spaces", "x\n\ny",
    "ÅNGSTRÖM", "İstanbul", "straße", "the", "and", "e\u0301", "_x_", "3.14", "\u00a0", "😀", "ab",
)  # fmt: skip
TEXTS = [" ".join(_RANDOM.choice(_PIECES, n).tolist()) for n in _RANDOM.integers(0, 30, ROWS)]
SAMPLE = samples.laid_out(TEXTS)
VECTORIZERS = (
    CountVectorizer(),
    CountVectorizer(binary=True, ngram_range=(1, 3)),
    CountVectorizer(ngram_range=(2, 3), stop_words="english", lowercase=False),
    CountVectorizer(token_pattern=r"(?u)(\w)\w*", strip_accents="unicode"),
    CountVectorizer(analyzer="char", ngram_range=(1, 3), strip_accents="ascii", max_features=50),
    CountVectorizer(analyzer="char_wb", ngram_range=(2, 6), min_df=4, dtype=np.float64),
    CountVectorizer(vocabulary=["rain", "good", "the and"], ngram_range=(1, 2), stop_words=["ab"]),
    TfidfVectorizer(),
    TfidfVectorizer(norm="l1", sublinear_tf=True, smooth_idf=False),
    TfidfVectorizer(norm=None, binary=True, use_idf=False, analyzer="char"),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True),
    make_pipeline(CountVectorizer(max_df=0.4, min_df=2), TfidfTransformer(sublinear_tf=True)),
    HashingVectorizer(n_features=37),
    HashingVectorizer(n_features=64, alternate_sign=False, norm="l1", ngram_range=(1, 2)),
    HashingVectorizer(n_features=8, norm=None, binary=True, analyzer="char"),
    FeatureUnion([("a", CountVectorizer(max_features=9)), ("b", TfidfVectorizer())], transformer_weights={"a": 0.3}),
)
MODELS = (
    LogisticRegression(max_iter=30),
    LinearSVC(),
    RidgeClassifier(),
    SGDClassifier(loss="modified_huber", random_state=0),
    RandomForestClassifier(3, random_state=0),
    make_pipeline(StandardScaler(with_mean=False), LogisticRegression(max_iter=30)),
)


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=lambda one: " ".join(str(one).split()))
def test_a_vectorizer_answers_the_same_bits(vectorizer: Any, tmp_path: Path) -> None:
    seen = outcomes(vectorizer.fit(TEXTS), SAMPLE, tmp_path)
    assert set(seen) == {"equal"}, seen


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("target", [CLASSES, TARGET > 0], ids=["three classes", "two classes"])
def test_a_model_on_weighed_words_answers_the_same_bits(model: Any, target: Any, tmp_path: Path) -> None:
    seen = outcomes(make_pipeline(TfidfVectorizer(), model).fit(TEXTS, target), SAMPLE, tmp_path)
    assert set(seen) == {"equal"}, seen


@pytest.mark.parametrize("model", [MultinomialNB(), ComplementNB(norm=True), LogisticRegression(max_iter=30)], ids=str)
def test_a_model_on_counted_words_answers_the_same_bits(model: Any, tmp_path: Path) -> None:
    seen = outcomes(make_pipeline(CountVectorizer(), model).fit(TEXTS, CLASSES), SAMPLE, tmp_path)
    assert set(seen) == {"equal"}, seen


def test_words_are_projected_in_the_same_order(tmp_path: Path) -> None:
    model = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0)).fit(TEXTS)
    assert set(outcomes(model, SAMPLE, tmp_path)) == {"equal"}


def test_words_are_chosen(tmp_path: Path) -> None:
    for final in (TfidfTransformer(), LogisticRegression(max_iter=30)):
        model = make_pipeline(CountVectorizer(ngram_range=(1, 2)), SelectKBest(chi2, k=20), final).fit(TEXTS, CLASSES)
        assert set(outcomes(model, SAMPLE, tmp_path)) == {"equal"}


def test_a_text_column_among_others_is_read_as_a_vector(tmp_path: Path) -> None:
    rows = pd.DataFrame({"stars": TARGET, "review": TEXTS, "title": TEXTS[::-1]})
    columns = make_column_transformer(
        (TfidfVectorizer(), "review"), (CountVectorizer(), 2), (StandardScaler(), ["stars"])
    )
    seen = outcomes(make_pipeline(columns, LogisticRegression(max_iter=30)).fit(rows, CLASSES), rows, tmp_path)
    assert set(seen) == {"equal"}, seen


def test_counts_in_an_array_are_weighed(tmp_path: Path) -> None:
    rows = CountVectorizer(max_features=7).fit_transform(TEXTS).toarray()
    seen = outcomes(TfidfTransformer().fit(rows), rows, tmp_path)
    assert set(seen) == {"equal"}, seen


@pytest.mark.parametrize(
    "vectorizer",
    [
        CountVectorizer(dtype=np.int8),
        CountVectorizer(dtype=np.uint8, analyzer="char"),
        HashingVectorizer(dtype=np.int8, n_features=4, norm=None),
    ],
    ids=lambda one: " ".join(str(one).split()),
)
def test_counts_that_are_too_large_for_their_type_wrap_around(vectorizer: Any, tmp_path: Path) -> None:
    fitted = vectorizer.fit(TEXTS)
    schema = infer(fitted, SAMPLE).schema
    long = ["rain " * count for count in (127, 128, 200, 256, 1000)]
    batch = Batch(len(long), columns={schema.columns[0].name: np.array(long, dtype=object)})
    answers = plan_of(fitted, schema, tmp_path).predict(batch, ["transform"])["transform"]
    assert answers.dtype == vectorizer.dtype
    assert answers.tolist() == fitted.transform(long).toarray().tolist()


def test_bools_that_are_counted_down_are_left_to_the_estimator() -> None:
    fitted = HashingVectorizer(dtype=bool, n_features=4, norm=None).fit(TEXTS)
    with pytest.raises(NotCompiled, match="a type without a sign"):
        compile_plan(fitted, infer(fitted, SAMPLE).schema)


@pytest.mark.parametrize("length", range(13))
def test_hashes_are_those_of_murmurhash(length: int) -> None:
    for key in _RANDOM.integers(0, 256, (40, length), dtype=np.uint8):
        assert murmur(key.tobytes()) == murmurhash3_32(key.tobytes(), 0)


def test_a_missing_text_is_refused(tmp_path: Path) -> None:
    fitted = TfidfVectorizer().fit(TEXTS)
    schema = infer(fitted, SAMPLE).schema
    batch = Batch(2, columns={schema.columns[0].name: np.array(["good", None], dtype=object)})
    with pytest.raises(ValueError, match=r"np\.nan is an invalid document"):
        plan_of(fitted, schema, tmp_path).predict(batch, ["transform"])


@pytest.mark.parametrize(
    "own",
    [
        CountVectorizer(tokenizer=str.split),
        TfidfVectorizer(analyzer=str.split),
        CountVectorizer(preprocessor=str.upper),
    ],
)
def test_functions_of_the_publishers_own_are_left_to_the_estimator(own: Any) -> None:
    fitted = own.fit(TEXTS)
    with pytest.raises(NotCompiled, match="a function of the publisher's own"):
        compile_plan(fitted, infer(fitted, SAMPLE).schema)


def test_float32_is_left_to_the_estimator() -> None:
    fitted = TfidfVectorizer(dtype=np.float32).fit(TEXTS)
    with pytest.raises(NotCompiled, match="float32"):
        compile_plan(fitted, infer(fitted, SAMPLE).schema)
