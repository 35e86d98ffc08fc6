"""What is written reads back the same: names, schemas, manifests, golden rows."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.batch import Batch
from model_store.engines.equality import same
from model_store.errors import BadManifest, BadName, BadSchema, SealBroken
from model_store.manifest import FileSeal, Manifest
from model_store.names import ModelName, parse_label, parse_version
from model_store.reference import golden
from model_store.reference.golden import Golden
from model_store.schema import DTYPES, Column, Output, Schema

texts = st.text(max_size=20)
values = st.one_of(texts, st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
columns = st.builds(
    Column,
    name=texts,
    dtype=st.sampled_from(DTYPES),
    nullable=st.booleans(),
    minimum=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    categories=st.lists(values, max_size=4).map(tuple),
    closed=st.booleans(),
    held=st.sampled_from(["array", "str", "object", "category"]),
    missing=st.sampled_from(["nan", "none"]),
)
outputs = st.builds(
    Output,
    name=texts,
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 9), max_size=3).map(tuple),
    labels=st.lists(values, max_size=4).map(tuple),
)
schemas = st.builds(
    Schema,
    layout=st.sampled_from(["matrix", "table", "series"]),
    columns=st.lists(columns, max_size=5, unique_by=lambda column: column.name).map(tuple),
    outputs=st.lists(outputs, min_size=1, max_size=3).map(tuple),
    task=st.sampled_from(["classifier", "regressor", "estimator"]),
)
json_objects = st.dictionaries(
    texts, st.recursive(values | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5), max_size=3
)
manifests = st.builds(
    Manifest,
    model=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    version=st.integers(1, 2**63 - 1),
    created=texts,
    created_by=texts,
    artifact_format=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    files=st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
        st.builds(FileSeal, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), st.integers(0, 2**40)),
        max_size=3,
    ),
    libraries=st.dictionaries(texts, texts, max_size=3),
    schema=schemas,
    estimator=texts,
    metrics=json_objects,
    load_seconds=st.floats(0, 1e6),
    predict_seconds=st.floats(0, 1e6),
    bytes=st.integers(0, 2**50),
    options=json_objects,
)


@given(texts)
def test_no_model_name_can_leave_the_root(text):
    try:
        name = ModelName(text)
    except BadName:
        return
    assert name == text
    assert not set(text) & set("/\\\x00\n")
    assert not text.startswith((".", "-"))
    assert text.isascii()
    assert len(text) <= 128


@pytest.mark.parametrize(
    "text", ["", ".", "..", ".x", "-x", "a/b", "a\\b", "a b", "a\n", "ä", "a\x00", "x" * 129, "%2e", "\uff11"]
)
def test_a_text_that_is_no_name_is_refused(text):
    with pytest.raises(BadName):
        ModelName(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "", " 1", "\u0661", 0, -1, 2**63, "9" * 20, "1e3"])
def test_a_text_that_is_no_version_is_refused(text):
    with pytest.raises(BadName):
        parse_version(text)


@given(st.integers(1, 2**63 - 1))
def test_a_version_reads_back(number):
    assert parse_version(number) == parse_version(str(number)) == number


@given(texts)
def test_a_label_is_never_a_number(text):
    try:
        assert not parse_label(text)[0].isdigit()
    except BadName:
        return


@given(schemas)
def test_a_schema_reads_back(schema):
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@given(json_objects)
def test_what_is_no_schema_is_refused(document):
    with pytest.raises(BadSchema):
        Schema.from_json(document)


@given(manifests)
@settings(deadline=None)
def test_a_manifest_reads_back_from_its_bytes(manifest):
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


@given(manifests, st.data())
@settings(deadline=None)
def test_a_manifest_without_one_of_its_parts_is_refused(manifest, data):
    document = manifest.to_json()
    del document[data.draw(st.sampled_from(sorted(document)))]
    with pytest.raises(BadManifest):
        Manifest.from_json(document)


@given(st.binary(max_size=200) | json_objects.map(lambda document: json.dumps(document).encode()))
def test_bytes_that_are_no_manifest_are_refused(data):
    with pytest.raises(BadManifest):
        Manifest.from_bytes(data)


def test_a_manifest_of_another_format_number_is_refused():
    with pytest.raises(BadManifest, match="format 1"):
        Manifest.from_bytes(b'{"format": 2}')


ROWS = 4


def arrays(shape):
    floats = st.floats(width=64)
    size = int(np.prod(shape))

    def listed(elements, dtype):
        return st.lists(elements, min_size=size, max_size=size).map(lambda v: filled(v, dtype).reshape(shape))

    return st.one_of(
        listed(floats, "float64"),
        listed(st.floats(width=32), "float32"),
        listed(st.integers(-(2**63), 2**63 - 1), "int64"),
        listed(st.integers(0, 255), "uint8"),
        listed(st.booleans(), "bool"),
        listed(st.text() | st.none(), object),
        listed(st.booleans() | st.none(), object),
        listed(st.integers(-(2**62), 2**62), "int64").map(lambda a: a.astype("datetime64[ns]")),
        listed(st.just("NaT"), "datetime64[ns]"),
    )


def filled(listed, dtype):
    array = np.empty(len(listed), dtype=dtype)
    array[:] = listed
    return array


named = st.dictionaries(st.text(max_size=10), arrays((ROWS,)) | arrays((ROWS, 2)), min_size=1, max_size=3)


def identical(a, b):
    if a.dtype == object:
        return b.dtype == object and a.shape == b.shape and a.tolist() == b.tolist()
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(st.dictionaries(st.text(max_size=10), arrays((ROWS,)), min_size=1, max_size=3), named)
@settings(deadline=None)
def test_golden_rows_and_answers_read_back_to_the_bit(columns, answers):
    back = golden.from_bytes(golden.to_bytes(Golden(Batch(ROWS, columns=columns), answers)))
    assert back.batch.rows == ROWS
    assert back.batch.matrix is None
    assert list(back.batch.columns) == list(columns)
    assert list(back.answers) == list(answers)
    for kept, given_ in ((back.batch.columns, columns), (back.answers, answers)):
        assert all(identical(kept[name], given_[name]) for name in given_)
    assert all(same(back.answers[name], answers[name]) for name in answers)


@given(st.lists(st.floats(width=64), min_size=6, max_size=6))
@settings(deadline=None)
def test_a_golden_matrix_reads_back_to_the_bit(numbers):
    matrix = np.array(numbers).reshape(3, 2)
    back = golden.from_bytes(golden.to_bytes(Golden(Batch(3, matrix=matrix), {})))
    assert back.batch.columns is None
    assert identical(back.batch.matrix, matrix)


@given(st.binary(max_size=100))
def test_bytes_that_hold_no_golden_rows_are_refused(data):
    with pytest.raises(SealBroken):
        golden.from_bytes(data)
