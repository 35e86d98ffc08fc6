"""Requests that wait at the same time are predicted together, and none suffers for another."""

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.manifest import Manifest
from model_store.schema import Column, Output, Schema
from service.errors import ModelFailed, ModelRejectedInput
from service.inference.batching import Batching
from service.inference.line import Decoded, Predicted
from service.runtime.loaded import LoadedModel, OneByOne
from service.runtime.router import Chosen
from service.wire import Call

SCHEMA = Schema(
    columns=(Column("x", "float64"),),
    outputs=(Output("predict", "float64", ()), Output("other", "float64", ())),
    layout="matrix",
)
JOINS = {"predict": 64, "other": 64}
BAD = -1.0


class Engine:
    """Doubles; refuses rows that hold BAD."""

    name = "doubling"

    def __init__(self):
        self.calls = []

    def predict(self, batch, outputs):
        rows = batch.matrix[:, 0]
        self.calls.append(rows.tolist())
        if BAD in rows:
            raise ValueError("a bad row")
        return dict.fromkeys(outputs, 2 * rows)


def model(joins=JOINS, version=1, one_by_one=None):
    manifest = Manifest(
        model="m",
        version=version,
        created="2026-01-01T00:00:00+00:00",
        created_by="someone",
        artifact_format="skops",
        files={},
        libraries={},
        schema=SCHEMA,
        estimator="Doubling",
    )
    return LoadedModel(manifest, Engine(), joins, one_by_one)


def waiting(model, *values, outputs=("predict",), channel="stable", size=10):
    batch = Batch(len(values), matrix=np.array(values, dtype=float).reshape(-1, 1))
    return Decoded(None, Chosen(model, channel), Call(batch, outputs), 0.0, size)


@pytest.fixture
def batching():
    """Batching that has seen large batches already."""
    made = Batching(longest=10)
    warm = model()
    for size in (2, 4, 8, 16, 32, 64):
        list(made.predict([waiting(warm, 1.0) for _ in range(size)]))
    return made


def answers(results):
    return [one.outputs["predict"].tolist() if isinstance(one, Predicted) else type(one) for one in results]


def test_requests_for_the_same_outputs_of_one_version_become_one_prediction(batching):
    m = model()
    requests = [waiting(m, 1), waiting(m, 2, 3), waiting(m, 4)]
    assert batching.batches(requests) == [[0, 1, 2]]
    results = list(batching.predict(requests))
    assert answers(results) == [[2], [4, 6], [8]]
    assert m.engine.calls == [[1, 2, 3, 4]]
    assert [one.requests for one in results] == [3, 3, 3]


def test_versions_channels_and_outputs_are_never_mixed(batching):
    one, two = model(), model(version=2)
    requests = [
        waiting(one, 1),
        waiting(two, 1),
        waiting(one, 1, channel="pinned"),
        waiting(one, 1, outputs=("other",)),
        waiting(one, 1, outputs=("predict", "other")),
        waiting(one, 2),
        waiting(two, 2),
    ]
    assert batching.batches(requests) == [[0, 5], [1, 6], [2], [3], [4]]


def test_a_version_that_may_not_join_is_predicted_request_by_request(batching):
    m = model(joins={"other": 64})
    assert batching.batches([waiting(m, 1), waiting(m, 2)]) == [[0], [1]]
    assert batching.batches([waiting(m, 1, outputs=("other",)), waiting(m, 2, outputs=("other",))]) == [[0, 1]]


def test_no_batch_has_more_rows_than_were_proven(batching):
    m = model(joins={"predict": 4})
    requests = [waiting(m, 1), waiting(m, 2, 3), waiting(m, 4, 5), waiting(m, 6), waiting(m, *range(9))]
    assert batching.batches(requests) == [[0, 1], [2, 3], [4]]


def test_bodies_that_are_large_together_are_not_joined(batching):
    m = model()
    large = 3 * 1024 * 1024
    assert batching.batches([waiting(m, 1, size=large), waiting(m, 2, size=large), waiting(m, 3)]) == [[0], [1, 2]]


