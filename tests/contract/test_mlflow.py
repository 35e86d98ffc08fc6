"""MLflow's scoring protocol, behaviour by behaviour; README.md lists them."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from model_store import publish, seal
from service import settings
from service.app import create_app
from tests.service.auth.fakes import OpenAccess

ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"
NPY = "application/x-npy"

PEOPLE = pd.DataFrame(
    {
        "age": [22, 38, 26, 35] * 5,
        "fare": [7.25, None, 7.9, 53.1] * 5,
        "sex": ["male", "female", "female", None] * 5,
    }
)
ROWS = np.random.default_rng(0).normal(size=(60, 3))
KINDS = np.array(["low", "high"])[(ROWS.sum(axis=1) > 0).astype(int)]
RECORD = {"age": 30, "fare": 8.5, "sex": "male"}


def people_model():
    columns = make_column_transformer(
        ("passthrough", ["age"]), (SimpleImputer(), ["fare"]), (OneHotEncoder(handle_unknown="ignore"), ["sex"])
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(PEOPLE, [0, 1, 1, 0] * 5)


MODELS = {
    "kinds": (LogisticRegression().fit(ROWS, KINDS), ROWS),
    "people": (people_model(), PEOPLE),
    "line": (LinearRegression().fit(np.array([[1.0], [2.0], [5.0]]), [3.5, 4.0, 5.5]), np.array([[1.0], [2.0], [5.0]])),
    "same": (FunctionTransformer().fit(np.array([[1.0, np.nan]])), np.array([[1.0, np.nan], [2.0, 3.0]])),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with the MODELS, each with one promoted version."""
    folder = tmp_path_factory.mktemp("mlflow")
    key = seal.create_keys(folder / "keys")
    for name, (estimator, sample) in MODELS.items():
        publish(folder / "models", name, estimator, sample, sealing_key=key, promote=True)
    return folder


def started(folder, **variables):
    environment = {
        "MODEL_STORE_ROOT": str(folder / "models"),
        "TRUSTED_KEYS": str(folder / "keys" / "trusted"),
        "RUN_DIR": str(folder / "run"),
        "REPLICA": "mlflow-tests",
        **variables,
    }
    application = create_app(settings.read(environment), OpenAccess())
    application.start_worker()
    return application


@pytest.fixture(scope="module")
def client(store):
    application = started(store)
    yield application.flask.test_client()
    application.stop_worker()


def invoke(client, body, model="people", media_type="application/json", *, accept=None, query=""):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    headers = {"Accept": accept} if accept else {}
    return client.post(f"/models/{model}/invocations{query}", data=data, content_type=media_type, headers=headers)


def predictions(answer):
    assert answer.status_code == 200, answer.data
    assert answer.mimetype == "application/json"
    assert set(answer.json) == {"predictions"}
    return answer.json["predictions"]


def refusal(answer, status, *words):
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    for key in ("error", "code", "title", "status", "detail", "request_id", "error_code", "message"):
        assert key in answer.json
    assert answer.json["message"] == answer.json["error"]
    for word in words:
        assert word in answer.json["error"]
    return answer.json


def split(frame):
    return {"dataframe_split": json.loads(frame.to_json(orient="split"))}


EXPECTED = MODELS["people"][0].predict(PEOPLE[:4]).tolist()


def test_success_is_exactly_200_and_names_the_version(client):
    answer = invoke(client, split(PEOPLE[:4]))
    assert answer.status_code == 200
    assert answer.headers["X-Model-Version"] == "1"


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_ping_and_health_answer_a_newline_labelled_json(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"\n", "application/json")


def test_ping_is_404_while_no_model_is_there(tmp_path):
    (tmp_path / "models").mkdir()
    seal.create_keys(tmp_path / "keys")
    application = started(tmp_path)
    try:
        assert application.flask.test_client().get("/ping").status_code == 404
    finally:
        application.stop_worker()


def test_version_is_bare_text(client):
    answer = client.get("/version")
    assert answer.status_code == 200
    assert answer.text
    assert not answer.text.startswith('"')


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON"]
)
def test_json_may_name_its_charset(client, media_type):
    assert predictions(invoke(client, split(PEOPLE[:4]), media_type=media_type)) == EXPECTED


