"""Texts: in lists, in frames, and as one column among others."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import LabelBinarizer, LabelEncoder, MultiLabelBinarizer

from tests.values.case import TRAINED, Case, fitted
from tests.values.rows import COUNTS, MIXED, PRICE, TEXTS, Y

WORDS = pd.DataFrame({"review": TEXTS, "stars": COUNTS[:, 0]})
RECORDS = [
    {"city": city or "none", "rooms": float(rooms)} for city, rooms in zip(MIXED["city"], MIXED["rooms"], strict=True)
]


def in_a_series():
    texts = pd.Series(TEXTS, name="review")
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(texts[:TRAINED], Y[:TRAINED])
    return Case(model, texts[:TRAINED].to_frame(), texts[TRAINED:])


CASES = {
    "CountVectorizer": lambda: fitted(CountVectorizer(), TEXTS),
    "HashingVectorizer": lambda: fitted(HashingVectorizer(n_features=32), TEXTS),
    "TfidfVectorizer": lambda: fitted(TfidfVectorizer(), TEXTS),
    "TfidfTransformer": lambda: fitted(TfidfTransformer(), COUNTS),
    "DictVectorizer": lambda: fitted(DictVectorizer(), RECORDS),
    "FeatureHasher": lambda: fitted(FeatureHasher(16), RECORDS),
    "LabelBinarizer": lambda: fitted(LabelBinarizer(), TEXTS),
    "LabelEncoder": lambda: fitted(LabelEncoder(), TEXTS),
    "MultiLabelBinarizer": lambda: fitted(MultiLabelBinarizer(), [text.split() for text in TEXTS]),
    "TfidfVectorizer, bayes": lambda: fitted(make_pipeline(TfidfVectorizer(), MultinomialNB()), TEXTS, Y),
    "TfidfVectorizer, latent": lambda: fitted(make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)), TEXTS),
    "TfidfVectorizer, characters": lambda: fitted(
        make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)), LogisticRegression()), TEXTS, Y
    ),
    "CountVectorizer, union": lambda: fitted(
        make_pipeline(FeatureUnion([("c", CountVectorizer()), ("t", TfidfVectorizer())]), MultinomialNB()), TEXTS, Y
    ),
    "TfidfVectorizer, of a series": in_a_series,
    "TfidfVectorizer, one column among others": lambda: fitted(
        make_pipeline(
            make_column_transformer((TfidfVectorizer(), "review"), remainder="passthrough"), LogisticRegression()
        ),
        WORDS,
        PRICE > 0,
    ),
}
