"""Requests that arrive at random and are joined where publishing allows it: every answer is the one given alone."""

import warnings
from collections import Counter

import numpy as np
import pytest

from model_store.batch import Batch, split, take
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_with_calls
from model_store.engines.compiled import CompiledEngine
from model_store.engines.equality import identical
from model_store.engines.estimator import EstimatorEngine
from model_store.errors import StoreError
from model_store.joining import record
from model_store.joining.rows import trial_rows
from model_store.joining.verdict import Subject, joins, judge
from model_store.plans import files
from model_store.proof.threads import on_one_thread
from tests.values.estimators import columns, linear, texts, transformers, trees

SECONDS = 0.6
"""For the trial of one estimator: what is slower is answered alone here."""
ROUNDS, LARGEST = 12, 12
"""So many times, one to so many requests of as many rows have arrived."""
LEAST = {"linear": (10, 14), "trees": (40, 46), "texts": (10, 10), "columns": (28, 29), "transformers": (36, 40)}
"""So many estimators of each family have an output that is joined by the list, and by the list or by what rows show."""
ALONE = {
    "linear": {
        "Ridge",
        "LinearRegression",
        "LogisticRegression",
        "LinearSVC",
        "MLPRegressor",
        "PLSRegression",
        "BayesianRidge",
    },
    "trees": {"Pipeline", "GridSearchCV", "OneVsRestClassifier", "VotingRegressor", "StackingRegressor"},
    "texts": set(),
    "columns": {"ColumnTransformer, ridge"},
    "transformers": {"PCA", "NMF", "Nystroem", "FastICA", "BernoulliRBM"},
}
"""Estimators that multiply matrices, each of which is found out on any processor, in all of its outputs."""


@pytest.mark.parametrize(
    "family", [linear, trees, texts, columns, transformers], ids=lambda family: family.__name__.rpartition(".")[2]
)
def test_joined_answers_are_those_given_alone(family, tmp_path):
    found = {name: outcome for name, make in family.CASES.items() if (outcome := _joined(make(), tmp_path))}
    by_list = [name for name, outcome in found.items() if outcome["steps"]]
    joined = [name for name, outcome in found.items() if outcome["steps"] or outcome["rows"]]
    name = family.__name__.rpartition(".")[2]
    assert {case: outcome["different"] for case, outcome in found.items() if outcome["different"]} == {}
    assert len(by_list) >= LEAST[name][0], len(by_list)
    assert len(joined) >= LEAST[name][1], len(joined)
    assert {case for case in ALONE[name] if case in joined} == set()


def _joined(case, folder):
    """Count outputs by the rule that joins them, and answers that are others then; None if it is not published."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            inferred = infer(case.estimator, samples.laid_out(case.sample), **case.options)
        except StoreError:
            return None
        with on_one_thread(case.estimator):
            subject = Subject(_engine(case, inferred, folder), inferred.schema, case.estimator)
            options = judge(subject, inferred.batch, seconds=SECONDS)
            most = joins(options, subject, lambda: inferred.batch)
            different = _arrivals(subject, most, inferred)
    rules = Counter(entry["rule"] for entry in record.outputs(options).values() if entry["joined"])
    assert set(record.joined(options)) == set(most)
    return {"steps": rules["steps"], "rows": rules["rows"], "different": different}


def _engine(case, inferred, folder):
    try:
        files.write(folder, compile_with_calls(case.estimator, inferred.schema))
    except NotCompiled:
        return EstimatorEngine(case.estimator, inferred.schema)
    return CompiledEngine(files.mapped(folder), inferred.schema, case.estimator)


def _arrivals(subject, most, inferred):
    """Return how many answers to requests that are joined are not those that each request gets alone."""
    rng, rows = np.random.default_rng(5), trial_rows(inferred.schema, inferred.batch, 60)
    outputs, different = tuple(most), 0
    for _ in range(ROUNDS if outputs else 0):
        counts = rng.integers(1, LARGEST, rng.integers(1, LARGEST)).tolist()
        requests = [take(rows, rng.integers(0, rows.rows, count)) for count in counts]
        alone = [_answer(subject.engine, request, outputs) for request in requests]
        answered = [(request, answer) for request, answer in zip(requests, alone, strict=True) if answer is not None]
        if not answered:
            continue
        batch = Batch.joined([request for request, _ in answered])
        parts = split(subject.engine.predict(batch, outputs), [request.rows for request, _ in answered])
        different += sum(
            not identical(part[name], answer[name])
            for part, (_, answer) in zip(parts, answered, strict=True)
            for name in outputs
        )
    return different


def _answer(engine, request, outputs):
    """Return what a request gets alone; None if it is refused, as it is in company then."""
    try:
        return engine.predict(request, outputs)
    except (ValueError, TypeError, LookupError):
        return None