@pytest.mark.parametrize(
    ("media_type", "words"),
    [
        ("text/plain", "This predictor only supports the content types"),
        ("application/x-www-form-urlencoded", "Got 'application/x-www-form-urlencoded'"),
        ("", "Got ''"),
        ("application/json; charset=latin-1", "only supports UTF-8"),
        ("application/json; format=pandas-split", "Unrecognized content type parameter"),
        ("text/csv; header=present", "Unrecognized content type parameter"),
    ],
)
def test_other_media_types_and_none_at_all_are_415(client, media_type, words):
    refusal(invoke(client, split(PEOPLE[:4]), media_type=media_type), 415, words)


def test_no_content_type_header_is_415(client):
    answer = client.post("/models/people/invocations", data=json.dumps(split(PEOPLE[:4])))
    refusal(answer, 415)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([{"age": 1}], "Received a list."),
        ("17", "Received 17."),
        ({}, "exactly one of the input fields"),
        ({"params": {}}, "none of them"),
        ({"instances": [], "inputs": []}, "Received instances, inputs."),
        ('{"instances": [', "JSON Parse error"),
        (b'{"instances": "\xff"}', "not UTF-8"),
        ("", "empty"),
    ],
)
def test_the_root_is_an_object_with_exactly_one_input_field(client, body, words):
    refusal(invoke(client, body), 400, words)


def test_other_keys_are_ignored_and_llm_keys_are_no_inputs(client):
    body = {**split(PEOPLE[:4]), "signature_name": 7, "messages": []}
    assert predictions(invoke(client, body)) == EXPECTED
    refusal(invoke(client, {"messages": [{"role": "user", "content": "hi"}]}), 400, "exactly one of")


def test_nan_tokens_are_read_as_missing(client):
    body = '{"dataframe_split": {"columns": ["age", "fare", "sex"], "data": [[30, NaN, "male"]]}}'
    assert len(predictions(invoke(client, body))) == 1
    refused = refusal(invoke(client, body.replace("NaN", "Infinity")), 400)
    assert refused["errors"][0]["location"] == "row 0, column fare"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2]], "must be a dictionary"),
        ({"columns": ["age"]}, "must have 'data' field"),
        ({"columns": ["age"], "data": [[1]], "rows": []}, "must have 'data' field"),
        ({"data": [[30, 8.5, "male"]]}, "column names"),
        ({"columns": "age", "data": [[30]]}, "column names"),
        ({"columns": ["age", "age", "sex"], "data": [[30, 30, "male"]]}, "more than one column age"),
        ({"columns": ["age", "fare", "sex"], "data": [[30, 8.5]]}, "row 0"),
        ({"columns": ["sex", "fare", "age"], "data": [["male", 8.5, 30], ["male"]]}, "row 1"),
        ({"columns": ["age", "fare", "sex"], "data": "none"}, "must be a list"),
        ({"columns": ["age", "fare", "sex"], "data": []}, "no rows"),
        (
            {"columns": ["age", "fare", "sex"], "data": [[30, 8.5, "male"]], "index": []},
            "dataframe_split.index: expected",
        ),
        ({"columns": ["age", "fare", "sex"], "data": [[30, 8.5, "male"]], "index": [0, 1]}, "got a list of 2"),
        ({"columns": ["age", "fare", "sex"], "data": [[30, 8.5, "male"]], "index": "a"}, "one for each row"),
        ({"columns": ["age", "fare", "sex"], "data": [[30, 8.5, "male"]], "index": {"0": 0}}, "one for each row"),
    ],
)
def test_a_split_that_is_none_is_refused(client, value, words):
    refusal(invoke(client, {"dataframe_split": value}), 400, words)


