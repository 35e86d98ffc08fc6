"""Large bodies of numbers give the same batch, outputs and refusals with the extension's reader and without it."""

import json
import random
from collections import Counter

import pytest

from model_store.codecs import json_numbers
from model_store.codecs.json import FREE_CONTAINERS
from model_store.extension import loader
from model_store.request_errors import RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow import invocations
from service.dialects.openinference import infer
from service.dialects.tfserving import kserve_v1, predict
from service.wire import WireRequest

BODIES = 1500
MOST_ROWS = 500
HEADERS = {"content-type": "application/json", "x-request-id": "7"}
OUTPUTS = (Output("predict", "float64"), Output("other", "float64"))
DTYPES = (*("float64", "float32") * 3, "int64", "int8", "uint64")
UNUSUAL = (None, True, "1", [], [1.5], {}, 2**63, 2**64 - 1, 2**53 + 1, 10**25, 1e300, 3.5e38, 200, -5, 1.0, -0.0)
BYTES = b'0123456789-+.eE[]{},:"\\ \t\n\x00\xc3\xa9NIan'
DIALECTS = {
    "tfserving": (predict.PREDICT, predict.of_numbers),
    "kserve": (kserve_v1.PREDICT, predict.of_numbers),
    "mlflow": (invocations.INVOCATIONS, lambda request, schema: invocations._of_numbers(schema, request)),
    "openinference": (infer.INFER, infer._of_numbers),
}


def switched(monkeypatch, setting):
    monkeypatch.setenv(loader.VARIABLE, setting)
    loader.kernels.cache_clear()
    return loader.kernels()


@pytest.fixture
def with_and_without(monkeypatch):
    """Returns what a function gives with the extension, then without it."""
    if switched(monkeypatch, "ON") is None:
        pytest.skip("the extension is not built here: deploy/local/build-extension")

    def both(function):
        switched(monkeypatch, "ON")
        first = function()
        switched(monkeypatch, "OFF")
        return first, function()

    yield both
    loader.kernels.cache_clear()


def schema_of(chance):
    width, dtype = chance.choice((1, 3, 20)), chance.choice(DTYPES)
    gaps, low = chance.random() < 0.2, -1000 if chance.random() < 0.3 else None
    columns = tuple(Column(f"c{i}", dtype, gaps, low, bounded=low is not None) for i in range(width))
    if chance.random() < 0.05:
        columns = (Column("c", "string"), *columns)
    elif chance.random() < 0.05:
        columns = (Column("c0", "float64", categories=(1.0, 2.0), closed=True), *columns[1:])
    return Schema(chance.choice(("matrix", "table")), columns, OUTPUTS)


