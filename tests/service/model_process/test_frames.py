"""Frames carry every value that a schema has, and damaged ones are refused before anything of them is used."""

import random

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.schema import Column, Output, Schema
from service.model_process import frames
from service.model_process.answers import Declared, Undeclared
from service.model_process.arrays import BadFrame
from service.model_process.messages import Answer, Ask, Ready

ARRAYS = {
    "floats": np.array([1.5, -0.0, np.nan, np.inf]),
    "singles": np.array([1.5, 2.5, 3.5, 1e-40], dtype=np.float32),
    "whole": np.array([-(2**63), 0, 1, 2**63 - 1]),
    "unsigned": np.array([0, 1, 2, 2**64 - 1], dtype=np.uint64),
    "bytes": np.array([-128, 0, 1, 127], dtype=np.int8),
    "bools": np.array([True, False, True, True]),
    "times": np.array(["2020-01-01", "NaT", "1900-01-01", "2262-01-01"], dtype="datetime64[ns]"),
    "durations": np.array([1, 2, 3, -4], dtype="timedelta64[s]"),
    "other order": np.array([1.0, 2.0, 3.0, 4.0], dtype=">f8"),
    "texts": np.array(["", "ä", None, "\ud800half"], dtype=object),
    "missing": np.array([None] * 4, dtype=object),
    "gaps": np.array([1, None, -(2**63), 3], dtype=object),
    "large gaps": np.array([1, None, 2**64 - 1, 3], dtype=object),
    "bool gaps": np.array([True, None, False, True], dtype=object),
}
SCHEMA = Schema(
    layout="matrix",
    columns=(Column("x", "float64"),),
    outputs=(Output("predict", "float64"), Output("words", "string", (2,)), Output("yes", "bool")),
)
ANSWERS = {
    "predict": np.array([1.0, 2.0, 3.0]),
    "words": np.array([["a", None], ["", "ö"], ["x" * 100, "y"]], dtype=object),
    "yes": np.array([True, False, True]),
}
DAMAGED = 3000


def joined(buffers):
    return b"".join(bytes(buffer) for buffer in buffers)


def read(data, most=frames.MOST_BODY):
    return frames.Incoming().take(data, most)


def asked(batch, outputs=("predict",)):
    frame = read(joined(frames.question(batch, outputs)))
    assert isinstance(frame.message, Ask)
    return frame.message, frames.batch_of(frame.message, frame.body)


def answered(data, outputs=tuple(ANSWERS), rows=3, schema=SCHEMA):
    frame = read(data)
    if frame is None or not isinstance(frame.message, Answer):
        raise BadFrame("not an answer")
    return Declared(schema).read(frame.message, frame.body, outputs, rows)


def same(given, expected):
    assert (given.dtype, given.shape) == (expected.dtype, expected.shape)
    if given.dtype.kind == "O":
        pairs = list(zip(given.ravel(), expected.ravel(), strict=True))
        assert [(type(a), a) for a, _ in pairs] == [(type(b), b) for _, b in pairs]
    else:
        assert given.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ARRAYS)
def test_a_column_arrives_as_it_was_sent(name):
    ask, batch = asked(Batch(4, columns={"x": ARRAYS[name]}), ("predict", "words"))
    assert ask.outputs == ("predict", "words")
    same(batch.columns["x"], ARRAYS[name])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_arrives_as_it_was_sent(order):
    matrix = np.array(np.arange(12.0).reshape(4, 3), order=order)
    _, batch = asked(Batch(4, matrix=matrix))
    same(batch.matrix, matrix)


def test_all_columns_of_a_frame_arrive_in_their_order():
    _, batch = asked(Batch(4, columns=ARRAYS))
    assert list(batch.columns) == list(ARRAYS)
    for name, array in ARRAYS.items():
        same(batch.columns[name], array)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_arrive(rows):
    _, batch = asked(Batch(rows, columns={name: array[:rows] for name, array in ARRAYS.items()}))
    assert [len(column) for column in batch.columns.values()] == [rows] * len(ARRAYS)


def test_a_frame_that_comes_byte_by_byte_is_whole_in_the_end():
    incoming, data = frames.Incoming(), joined(frames.answer(ANSWERS, 0.5))
    found = [incoming.take(data[place : place + 1]) for place in range(len(data))]
    assert [frame for frame in found[:-1] if frame is not None] == []
    assert found[-1].message.seconds == 0.5