def test_a_split_goes_by_its_columns_and_by_position_for_models_fitted_on_arrays(client):
    shuffled = PEOPLE[["sex", "age", "fare"]][:4]
    assert predictions(invoke(client, split(shuffled))) == EXPECTED
    expected = KINDS_ANSWER.tolist()
    assert predictions(invoke(client, {"dataframe_split": {"data": ROWS[:4].tolist()}}, "kinds")) == expected
    assert predictions(invoke(client, split(pd.DataFrame(ROWS[:4])), "kinds")) == expected


KINDS_ANSWER = MODELS["kinds"][0].predict(ROWS[:4])


@pytest.mark.parametrize("index", [[7], ["a"], [["a", 1]], [None], None])
def test_an_index_names_each_row_of_a_split_and_says_nothing_to_the_model(client, index):
    one = {"columns": ["age", "fare", "sex"], "data": [[22, 7.25, "male"]], "index": index}
    assert predictions(invoke(client, {"dataframe_split": one})) == EXPECTED[:1]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"input": ROWS[:4].tolist()}},
        {"inputs": [{"input": row} for row in ROWS[:4].tolist()]},
        {"instances": [{"input": row} for row in ROWS[:4].tolist()]},
    ],
)
def test_the_tensor_of_a_model_fitted_on_an_array_has_the_name_of_all_dialects(client, body):
    assert predictions(invoke(client, body, "kinds")) == KINDS_ANSWER.tolist()


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"inputs": {"input": [[1, 2, 3], [1, "x", 3]]}}, "inputs.input[1][1]"),
        ({"instances": [{"input": [1, 2, 3]}, {"input": [1, 2]}]}, "instances[1].input[0]"),
        ({"instances": [{"input": [1, 2, 3]}, {"output": [1, 2]}]}, "instances[0].x0"),
    ],
)
def test_a_fault_in_the_tensor_is_named_there(client, body, location):
    assert refusal(invoke(client, body, "kinds"), 400)["errors"][0]["location"] == location


def test_a_byte_order_mark_is_skipped(client):
    body = json.dumps({"inputs": ROWS[:4].tolist()}).encode("utf-8-sig")
    assert predictions(invoke(client, body, "kinds")) == KINDS_ANSWER.tolist()


def test_records_are_a_list_of_objects(client):
    records = json.loads(PEOPLE[:4].to_json(orient="records"))
    assert predictions(invoke(client, {"dataframe_records": records})) == EXPECTED
    refusal(invoke(client, {"dataframe_records": RECORD}), 400, "must be a list of records. Got dictionary.")
    refused = refusal(invoke(client, {"dataframe_records": [RECORD, 7]}), 400)
    assert refused["errors"][0]["location"].startswith("dataframe_records[1]")


@pytest.mark.parametrize("field", ["instances", "inputs"])
def test_instances_and_inputs_take_rows_and_records(client, field):
    assert predictions(invoke(client, {field: ROWS[:4].tolist()}, "kinds")) == KINDS_ANSWER.tolist()
    records = json.loads(PEOPLE[:4].to_json(orient="records"))
    assert predictions(invoke(client, {field: records})) == EXPECTED


def test_inputs_take_columns_and_a_bare_list_or_scalar_for_a_model_of_one_column(client):
    columns = json.loads(PEOPLE[:4].to_json(orient="split"))
    by_name = dict(zip(columns["columns"], zip(*columns["data"], strict=True), strict=True))
    assert predictions(invoke(client, {"inputs": {**by_name, "other": [0]}})) == EXPECTED
    assert predictions(invoke(client, {"inputs": RECORD})) == predictions(invoke(client, {"instances": [RECORD]}))
    for field in ("inputs", "instances"):
        assert np.allclose(predictions(invoke(client, {field: [1.0, 2.0, 5.0]}, "line")), [3.5, 4.0, 5.5])
    assert np.allclose(predictions(invoke(client, {"inputs": 2}, "line")), [4.0])


def test_columns_of_different_lengths_are_refused(client):
    refused = refusal(invoke(client, {"inputs": {"age": [1, 2], "fare": [1.0], "sex": ["male", "male"]}}), 400)
    assert refused["errors"]
    refused = refusal(invoke(client, {"instances": [RECORD, {"fare": 1.0}]}), 400)
    assert refused["errors"][0]["location"] == "instances[1].age"
    refusal(invoke(client, {"instances": RECORD}), 400, "instances must be a list")