def rows_of(chance, schema):
    """Rows of numbers, mostly large enough to be read so, now and then too many or with a value that is none."""
    floats = "float" in schema.columns[-1].dtype
    rows = chance.choice((200, 300, 300, MOST_ROWS, MOST_ROWS + 1)) * (20 // len(schema.columns)) // 10 + 1

    def number():
        return chance.gauss(0, 9) if floats and chance.random() < 0.9 else chance.randrange(100)

    values = [[number() for _ in schema.columns] for _ in range(min(rows, MOST_ROWS + 1))]
    for _ in range(chance.choice((0, 0, 0, 1))):
        chance.choice(values)[chance.randrange(len(schema.columns))] = chance.choice(UNUSUAL)
    if chance.random() < 0.03:
        chance.choice(values).pop()
    return values


def tfserving(chance, _schema, values):
    document = {"instances": values}
    if chance.random() < 0.4:
        named = {"signature_name": chance.choice(("serving_default", "predict", "foreign", "", 7, "\u00e9"))}
        document = {**named, **document} if chance.random() < 0.5 else {**document, **named}
    if chance.random() < 0.1:
        document[chance.choice(("inputs", "more"))] = chance.choice((values[0], 1, None))
    return document


def mlflow(chance, schema, values):
    params = {"params": chance.choice(({"predict_method": "other"}, {}, None, 7, {"predict_method": "foreign"}))}
    field = chance.choice(("instances", "inputs", *("dataframe_split",) * 3, "dataframe_records"))
    given = values
    if field == "dataframe_split":
        names = list(schema.names)
        columns = chance.choice((*(names,) * 9, names[::-1], names[1:], None, "c0", [*names[:-1], 7]))
        index = chance.choice((*(list(range(len(values))),) * 3, list(range(3)), None, None, 7))
        given = {"columns": columns, "index": index, "data": values}
        for name in chance.choice(((), ("index",), ("index",))):
            given.pop(name)
        if chance.random() < 0.1:
            given["foreign"] = 1
    document = {field: given, **(params if chance.random() < 0.3 else {})}
    if chance.random() < 0.1:
        document[chance.choice(("instances", "inputs", "more"))] = chance.choice((values[0], None))
    return dict(reversed(document.items())) if chance.random() < 0.2 else document


def openinference(chance, schema, values):
    width = len(schema.columns)
    data = [value for row in values for value in row] if chance.random() < 0.9 else values
    shape = chance.choice(([len(values), width],) * 20 + ([len(values)], [len(values), width + 1], [1, 1], "1"))
    tensor = {
        "name": "x",
        "datatype": chance.choice((*("FP64", "FP32") * 4, "INT64", 7)),
        "shape": shape,
        "data": data,
    }
    if chance.random() < 0.1:
        tensor["parameters"] = {"content_type": "np"}
    document = {"inputs": [tensor] * chance.choice((1,) * 20 + (2,))}
    if chance.random() < 0.2:
        more = ({"id": "a"}, {"id": 7}, {"outputs": [{"name": "other"}]}, {"outputs": [{"name": "foreign"}]},
                {"parameters": 7}, {"parameters": {"binary_data_output": True}}, {"data": [1]})  # fmt: skip
        document = {**chance.choice(more), **document}
    return document


FORMS = {"tfserving": tfserving, "kserve": tfserving, "mlflow": mlflow, "openinference": openinference}


def text_of(chance, document):
    text = json.dumps(document, separators=chance.choice(((",", ":"), (", ", ": ")))).encode()
    if chance.random() < 0.03:
        text = text.replace(b"c", b"\\u0063")
    if chance.random() < 0.05:
        text = text[:-1] + b"," + text[1:]  # each member a second time
    for _ in range(chance.choice((0, 0, 0, 0, 1, 2))):
        at = chance.choice((chance.randrange(len(text)), chance.randrange(60), len(text) - 1 - chance.randrange(60)))
        piece = bytes([chance.choice(BYTES)])
        text = text[:at] + chance.choice((piece, b"", text[at : at + 1] + piece)) + text[at + 1 :]
    return text if chance.random() < 0.97 else chance.choice((b"\xef\xbb\xbf" + text, text + b" x", text[:-9]))


def cases(dialect):
    chance = random.Random(7)
    for _ in range(BODIES):
        schema = schema_of(chance)
        document = FORMS[dialect](chance, schema, rows_of(chance, schema))
        yield schema, WireRequest(text_of(chance, document), HEADERS, max_rows=MOST_ROWS)


def outcome(decode, request, schema):
    """The batch's bits and what is wanted, or the refusal's words and places."""
    try:
        call = decode(request, schema)
    except RequestError as error:
        return type(error), error.detail, error.faults
    matrix, columns = call.batch.matrix, call.batch.columns
    bits = None if matrix is None else (matrix.dtype, matrix.shape, matrix.flags.c_contiguous, matrix.tobytes())
    named = None if columns is None else {name: (a.dtype, a.tolist()) for name, a in columns.items()}
    return call.batch.rows, bits, repr(named), call.outputs, call.context


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_body_is_answered_the_same_with_the_reader_and_without(dialect, with_and_without):
    decode = DIALECTS[dialect][0].decode
    found = with_and_without(lambda: [outcome(decode, request, schema) for schema, request in cases(dialect)])
    for first, second in zip(*found, strict=True):
        assert first == second
    kinds = Counter(one[0] if isinstance(one[0], type) else "answered" for one in found[0])
    assert min(kinds["answered"], BODIES - kinds["answered"]) > BODIES / 5, kinds


def taken(find, request, schema):
    try:
        return find(request, schema) is not None
    except RequestError:
        return True


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_reader_takes_what_is_plain_and_nothing_without_the_extension(dialect, with_and_without):
    find = DIALECTS[dialect][1]
    on, off = with_and_without(lambda: Counter(taken(find, request, schema) for schema, request in cases(dialect)))
    assert min(on[True], on[False]) > BODIES / 10, on
    assert off == {False: BODIES}


SCHEMA = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), OUTPUTS)
OPENING = json_numbers.opening("instances")