def test_an_answer_is_read_as_the_schema_declares_it():
    for name, array in answered(joined(frames.answer(ANSWERS, 0.5))).items():
        same(array, ANSWERS[name])


@pytest.mark.parametrize(
    "change",
    [
        {"predict": np.array([1.0, 2.0])},
        {"predict": np.array([[1.0], [2.0], [3.0]])},
        {"predict": np.array([1, 2, 3])},
        {"predict": np.array([1.0, 2.0, 3.0], dtype=">f8")},
        {"predict": np.array([1.0, np.nan, 3.0])},
        {"predict": np.array([1.0, -np.inf, 3.0])},
        {"words": np.zeros((3, 2))},
        {"words": np.array([[1, None], [2, 3], [4, 5]], dtype=object)},
        {"yes": np.array([True, None, True], dtype=object)},
    ],
    ids=["rows", "shape", "dtype", "order", "nan", "infinity", "numbers", "gaps", "bool gaps"],
)
def test_an_answer_that_the_schema_does_not_declare_is_refused(change):
    with pytest.raises(Undeclared):
        answered(joined(frames.answer({**ANSWERS, **change}, 0.5)))


def test_scores_that_may_be_infinite_are_taken():
    frame = read(joined(frames.answer({"predict": np.array([np.inf])}, 0.5)))
    read_back = Declared(SCHEMA, ["predict"]).read(frame.message, frame.body, ("predict",), 1)
    assert read_back["predict"].tolist() == [np.inf]


def test_other_outputs_than_were_asked_for_are_no_answer():
    with pytest.raises(BadFrame, match="outputs"):
        answered(joined(frames.answer(ANSWERS, 0.5)), outputs=("predict",))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        frames.START.pack(frames.MARK, frames.MOST_HEAD + 1, 0),
        frames.START.pack(frames.MARK, 10, 101),
        joined(frames.answer(ANSWERS, 0.5)) + b"x",
        frames.START.pack(frames.MARK, 8, 0) + b"\xff" * 8,
    ],
    ids=["another protocol", "a large head", "a large body", "more than a frame", "no MessagePack"],
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(BadFrame):
        read(data, most=100 if len(data) < 100 else 10_000)


def test_values_that_no_schema_has_are_not_sent():
    with pytest.raises(TypeError, match="float, str"):
        frames.question(Batch(2, columns={"x": np.array([1.5, "a"], dtype=object)}), ("predict",))


def test_the_digest_tells_rows_and_outputs_apart():
    first, second = Batch(1, matrix=np.array([[1.0]])), Batch(1, matrix=np.array([[2.0]]))
    digests = {frames.digest(first, ("a",)), frames.digest(first, ("b",)), frames.digest(second, ("a",))}
    assert len(digests) == 3
    assert frames.digest(first, ("a",)) in digests


def test_damaged_answers_are_refused_or_are_what_the_schema_declares():
    """Damage one to four bytes of a frame: nothing else than a refusal or arrays as declared may come of it."""
    source, whole = random.Random(4), joined(frames.answer(ANSWERS, 0.5))
    refused = 0
    for _ in range(DAMAGED):
        data = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            arrays = answered(bytes(data))
        except (BadFrame, Undeclared):
            refused += 1
        else:
            assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
                name: (array.dtype, array.shape) for name, array in ANSWERS.items()
            }
    assert DAMAGED / 2 < refused < DAMAGED


def test_damaged_questions_are_refused_or_have_as_many_rows_as_they_say():
    source = random.Random(5)
    whole = joined(frames.question(Batch(4, columns=ARRAYS), ("predict",)))
    refused = 0
    for _ in range(DAMAGED):
        data = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            frame = read(bytes(data))
            batch = frames.batch_of(frame.message, frame.body) if frame and isinstance(frame.message, Ask) else None
        except BadFrame:
            refused += 1
        else:
            assert batch is None or {len(column) for column in batch.columns.values()} == {batch.rows}
    assert 0 < refused < DAMAGED


def test_messages_without_arrays_arrive():
    ready = Ready("scikit-learn", {"predict": 256}, {"files": True})
    frame = read(joined(frames.written(ready)))
    assert (frame.message, bytes(frame.body)) == (ready, b"")