def test_csv_goes_by_its_header(client):
    text = PEOPLE[:4].to_csv(index=True)
    assert predictions(invoke(client, text, media_type="text/csv")) == EXPECTED
    assert predictions(invoke(client, text, media_type="text/csv; charset=utf-8")) == EXPECTED


def test_what_is_no_csv_is_refused_without_a_stack_trace(client):
    refused = refusal(invoke(client, 'age,fare,sex\n1,"2\n', media_type="text/csv"), 400, "not valid CSV")
    assert "stack_trace" not in refused
    assert b"Traceback" not in invoke(client, b"\xff", media_type="text/csv").data


def test_parquet_goes_by_its_column_names(client):
    sink = io.BytesIO()
    PEOPLE[:4][["sex", "fare", "age"]].to_parquet(sink)
    assert predictions(invoke(client, sink.getvalue(), media_type=PARQUET)) == EXPECTED
    refusal(invoke(client, sink.getvalue()[:-9], media_type=PARQUET), 400, "Parquet")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ({"dataframe_split": {"columns": ["age", "fare", "sex"], "data": [[1.7, 8.5, "male"]]}}, "application/json"),
        ({"dataframe_records": [{**RECORD, "age": 1.7}]}, "application/json"),
        ({"instances": [{**RECORD, "age": 1.7}]}, "application/json"),
        ({"inputs": {"age": [1.7], "fare": [8.5], "sex": ["male"]}}, "application/json"),
        ("age,fare,sex\n1.7,8.5,male\n", "text/csv"),
    ],
)
def test_a_fraction_for_a_column_of_whole_numbers_is_refused_and_never_truncated(client, body, media_type):
    refused = refusal(invoke(client, body, media_type=media_type), 400)
    (fault,) = refused["errors"]
    assert "age" in fault["location"]
    assert fault["expected"].startswith("a whole number")
    assert fault["got"] == "1.7"


def test_whole_numbers_fit_float_columns(client):
    assert len(predictions(invoke(client, {"dataframe_records": [{**RECORD, "fare": 8}]}))) == 1


def test_extra_columns_are_ignored_and_the_order_is_the_schema_s(client):
    frame = PEOPLE[:4].assign(secret="hidden")[["secret", "sex", "fare", "age"]]
    assert predictions(invoke(client, split(frame))) == EXPECTED
    assert predictions(invoke(client, {"dataframe_records": json.loads(frame.to_json(orient="records"))})) == EXPECTED


def test_a_missing_required_column_is_named_and_no_input_is_echoed(client):
    frame = PEOPLE[:4].assign(secret="hidden").drop(columns=["age"])
    for body in (split(frame), {"dataframe_records": json.loads(frame.to_json(orient="records"))}):
        answer = invoke(client, body)
        refused = refusal(answer, 400)
        assert "age" in refused["errors"][0]["location"]
        assert b"hidden" not in answer.data


def test_a_nullable_column_has_to_be_there_with_nulls(client):
    assert predictions(invoke(client, {"dataframe_records": [{"age": 30, "fare": None, "sex": None}]}))
    for body in ({"dataframe_records": [{"age": 30}]}, split(PEOPLE[["age"]][:4])):
        refusal(invoke(client, body), 400)


def test_params_choose_the_output(client):
    body = {"instances": ROWS[:4].tolist()}
    proba = predictions(invoke(client, {**body, "params": {"predict_method": "predict_proba"}}, "kinds"))
    assert np.allclose(proba, MODELS["kinds"][0].predict_proba(ROWS[:4]))
    both = predictions(
        invoke(client, {**body, "params": {"predict_method": ["predict", "decision_function"]}}, "kinds")
    )
    assert [row["predict"] for row in both] == KINDS_ANSWER.tolist()
    assert isinstance(both[0]["decision_function"], float)


