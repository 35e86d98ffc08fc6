"""The trial finds out engines whose answers depend on the company that a row is in."""

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.joining.rows import trial_rows
from model_store.joining.trial import MOST, ROWS, SIZES, Trial
from tests.model_store.joining.engines import SAMPLE, Answering, doubled, less_the_mean, schema

BATCH = trial_rows(schema(), SAMPLE, ROWS)


def found(seconds=30.0, *, measured=False, batch=BATCH, **functions):
    return Trial(Answering(**functions), tuple(functions), seconds, measured=measured).run(batch)


def test_what_treats_each_row_alone_is_found_equal_in_all_sizes():
    engine = Answering(predict=doubled)
    finding = Trial(engine, ("predict",), 30.0).run(BATCH)["predict"]
    assert (finding.rows, finding.complete, finding.differs_at, finding.apart) == (ROWS, True, set(), 0.0)
    assert engine.most == MOST == max(SIZES)
    assert engine.calls > ROWS + sum(ROWS // size for size in SIZES)


def test_outputs_are_judged_one_by_one():
    judged = found(predict=doubled, transform=less_the_mean)
    assert judged["predict"].complete
    assert not judged["predict"].differs_at
    assert judged["transform"].differs_at == {2}


def in_vectors(size):
    """Answer other last bits for all but the last rows that fill no vector of so many."""

    def run(rows):
        whole = len(rows) - len(rows) % size
        made = rows[:, 0] * 2.0
        made[:whole] = np.nextafter(made[:whole], np.inf)
        return made

    return run


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32, 64])
def test_another_last_bit_in_whole_vectors_is_seen(size):
    assert found(predict=in_vectors(size))["predict"].differs_at


def only_where(condition):
    """Answer one more where a condition on the whole batch is met."""
    return lambda rows: rows[:, 0] + float(condition(rows))


FAULTS = {
    "the last row": lambda rows: rows[:, 0] + (np.arange(len(rows)) == len(rows) - 1) * (len(rows) > 1),
    "the first row": lambda rows: np.where(np.arange(len(rows)) == 0, rows[:, 0], rows[:, 0] + 1e-9),
    "more than 64 rows": only_where(lambda rows: len(rows) > 64),
    "128 rows and more": only_where(lambda rows: len(rows) >= 128),
    "a number above 2": only_where(lambda rows: (rows[:, 1] > 2).any()),
    "two equal rows": only_where(lambda rows: len(np.unique(rows[:, 2])) < len(rows)),
    "the order": lambda rows: np.argsort(np.argsort(rows[:, 0])).astype(float),
    "the neighbour": lambda rows: rows[:, 0] + np.roll(rows[:, 1], 1) * (len(rows) > 1),
    "the mean": less_the_mean,
    "the greatest": lambda rows: rows[:, 0] / np.abs(rows[:, 0]).max(),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_found_out(name):
    assert found(predict=FAULTS[name])["predict"].differs_at


def test_randomness_is_found_out_even_if_it_is_the_same_each_time_for_the_first_row():
    once = np.random.default_rng(0)
    assert found(predict=lambda rows: rows[:, 0] + once.normal(size=len(rows)))["predict"].differs_at == {1}
    again = found(predict=lambda rows: rows[:, 0] + np.random.default_rng(0).normal(size=len(rows)))
    assert again["predict"].differs_at == {2}


def test_texts_whose_type_depends_on_all_rows_are_seen():
    def written(rows):
        whole = rows if (rows % 1).any() else rows.astype(int)
        return np.array([str(value) for value in whole[:, 0].tolist()], dtype=object)

    rows = np.where(np.arange(600)[:, None] % 2, 1.0, 1.5)
    assert found(predict=written, batch=Batch(600, matrix=rows))["predict"].differs_at


def refusing(rows):
    if np.isnan(rows).any() and len(rows) == 1:
        raise ValueError("NaN")
    return rows[:, 1].copy()


def test_rows_that_are_refused_alone_have_to_be_refused_in_company():
    batch = trial_rows(schema(nullable=True), SAMPLE, ROWS)
    assert np.isnan(batch.matrix).any()
    finding = found(predict=refusing, batch=batch)["predict"]
    assert finding.differs_at
    assert finding.apart == np.inf


def test_refused_rows_are_made_up_for_by_others():
    def strict(rows):
        if (rows[:, 0] > 1.5).any():
            raise ValueError("too much")
        return rows[:, 1].copy()

    finding = found(predict=strict)["predict"]
    assert (finding.rows, finding.complete, finding.differs_at) == (ROWS, True, set())


def test_an_answer_that_is_refused_in_company_differs():
    def lonely(rows):
        if len(rows) > 1:
            raise ValueError("one at a time")
        return rows[:, 0]

    assert found(predict=lonely)["predict"].apart == np.inf


def test_no_time_is_no_proof():
    finding = found(seconds=0.0, predict=doubled)["predict"]
    assert not finding.complete
    assert not finding.differs_at


def test_too_few_rows_are_no_proof():
    finding = found(predict=doubled, batch=Batch(100, matrix=BATCH.matrix[:100]))["predict"]
    assert (finding.rows, finding.complete) == (100, False)


def test_how_far_answers_are_apart_is_measured_over_all_sizes():
    finding = found(measured=True, predict=lambda rows: rows[:, 0] * (1 + 1e-12 * len(rows)))["predict"]
    assert set(SIZES) <= finding.differs_at
    assert 1e-10 < finding.apart < 3e-10


@pytest.mark.parametrize("sign", [-0.0, float("nan")])
def test_a_zero_or_nan_of_another_sign_is_another_bit(sign):
    other = np.copysign(np.abs(sign), 1.0 if np.signbit(sign) else -1.0)
    finding = found(predict=lambda rows: np.full(len(rows), sign if len(rows) == 1 else other))["predict"]
    assert finding.differs_at == {2}
    assert finding.apart == 0.0