def test_a_request_without_rows_stays_alone(batching):
    m = model()
    requests = [waiting(m, 1), waiting(m), waiting(m, 2)]
    assert batching.batches(requests) == [[0], [1], [2]]
    assert answers(batching.predict([requests[1]])) == [[]]


def test_one_bad_member_affects_no_other(batching):
    m = model()
    results = list(batching.predict([waiting(m, 1), waiting(m, BAD), waiting(m, 3)]))
    assert answers(results) == [[2], ModelRejectedInput, [6]]
    assert m.engine.calls == [[1, BAD, 3], [1], [BAD], [3]]


def test_answers_of_another_length_are_each_model_s_own_failure(batching):
    m = model()
    m.engine.predict = lambda batch, outputs: {name: np.zeros(1) for name in outputs}
    assert answers(batching.predict([waiting(m, 1), waiting(m, 2)])) == [[0], [0]]


def test_columns_of_types_that_no_request_brings_together_are_predicted_apart(batching):
    m = model()
    other = Decoded(None, Chosen(m, "stable"), Call(Batch(1, matrix=np.array([[5]], dtype=int)), ("predict",)), 0.0, 1)
    assert answers(batching.predict([waiting(m, 1), other])) == [[2], [10]]


def test_a_failure_of_the_model_itself_is_each_request_s_error(batching):
    m = model()

    def fail(batch, outputs):
        raise RuntimeError("broken")

    m.engine.predict = fail
    assert answers(batching.predict([waiting(m, 1), waiting(m, 2)])) == [ModelFailed, ModelFailed]


def test_batches_grow_from_two_while_the_pace_of_a_version_is_unknown():
    batching, m = Batching(), model()
    requests = [waiting(m, 1) for _ in range(9)]
    assert [len(batch) for batch in batching.batches(requests)] == [2, 2, 2, 2, 1]
    list(batching.predict(requests[:2]))
    assert [len(batch) for batch in batching.batches(requests)] == [4, 4, 1]


def test_no_seconds_allowed_means_that_nothing_is_joined():
    m = model()
    assert Batching(longest=0).batches([waiting(m, 1), waiting(m, 2)]) == [[0], [1]]


def test_requests_of_one_row_are_joined_by_the_engine_that_answers_them_one_by_one(batching):
    m = model(joins={"other": 64}, one_by_one=OneByOne(Engine(), {"predict": 3}))
    requests = [waiting(m, 1), waiting(m, 2), waiting(m, 3), waiting(m, 4)]
    assert batching.batches(requests) == [[0, 1, 2], [3]]
    results = list(batching.predict(requests[:3]))
    assert answers(results) == [[2], [4], [6]]
    assert [one.requests for one in results] == [3, 3, 3]
    assert (m.joining(("predict",)).calls, m.engine.calls) == ([[1, 2, 3]], [])


def test_requests_of_several_rows_are_not_joined_by_it(batching):
    m = model(joins={}, one_by_one=OneByOne(Engine(), {"predict": 64}))
    requests = [waiting(m, 1), waiting(m, 2, 3), waiting(m, 4), waiting(m, 5), waiting(m)]
    assert batching.batches(requests) == [[0], [1], [2, 3], [4]]
    assert answers(batching.predict(requests[1:2])) == [[4, 6]]
    assert (m.joining(("predict",)).calls, m.engine.calls) == ([], [[2, 3]])


def test_outputs_of_both_kinds_are_joined_if_each_request_has_one_row(batching):
    m = model(joins={"other": 64}, one_by_one=OneByOne(Engine(), {"predict": 64}))
    both = ("predict", "other")
    assert batching.batches([waiting(m, 1, outputs=both), waiting(m, 2, outputs=both)]) == [[0, 1]]
    assert batching.batches([waiting(m, 1, 2, outputs=("other",)), waiting(m, 3, outputs=("other",))]) == [[0, 1]]
    assert batching.batches([waiting(m, 1, outputs=("unknown",)), waiting(m, 2, outputs=("unknown",))]) == [[0], [1]]
