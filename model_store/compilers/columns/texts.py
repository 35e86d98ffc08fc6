"""Vectorizers of texts, and what weighs their counts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse

_MODULE = "sklearn.feature_extraction.text"


def _count(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"transform": _counts(compilation, estimator, rows)}


def _tfidf_vectorizer(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    counts = _counts(compilation, estimator, rows)
    return {"transform": _weighed(compilation, vars(estimator)["_tfidf"], counts)}


def _tfidf(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if rows.form != "sparse":
        rows = compilation.floats(rows)
        rows = compilation.add("sparse_beside", rows, settings={"dtype": rows.dtype}, form="sparse", finite=True)
    return {"transform": _weighed(compilation, estimator, compilation.numbers(rows))}


def _hashing(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    width = int(estimator.n_features)
    if estimator.alternate_sign and np.dtype(estimator.dtype).kind in "bu":
        refuse("it counts down in a type without a sign")
    settings = {**_cutting(estimator, rows), "width": width, "signed": bool(estimator.alternate_sign)}
    known: dict[str, Any] = {"form": "sparse", "width": width, "dtype": settings["dtype"], "finite": True}
    counts = compilation.add("hashed", rows, settings=settings, arrays=_stop_words(estimator), **known)
    if estimator.norm is None:
        return {"transform": counts}
    return {"transform": _normed(compilation, counts, {"norm": estimator.norm}, {})}


def _counts(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    settings, words = _cutting(estimator, rows), estimator.vocabulary_
    vocabulary = np.empty(len(words), dtype=object)
    for word, place in words.items():
        vocabulary[place] = word
    if not all(isinstance(word, str) for word in vocabulary.tolist()):
        refuse("a vocabulary of other things than texts")
    arrays = {"vocabulary": vocabulary, **_stop_words(estimator)}
    known: dict[str, Any] = {"form": "sparse", "width": len(words), "dtype": settings["dtype"], "finite": True}
    return compilation.add("counts", rows, settings=settings, arrays=arrays, **known)


def _cutting(estimator: Any, rows: Value) -> dict[str, Any]:
    """Return the settings of a vectorizer's steps. Raises NotCompiled for the publisher's own functions."""
    if rows.form != "vector" or rows.column is None or rows.column.dtype != "string" or rows.column.held == "category":
        refuse("it takes one column of texts")
    own = (estimator.preprocessor, estimator.tokenizer, estimator.analyzer, estimator.strip_accents)
    if any(map(callable, own)) or estimator.input != "content":
        refuse("it cuts texts by a function of the publisher's own, or reads files")
    return {
        "analyzer": estimator.analyzer,
        "lowercase": bool(estimator.lowercase),
        "strip_accents": estimator.strip_accents,
        "ngrams": [int(size) for size in estimator.ngram_range],
        "token_pattern": estimator.token_pattern,
        "binary": bool(estimator.binary),
        "dtype": np.dtype(estimator.dtype).name,
    }


def _stop_words(estimator: Any) -> Mapping[str, Any]:
    return {"stop_words": np.array(sorted(estimator.get_stop_words() or ()), dtype=object)}


def _weighed(compilation: Compilation, weights: Any, counts: Value) -> Value:
    arrays = {"idf": weights.idf_} if hasattr(weights, "idf_") else {}
    return _normed(compilation, counts, {"sublinear": bool(weights.sublinear_tf), "norm": weights.norm}, arrays)


def _normed(compilation: Compilation, counts: Value, settings: Mapping[str, Any], arrays: Mapping[str, Any]) -> Value:
    if counts.dtype == "float32" or any(array.dtype != np.float64 for array in arrays.values()):
        refuse("counts or weights of float32")
    finite = counts.finite and not settings.get("sublinear")
    return compilation.add("tfidf", counts, settings=settings, arrays=arrays, dtype="float64", finite=finite)


COMPILERS: Mapping[str, Compiler] = {
    f"{_MODULE}.CountVectorizer": _count,
    f"{_MODULE}.TfidfVectorizer": _tfidf_vectorizer,
    f"{_MODULE}.TfidfTransformer": _tfidf,
    f"{_MODULE}.HashingVectorizer": _hashing,
}
