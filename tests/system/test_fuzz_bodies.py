"""Bodies that are nearly right, in every dialect and format, for models of every kind: nothing fails, nothing hangs."""

import gzip
import io
import json
import math
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from tests.system.fuzzing import Caller, fuzz, judge

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CASES = {"json": 2500, "binary": 700, "tables": 1000, "headers": 600}

HUGE = "«1e400»"  # written as a bare number
WORDS = ["a", "b", "red", "green", "yes", "", "\0", "é", "\U0001f600", "2026-01-31", "NaN", "1", "x" * 300]
NUMBERS = [0, 1, -1, 127, 128, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400, 0.5, -0.0, 1.0]
TINY_AND_LARGE = [5e-324, 3.5e38, 1.7976931348623157e308, -1.7976931348623157e308, math.nan, math.inf, -math.inf]
KEYS = [
    "instances",
    "inputs",
    "examples",
    "dataframe_split",
    "dataframe_records",
    "params",
    "signature_name",
    "outputs",
]

odd = st.sampled_from([None, True, False, HUGE, [], {}, [[]], {"b64": "/w=="}, {"b64": "YQ=="}, *WORDS, *NUMBERS]) | (
    st.sampled_from(TINY_AND_LARGE)
    | st.integers(1, 90).map(lambda depth: json.loads("[" * depth + "]" * depth))
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["b64", "x0", "é"]), inner, max_size=3)
        ),
        max_leaves=5,
    )
)
GOOD = {
    "BOOL": st.booleans(),
    "BYTES": st.sampled_from([*WORDS, None]),
    "FP32": st.floats(-1e3, 1e3, width=32) | st.integers(-9, 9),
    "FP64": st.floats(-1e3, 1e3) | st.integers(-9, 9),
    "INT8": st.integers(-128, 127),
    "INT64": st.integers(-99, 99),
}


class Model:
    """What /v2 says of a model: its tensors, and its columns by name and datatype."""

    def __init__(self, name, metadata):
        self.name = name
        self.tensors = metadata["inputs"]
        self.outputs = [output["name"] for output in metadata["outputs"]]
        first = self.tensors[0]
        self.matrix = len(self.tensors) == 1 and len(first["shape"]) == 2 and first["shape"][1] > 1
        names = [f"x{i}" for i in range(first["shape"][1])] if self.matrix else [t["name"] for t in self.tensors]
        self.columns = [(name, (first if self.matrix else self.tensors[i])["datatype"]) for i, name in enumerate(names)]


@pytest.fixture(scope="module")
def models(fuzzed):
    caller = Caller(fuzzed, fuzzed.bearer)
    return [Model(name, json.loads(caller.send("GET", f"/v2/models/{name}").body)) for name in fuzzed.models]


@pytest.fixture
def caller(fuzzed):
    return Caller(fuzzed, fuzzed.bearer)


def test_json_that_is_nearly_right(models, caller):
    def send(case):
        path, body = case
        judge(caller.send("POST", path, body, {"Content-Type": "application/json"}))

    assert fuzz(requests_in_json(models), CASES["json"], send) >= CASES["json"]


@st.composite
def requests_in_json(draw, models):
    model = draw(st.sampled_from(models))
    rows = draw(st.sampled_from([0, 1, 1, 2, 3, 4]))
    cells = [draw(st.lists(GOOD[datatype], min_size=rows, max_size=rows)) for _, datatype in model.columns]
    if draw(st.integers(0, 2)) == 0 and rows:
        cells[draw(st.integers(0, len(cells) - 1))][draw(st.integers(0, rows - 1))] = draw(odd)
    path, document = draw(st.sampled_from(FORMS))(draw, model, rows, cells)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        document = draw(mutated(document))
    return path, draw(damaged(json.dumps(document).replace(f'"{HUGE}"', "1e400").encode()))


def records(model, rows, cells):
    return [{name: cells[i][row] for i, (name, _) in enumerate(model.columns)} for row in range(rows)]


def by_row(rows, cells):
    return [[column[row] for column in cells] for row in range(rows)]