def filled(before, after, rows=1000):
    return before + json.dumps([[0.5, 1]] * rows).encode() + after


def test_a_large_body_of_numbers_is_read_so_and_a_small_one_is_not(with_and_without):
    def read():
        return [json_numbers.read(filled(b'{"instances":', b"}", n), OPENING, 2, 9999) is not None for n in (10, 1000)]

    assert with_and_without(read) == ([False, True], [False, False])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"instances":', b',"instances":[[1,2]]}'),
        (b'{"instances":', b',"instances":null}'),
        (b'{"more":{"instances":', b"}}"),
        (b'{"instances":[', b"]}"),
        (b'{"instances":{"instances":', b"}}"),
        (b'[{"instances":', b"}]"),
    ],
)
def test_numbers_in_another_place_are_not_taken_for_the_rows(before, after, with_and_without):
    request = WireRequest(filled(before, after), HEADERS)
    decode, find = predict.PREDICT.decode, predict.of_numbers
    on, off = with_and_without(lambda: (outcome(decode, request, SCHEMA), find(request, SCHEMA)))
    assert on == off
    assert on[1] is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"more":"\\"instances\\":[[1,2]]","instances":', b"}"),
        (b'{"a\\"instances":', b',"instances":[[1,2]]}'),
        (b'{"more":"x"instances":', b"}"),
        (b'{"more":"\\\\"instances":', b"}"),
        (b'{"more":NaN,"instances":', b"}"),
        (b'{"instances":', b",}"),
        (b'{"instances":', b',"more":"\xff"}'),
        (b'{"instances":', b""),
        (b'{"instances":', b',"more":' + b"[" * 600 + b"]" * 600 + b"}"),
        (b'{"instances":', b',"more":"' + b"a" * 9000 + b'"}'),
        (b"\xef\xbb\xbf" + b'{"instances":', b"}"),
        (b'{"instances":', b"} and more"),
    ],
)
def test_texts_around_the_numbers_are_read_as_ever(before, after, with_and_without):
    request = WireRequest(filled(before, after), HEADERS)
    for dialect in (predict.PREDICT, invocations.INVOCATIONS):
        on, off = with_and_without(lambda dialect=dialect: outcome(dialect.decode, request, SCHEMA))
        assert on == off


@pytest.mark.parametrize(
    ("dtype", "inside", "outside"),
    [
        ("int8", -128, -129),
        ("int8", 127, 128),
        ("uint8", 0, -1),
        ("uint64", 2**53, -1),
        ("int32", 2**31 - 1, 2**31),
        ("float32", 3.4e38, 3.5e38),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_number_just_out_of_its_type_is_refused_the_same(dialect, dtype, inside, outside, with_and_without):
    decode, find = DIALECTS[dialect][0].decode, DIALECTS[dialect][1]
    schema = Schema("matrix", (Column("x0", dtype),), OUTPUTS)
    kinds = {"float32": "FP32", "uint64": "UINT64", "uint8": "UINT8", "int8": "INT8", "int32": "INT32"}
    for last in (inside, outside):
        values = [7] * 2500 + [last]
        tensor = {"name": "x", "datatype": kinds[dtype], "shape": [2501, 1], "data": values}
        document = {"inputs": [tensor]} if dialect == "openinference" else {"instances": [[value] for value in values]}
        request = WireRequest(json.dumps(document).encode(), HEADERS)
        on, off = with_and_without(lambda request=request: (outcome(decode, request, schema), find(request, schema)))
        assert on[0] == off[0]
        assert (on[0][0] == 2501) == (last == inside)
        assert (on[1] is not None) == (last == inside and (dialect != "openinference" or dtype == "float32"))


def test_what_may_stand_around_numbers_has_fewer_containers_than_every_body_may():
    assert json_numbers.LARGEST_REST < FREE_CONTAINERS


def test_one_row_too_many_is_refused_the_same(with_and_without):
    for rows in (1000, 1001):
        request = WireRequest(filled(b'{"instances":', b"}", rows), HEADERS, max_rows=1000)
        on, off = with_and_without(lambda request=request: outcome(predict.PREDICT.decode, request, SCHEMA))
        assert on == off
        assert (on[0] == 1000) == (rows == 1000)