def test_unknown_params_are_ignored_and_wrong_ones_refused(client):
    body = {"instances": ROWS[:4].tolist()}
    for params in (None, {}, {"temperature": 1}, {"predict_method": None}):
        assert predictions(invoke(client, {**body, "params": params}, "kinds")) == KINDS_ANSWER.tolist()
    for params in ([], "predict", {"predict_method": 1}, {"predict_method": [None]}):
        refusal(invoke(client, {**body, "params": params}, "kinds"), 400, "Invalid parameters found")
    refused = refusal(
        invoke(client, {**body, "params": {"predict_method": "transform"}}, "kinds"), 400, "it offers predict"
    )
    assert refused["code"] == "unknown_output"


def test_bodies_without_params_choose_the_output_in_the_query(client):
    answer = invoke(client, PEOPLE[:4].to_csv(), media_type="text/csv", query="?predict_method=predict_proba")
    assert np.allclose(predictions(answer), MODELS["people"][0].predict_proba(PEOPLE[:4]))
    refusal(invoke(client, PEOPLE[:4].to_csv(), media_type="text/csv", query="?predict_method=nothing"), 400)


def test_a_missing_number_in_an_answer_is_null(client):
    answer = invoke(client, {"inputs": [[1.0, None], [2.5, 3.0]]}, "same")
    assert predictions(answer) == [[1.0, None], [2.5, 3.0]]
    assert b"NaN" not in answer.data


def test_matrices_are_nested_lists_and_labels_plain_strings(client):
    assert predictions(invoke(client, {"inputs": [[1.0, 2.0]]}, "same")) == [[1.0, 2.0]]
    assert predictions(invoke(client, {"inputs": ROWS[:4].tolist()}, "kinds")) == KINDS_ANSWER.tolist()