def predict(draw, model, rows, cells):
    which = draw(st.sampled_from(["", "/versions/1", "/labels/stable", "/versions/0", "/versions/9"]))
    columns = {name: cells[i] for i, (name, _) in enumerate(model.columns)}
    body = draw(
        st.sampled_from(
            [
                {"instances": by_row(rows, cells) if model.matrix else records(model, rows, cells)},
                {"inputs": by_row(rows, cells) if model.matrix else columns},
                {"instances": records(model, rows, cells) if model.matrix else by_row(rows, cells)},
                {"inputs": records(model, rows, cells)},
                {"inputs": columns},
                {"inputs": {"input": by_row(rows, cells)}},
                {"instances": [columns]},
                {"instances": [{**columns, model.columns[0][0]: cells[0][0] if rows else None}] * 2},
                {"instances": [{name: {str(i): value for i, value in enumerate(c)} for name, c in columns.items()}]},
                {"inputs": [{"columns": list(columns), "data": by_row(rows, cells)}]},
                {"instances": cells[0]},
            ]
        )
    )
    name = draw(st.sampled_from([None, None, None, None, "", "serving_default", *model.outputs, "other"]))
    return f"/v1/models/{model.name}{which}:predict", body if name is None else {**body, "signature_name": name}


def examples(draw, model, rows, cells):
    verb = draw(st.sampled_from(["classify", "regress"]))
    given = [{name: v for name, v in record.items() if v is not None} for record in records(model, rows, cells)]
    whole = [{draw(st.sampled_from(["input", "inputs"])): row} for row in by_row(rows, cells)]
    name = draw(st.sampled_from(["", "serving_default", f"tensorflow/serving/{verb}", "tensorflow/serving/predict"]))
    body = {"signature_name": name, "examples": draw(st.sampled_from([given, whole]))}
    return f"/v1/models/{model.name}:{verb}", body


def invocations(draw, model, rows, cells):
    names = [name for name, _ in model.columns]
    body = draw(
        st.sampled_from(
            [
                {"dataframe_split": {"columns": names, "data": by_row(rows, cells)}},
                {"dataframe_split": {"columns": names, "data": by_row(rows, cells), "index": cells[-1]}},
                {"inputs": {"input": by_row(rows, cells)}},
                {"dataframe_records": records(model, rows, cells)},
                {"instances": by_row(rows, cells)},
                {"inputs": dict(zip(names, cells, strict=True))},
            ]
        )
    )
    method = draw(st.sampled_from([None, *model.outputs, model.outputs, "x", 1]))
    return f"/models/{model.name}/invocations", body if method is None else {
        **body,
        "params": {"predict_method": method},
    }


def infer(draw, model, rows, cells):
    if model.matrix:
        flat = [value for row in by_row(rows, cells) for value in row]
        inputs = [tensor(model.tensors[0], [rows, len(cells)], flat)]
    else:
        inputs = [
            tensor(one, [rows, *one["shape"][1:]], column) for one, column in zip(model.tensors, cells, strict=True)
        ]
    body = {"inputs": inputs}
    if draw(st.booleans()):
        wanted = draw(st.lists(st.sampled_from([*model.outputs, "x"]), max_size=3))
        parameters = draw(st.sampled_from([{}, {"binary_data": True}, {"classification": 2}, {"classification": -1}]))
        body["outputs"] = [{"name": name, "parameters": parameters} for name in wanted]
    return f"/v2/models/{model.name}/infer", body


def tensor(announced, shape, data):
    return {"name": announced["name"], "datatype": announced["datatype"], "shape": shape, "data": data}


FORMS = [predict, predict, examples, invocations, invocations, infer, infer]


def places(document, path=()):
    yield path
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        if len(path) < 6:
            yield from places(value, (*path, key))


@st.composite
def mutated(draw, document):
    """The document with one place of it removed, replaced, repeated, wrapped or moved to another key."""
    path = draw(st.sampled_from(list(places(document))[:200]))
    if not path:
        return draw(odd) if draw(st.integers(0, 4)) == 0 else document
    document = json.loads(json.dumps(document))
    *above, key = path
    inner = document
    for step in above:
        inner = inner[step]
    action = draw(st.sampled_from(["replace", "replace", "remove", "wrap", "repeat", "rename"]))
    if action == "replace":
        inner[key] = draw(odd)
    elif action == "wrap":
        inner[key] = draw(st.sampled_from([[inner[key]], {"b64": inner[key]}]))
    elif action == "remove":
        del inner[key]
    elif isinstance(inner, list):
        inner.insert(key, inner[key])
    else:
        inner[draw(st.sampled_from([*KEYS, "é", "", key * 50]))] = inner[key]
    return document


@st.composite
def damaged(draw, body):
    """The bytes, as they are or cut, with some bytes changed, put in twice or put in anew."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        to = draw(st.integers(at, min(at + 40, len(body))))
        fresh = draw(
            st.sampled_from(
                [b"", b"\0", b"\xff", b"[", b"}", b'"', b",", b"-", b"\\ud83d", b"\xef\xbb\xbf", b"9" * 400]
            )
        )
        body = draw(st.sampled_from([body[:at], body[:at] + fresh + body[to:], body[:to] + body[at:]]))
    return body


def test_binary_tensors_that_are_nearly_right(models, caller):
    def send(case):
        path, body, length = case
        headers = {"Inference-Header-Content-Length": length, "Content-Type": "application/octet-stream"}
        judge(caller.send("POST", path, body, headers))

    assert fuzz(binary_requests(models), CASES["binary"], send) >= CASES["binary"]


SIZES = {
    "BOOL": 1,
    "INT8": 1,
    "UINT8": 1,
    "INT16": 2,
    "FP16": 2,
    "BF16": 2,
    "FP32": 4,
    "INT32": 4,
    "FP64": 8,
    "INT64": 8,
}


@st.composite
def binary_requests(draw, models):
    model = draw(st.sampled_from(models))
    rows = draw(st.sampled_from([0, 1, 2, 3, 7]))
    inputs, tail = [], b""
    for one in model.tensors:
        datatype = draw(st.sampled_from([one["datatype"]] * 6 + list(SIZES) + ["BYTES", "FP8"]))
        shape = [rows, *one["shape"][1:]]
        raw = draw(raw_elements(datatype, math.prod(shape)))
        size = draw(st.sampled_from([len(raw)] * 8 + [0, -1, len(raw) + 1, 2**31, 2**63, 10**30, 1.5, "8", None]))
        shape = draw(st.sampled_from([shape] * 8 + [[rows], [2**31, 2**31], [-1, 4], [], [rows, 1, 1], ["1"], [2**64]]))
        inputs.append(
            {"name": one["name"], "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}
        )
        tail += raw
    document = {"inputs": inputs, "parameters": {"binary_data_output": draw(st.booleans())}}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1]))):
        document = draw(mutated(document))
    head = draw(st.sampled_from([json.dumps(document).encode()] * 9 + [b""]))
    right = str(len(head))
    length = draw(
        st.sampled_from([right] * 9 + ["0", "-1", "+5", right + "0", "9" * 30, "x", "1e3", " ", "٣", str(2**31)])
    )
    return f"/v2/models/{model.name}/infer", draw(damaged(head + tail)), length.encode().decode("latin-1")


@st.composite
def raw_elements(draw, datatype, count):
    if datatype not in SIZES:
        words = draw(st.lists(st.sampled_from([b"a", b"", b"\xff", "é".encode()]), min_size=count, max_size=count))
        return b"".join(struct.pack("<I", len(word)) + word for word in words)
    return (
        draw(
            st.sampled_from(
                [bytes(SIZES[datatype]), b"\xff" * SIZES[datatype], b"\0" * (SIZES[datatype] - 1) + b"\x40"]
            )
        )
        * count
    )


def test_tables_that_are_nearly_right(models, caller):
    def send(case):
        path, body, media_type, accept = case
        judge(caller.send("POST", path, body, {"Content-Type": media_type, "Accept": accept}))

    assert fuzz(tables(models), CASES["tables"], send) >= CASES["tables"]


ACCEPTED = [
    "",
    "*/*",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.arrow.file",
    "application/x-npy",
    "text/x;q=x",
]
TYPES = {
    "BOOL": pa.bool_(),
    "BYTES": pa.string(),
    "FP32": pa.float32(),
    "FP64": pa.float64(),
    "INT8": pa.int8(),
    "INT64": pa.int64(),
}
OTHER_TYPES = [
    *TYPES.values(),
    pa.null(),
    pa.uint64(),
    pa.float16(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.timestamp("us", "UTC"),
    pa.date32(),
    pa.duration("s"),
    pa.time64("ns"),
    pa.decimal128(10, 2),
    pa.list_(pa.float64()),
    pa.struct([("a", pa.int8())]),
    pa.map_(pa.string(), pa.int8()),
]


@st.composite
def tables(draw, models):
    model = draw(st.sampled_from(models))
    rows = draw(st.sampled_from([0, 1, 2, 5]))
    media_type, write = draw(st.sampled_from(list(WRITERS.items())))
    arrays, names = [], []
    for name, datatype in model.columns:
        kind = draw(st.sampled_from([TYPES[datatype]] * 20 + OTHER_TYPES))
        nulls = draw(st.integers(0, 9)) == 0
        arrays.append(pa.nulls(rows, kind) if nulls else draw(st.sampled_from(filled(kind, rows))))
        names.append(draw(st.sampled_from([name] * 20 + ["", "x0", "é"])))
    try:
        body = write(pa.table(arrays, names=names) if arrays else pa.table({}))
    except (pa.ArrowException, ValueError, TypeError, IndexError):  # the format has no form for such a type
        body = b""
    query = draw(st.sampled_from(["", "", "?predict_method=predict", "?predict_method=%00&a=%ff", "?" + "a=1&" * 200]))
    accept = draw(st.sampled_from(ACCEPTED))
    return f"/models/{model.name}/invocations{query}", draw(damaged(body)), media_type, accept


def filled(kind, rows):
    """Arrays of such values as the type can hold."""
    made = []
    for value in (1, 1.5, "a", "2026-01-31", True, 10**6, math.nan, b"\xff", [1.0], {"a": 1}):
        try:
            made.append(pa.array([value] * rows, kind))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            continue
    return made or [pa.nulls(rows, kind)]


def as_csv(table):
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()


def as_parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def as_arrow(table, make=pa.ipc.new_stream, compression=None):
    sink = pa.BufferOutputStream()
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def as_npy(table):
    sink = io.BytesIO()
    columns = [np.asarray(column) for column in table.columns]
    matrix = np.column_stack(columns) if columns else np.empty((0, 0))
    np.save(sink, matrix if matrix.dtype.kind in "fiub" else np.full(matrix.shape, b"text"), allow_pickle=False)
    return sink.getvalue()


WRITERS = {
    "text/csv": as_csv,
    "text/csv; charset=utf-8": as_csv,
    "application/vnd.apache.parquet": lambda table: as_parquet(table, compression="zstd", row_group_size=2),
    "application/vnd.apache.arrow.stream": as_arrow,
    "application/vnd.apache.arrow.file": lambda table: as_arrow(table, pa.ipc.new_file, "zstd"),
    "application/x-npy": as_npy,
}


def test_headers_that_do_not_fit_the_body(models, caller):
    def send(case):
        judge(caller.send(*case))

    assert fuzz(requests_with_headers(models), CASES["headers"], send) >= CASES["headers"]


BOMB = gzip.compress(bytes(40 * 2**20))
PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "x-gzip": gzip.compress, "identity": bytes, "br": bytes}
TEXTS = [
    "",
    "*/*",
    "gzip",
    "gzip;q=0, *",
    "deflate;q=x",
    "text/html",
    "é".encode().decode("latin-1"),
    "a" * 2000,
    "\t",
    ";;;",
    '"',
]
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}


@st.composite
def requests_with_headers(draw, models):
    path, body = draw(requests_in_json(models))
    encoding = draw(st.sampled_from(list(PACKERS)))
    packed = PACKERS[encoding](body)
    if draw(st.integers(0, 9)) == 0:
        packed = draw(st.sampled_from([BOMB, packed + packed, packed[:-4], b""]))
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    if draw(st.booleans()):
        headers["Content-Encoding"] = draw(st.sampled_from(["gzip, gzip", "GZIP", "", "x" * 99, "compress"]))
    names = st.sampled_from(
        [
            *("Content-Type", "Accept", "Accept-Encoding", "X-Request-ID", "traceparent", "X-Request-Start", "Cookie"),
            *("Expect", "Range", "If-None-Match", "Origin", "X-Forwarded-For", "X-HTTP-Method-Override", "TE", "Via"),
            *("Authorization", "X-API-Key", "Inference-Header-Content-Length", *EVENT),
        ]
    )
    headers |= draw(st.sampled_from([{}, {}, EVENT, {"Content-Type": "application/cloudevents+json"}]))
    headers |= draw(
        st.dictionaries(
            names,
            st.sampled_from(TEXTS)
            | st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=("Cc",)), max_size=40),
            max_size=3,
        )
    )
    return "POST", path, packed, headers