@pytest.mark.parametrize(
    ("model", "body", "status", "code"),
    [
        ("nobody", {"inputs": [1]}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("people", {"inputs": [1]}, 400, "BAD_REQUEST"),
        ("people", {}, 400, "BAD_REQUEST"),
    ],
)
def test_errors_have_mlflow_s_code_and_message_and_no_stack_trace(client, model, body, status, code):
    refused = refusal(invoke(client, body, model), status)
    assert refused["error_code"] == code
    assert "stack_trace" not in refused


def test_an_unreadable_body_is_refused_before_an_unknown_model_is(client):
    refusal(invoke(client, "{", "nobody"), 400, "JSON Parse error")
    refusal(invoke(client, "x", "nobody", media_type="text/plain"), 415)


def test_what_mlflow_s_own_client_sends_is_answered(client):
    frame = PEOPLE[:4]
    sent = json.dumps({"dataframe_split": {**frame.to_dict(orient="split"), "index": [0, 1, 2, 3]}})
    assert predictions(invoke(client, sent)) == EXPECTED
    sent = json.dumps({"inputs": ROWS[:4].tolist(), "params": None})
    assert predictions(invoke(client, sent, "kinds")) == KINDS_ANSWER.tolist()


@pytest.mark.parametrize("which", ["/versions/1", "/labels/stable", ""])
def test_a_version_or_a_label_may_be_named(client, which):
    answer = client.post(f"/models/line{which}/invocations", json={"inputs": [2.0]})
    assert np.allclose(predictions(answer), [4.0])


@pytest.mark.parametrize(
    ("which", "status"), [("/versions/9", 404), ("/versions/one", 404), ("/versions/0", 404), ("/labels/none", 400)]
)
def test_a_version_or_a_label_that_is_not_there_is_refused(client, which, status):
    refusal(client.post(f"/models/line{which}/invocations", json={"inputs": [2.0]}), status)


def test_the_default_model_answers_where_the_settings_name_one(store, client):
    refusal(client.post("/invocations", json={"inputs": [2.0]}), 404, "/models/NAME/invocations", "DEFAULT_MODEL")
    application = started(store, DEFAULT_MODEL="line", REPLICA="with-default")
    try:
        answer = application.flask.test_client().post("/invocations", json={"inputs": [2.0]})
        assert np.allclose(predictions(answer), [4.0])
    finally:
        application.stop_worker()


def test_the_only_model_is_the_default_one(tmp_path):
    key = seal.create_keys(tmp_path / "keys")
    estimator, sample = MODELS["line"]
    publish(tmp_path / "models", "line", estimator, sample, sealing_key=key, promote=True)
    application = started(tmp_path)
    try:
        answer = application.flask.test_client().post("/invocations", json={"inputs": [2.0]})
        assert np.allclose(predictions(answer), [4.0])
    finally:
        application.stop_worker()


def arrow_body(frame, form=ARROW_STREAM):
    table = pa.Table.from_pandas(frame)
    sink = io.BytesIO()
    with (pa.ipc.new_file if form == ARROW_FILE else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize("form", [ARROW_STREAM, ARROW_FILE])
def test_arrow_bodies_are_answered_in_json_or_in_arrow(client, form):
    body = arrow_body(PEOPLE[:4], form)
    assert predictions(invoke(client, body, media_type=form)) == EXPECTED
    answer = invoke(client, body, media_type=form, accept=form, query="?predict_method=predict_proba")
    assert (answer.status_code, answer.mimetype) == (200, form)
    read = pa.ipc.open_file if form == ARROW_FILE else pa.ipc.open_stream
    table = read(answer.data).read_all()
    assert np.allclose(table.column("predict_proba").to_pylist(), MODELS["people"][0].predict_proba(PEOPLE[:4]))
    assert table.schema.metadata[b"version"] == b"1"


def test_any_body_may_be_answered_in_arrow_and_several_outputs_are_several_columns(client):
    body = {"instances": ROWS[:4].tolist(), "params": {"predict_method": ["predict", "predict_proba"]}}
    table = pa.ipc.open_stream(invoke(client, body, "kinds", accept=ARROW_STREAM).data).read_all()
    assert table.column("predict").to_pylist() == KINDS_ANSWER.tolist()
    assert json.loads(table.schema.field("predict_proba").metadata[b"labels"]) == ["high", "low"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        (f"{ARROW_STREAM};q=0.2, application/json", "application/json"),
        (f"application/json;q=0.2, {ARROW_FILE}", ARROW_FILE),
        (f"{ARROW_STREAM};q=0", "application/json"),
        (NPY, NPY),
    ],
)
def test_accept_chooses_the_answer_s_form(client, accept, media_type):
    assert invoke(client, {"inputs": [2.0]}, "line", accept=accept).mimetype == media_type


def test_matrices_go_both_ways_as_npy(client):
    sink = io.BytesIO()
    np.save(sink, ROWS[:4])
    answer = invoke(client, sink.getvalue(), "kinds", NPY, accept=NPY, query="?predict_method=predict_proba")
    assert answer.mimetype == NPY
    assert np.allclose(np.load(io.BytesIO(answer.data)), MODELS["kinds"][0].predict_proba(ROWS[:4]))
    text = invoke(client, sink.getvalue(), "kinds", NPY, accept=NPY)
    assert predictions(text) == KINDS_ANSWER.tolist()  # .npy holds no text without pickle


def test_a_flat_array_is_a_column_and_never_a_row_in_npy_as_in_json(client):
    def npy(array):
        sink = io.BytesIO()
        np.save(sink, array)
        return sink.getvalue()

    assert np.allclose(predictions(invoke(client, npy(np.array([1.0, 2.0, 5.0])), "line", NPY)), [3.5, 4.0, 5.5])
    refused = refusal(invoke(client, npy(ROWS[0]), "kinds", NPY), 400)
    assert refused["errors"] == [{"location": "shape", "expected": "[rows, 3]", "got": "[3]"}]
    refusal(invoke(client, {"inputs": ROWS[0].tolist()}, "kinds"), 400, "a list of 3 values")


@pytest.mark.parametrize("media_type", ["text/csv", PARQUET, ARROW_STREAM, ARROW_FILE, NPY])
@pytest.mark.parametrize("body", [b"", b"\x00", b"PAR1", b"ARROW1", b"\x93NUMPY", b"age,fare,sex\n", b"\xff" * 64])
def test_a_body_that_is_not_what_it_says_is_400(client, media_type, body):
    refusal(invoke(client, body, media_type=media_type), 400)
