"""What is asked of a release, in every dialect. `make_state` records the answers; later releases have to give the same.

Each list is one file of recorded answers. `credential` names an entry of the state's `credentials.json`: a client,
whose token is asked for first, or an API key; without one the caller is anonymous.
"""

import base64
import io
import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

IRISES = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
LOANS = [
    {"age": 31, "income": 412.5, "debt": 0.25, "city": "Oslo", "grade": "b", "member": True, "opened": "2021-03-04"},
    {"age": 58, "income": None, "debt": 0.5, "city": None, "grade": "a", "member": False, "opened": "2022-08-09T10:11"},
]
PATIENTS = [{"bmi": 0.05, "bp": 0.02, "s5": 0.01}, {"bmi": -0.04, "bp": 0.0, "s5": -0.02}]
EXACT, GROWING, STATUS = "exact", "growing", "status"


@dataclass(frozen=True)
class Call:
    """One request. ``body`` is bytes; ``compare`` says what of its answer has to stay.

    EXACT: status, media type and every byte. GROWING: every member of the JSON, beside which others may come, but those
    in ``unlike``. STATUS: the status alone. Of a refusal the words may change, whatever ``compare`` says.
    """

    name: str
    method: str
    path: str
    body: bytes = b""
    credential: str = "scorer"
    headers: dict = field(default_factory=dict)
    compare: str = EXACT
    unlike: tuple = ()


def post(name, path, document, **how):
    """A JSON body, posted."""
    headers = {"Content-Type": "application/json", **how.pop("headers", {})}
    return Call(name, "POST", path, json.dumps(document).encode(), headers=headers, **how)


def sent(name, path, media_type, body, accept=None, **how):
    """A body of another media type, posted."""
    headers = {"Content-Type": media_type, **({"Accept": accept} if accept else {})}
    return Call(name, "POST", path, body, headers=headers, **how)


def get(name, path, **how):
    """A GET."""
    return Call(name, "GET", path, **how)


def tensorflow_serving():
    """Rows, columns and examples; versions, labels and signatures; metadata, states and refusals."""
    yield post("rows of an array", "/v1/models/iris:predict", {"instances": IRISES})
    yield post("columns of an array", "/v1/models/iris:predict", {"inputs": IRISES})
    signature = {"signature_name": "predict_proba", "instances": IRISES}
    yield post("another signature", "/v1/models/iris:predict", signature)
    for number in (1, 2):
        path = f"/v1/models/iris/versions/{number}:predict"
        yield post(f"version {number}", path, signature)
    yield post("a label", "/v1/models/iris/labels/champion:predict", signature)
    yield post("rows of a table, with gaps", "/v1/models/loans:predict", {"instances": LOANS})
    columns = {name: [row[name] for row in LOANS] for name in LOANS[0]}
    yield post("columns of a table, with gaps", "/v1/models/loans:predict", {"inputs": columns})
    yield post("a category that is not open", "/v1/models/loans:predict", {"instances": [{**LOANS[0], "grade": "z"}]})
    yield post("texts, of anyone", "/v1/models/moods:predict", {"instances": ["good", "bad day"]}, credential="")
    yield post("a transformer", "/v1/models/sizes:predict", {"instances": IRISES})
    yield post("two targets", "/v1/models/targets:predict", {"instances": [{"rooms": 3, "floor": -1, "area": 0.5}]})
    yield post("a clustering", "/v1/models/groups/versions/1:predict", {"instances": IRISES})
    yield post("classify", "/v1/models/moods:classify", {"examples": [{"text": "good night"}]})
    yield post("regress", "/v1/models/diabetes:regress", {"examples": PATIENTS})
    yield get("metadata of an array", "/v1/models/iris/metadata")
    yield get("metadata of a table", "/v1/models/loans/metadata")
    yield get("states", "/v1/models/iris")
    yield get("the state of a version", "/v1/models/iris/versions/2")
    yield post("too few columns", "/v1/models/iris:predict", {"instances": [[1, 2]]})
    yield post("a version that is gone", "/v1/models/iris/versions/4:predict", {"instances": IRISES})
    yield post("a model that there is not", "/v1/models/nothing:predict", {"instances": IRISES})
    yield post("a model that is unloaded", "/v1/models/resting:predict", {"instances": IRISES})
    yield sent("no JSON", "/v1/models/iris:predict", "application/json", b'{"instances": [')
    yield post("too many rows", "/v1/models/moods:predict", {"instances": ["good"] * 501})


def kserve_v1():
    """What KServe adds: lists of models, instances of lists, events."""
    yield get("alive", "/", credential="")
    yield get("models", "/v1/models")
    table = {name: [row[name] for row in LOANS] for name in LOANS[0]}
    yield post("instances of lists", "/v1/models/loans:predict", {"instances": [table]})
    event = {"specversion": "1.0", "id": "1", "source": "upgrade", "type": "ask"}
    structured = json.dumps({**event, "data": {"instances": IRISES}}).encode()
    yield sent(
        *("a structured event", "/v1/models/iris:predict", "application/cloudevents+json", structured),
        compare=GROWING,
        unlike=("id", "time"),
    )
    headers = {f"ce-{name}": value for name, value in event.items()}
    yield post("a binary event", "/v1/models/iris:predict", {"instances": IRISES}, headers=headers)
    yield post("explanations", "/v1/models/iris:explain", {"instances": IRISES})


def open_inference():
    """Tensors in JSON and in bytes; classification; metadata, readiness, the repository's index, refusals."""
    array = {"name": "input", "shape": [2, 4], "datatype": "FP64", "data": [x for row in IRISES for x in row]}
    yield post("a tensor", "/v2/models/iris/infer", {"id": "7", "inputs": [array]})
    chosen = {"id": "8", "inputs": [array], "outputs": [{"name": "predict_proba"}]}
    yield post("a chosen output of a version", "/v2/models/iris/versions/1/infer", chosen)
    classified = {**chosen, "outputs": [{"name": "predict_proba", "parameters": {"classification": 2}}]}
    yield post("classification", "/v2/models/iris/infer", classified)
    yield post("a tensor for each column", "/v2/models/loans/infer", {"id": "9", "inputs": list(loan_tensors())})
    texts = {"name": "input", "shape": [2], "datatype": "BYTES", "data": ["good", "bad day"]}
    yield post("texts", "/v2/models/moods/infer", {"id": "10", "inputs": [texts]})
    yield post("a model that was loaded", "/v2/models/groups/versions/1/infer", {"id": "11", "inputs": [array]})
    yield binary_tensor()
    yield get("metadata of an array", "/v2/models/iris")
    yield get("metadata of a table", "/v2/models/loans")
    yield get("ready", "/v2/models/iris/ready")
    yield get("models", "/v2/models")
    yield get("the server", "/v2", credential="", compare=GROWING, unlike=("version",))
    yield Call("index", "POST", "/v2/repository/index", compare=GROWING, unlike=("reason",))
    yield post("a wrong type", "/v2/models/iris/infer", {"inputs": [{**array, "datatype": "BYTES"}]})
    yield post("a model that there is not", "/v2/models/nothing/infer", {"inputs": [array]})
    yield get("a model that is unloaded", "/v2/models/resting/ready")


def loan_tensors():
    """The rows of LOANS as a tensor for each column."""
    datatypes = {"age": "INT64", "income": "FP64", "debt": "FP32", "member": "BOOL"}
    for name in LOANS[0]:
        data = [row[name] for row in LOANS]
        yield {"name": name, "shape": [2, 1], "datatype": datatypes.get(name, "BYTES"), "data": data}


def binary_tensor():
    """A tensor in bytes, answered in bytes."""
    values = np.array(IRISES).astype("<f8").tobytes()
    tensor = {"name": "input", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(values)}}
    head = {"id": "12", "inputs": [tensor], "parameters": {"binary_data_output": True}}
    document = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(document))}
    return Call("a tensor in bytes", "POST", "/v2/models/iris/infer", document + values, headers=headers)


def mlflow():
    """Every form of body, several answers, the default model, refusals."""
    path = "/models/iris/invocations"
    yield post("a split", path, {"dataframe_split": {"data": IRISES}})
    yield post("instances for the default model", "/invocations", {"instances": IRISES})
    yield post("records", "/models/loans/invocations", {"dataframe_records": LOANS})
    yield post("columns", "/models/loans/invocations", {"inputs": {n: [row[n] for row in LOANS] for n in LOANS[0]}})
    params = {"predict_method": ["predict", "predict_proba"]}
    yield post("several outputs", path, {"instances": IRISES, "params": params})
    yield post("a label", "/models/iris/labels/champion/invocations", {"instances": IRISES})
    table = pd.DataFrame(LOANS).assign(opened=lambda t: pd.to_datetime(t["opened"], format="ISO8601"))
    yield sent("CSV", "/models/loans/invocations", "text/csv", table.to_csv(index=False).encode())
    parquet = io.BytesIO()
    table.to_parquet(parquet, index=False)
    parquet_type, arrow_type = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
    yield sent("Parquet", "/models/loans/invocations", parquet_type, parquet.getvalue())
    proba = "?predict_method=predict_proba"
    arrow = arrow_stream(pa.Table.from_pandas(table, preserve_index=False))
    yield sent("Arrow", f"/models/loans/invocations{proba}", arrow_type, arrow, accept=arrow_type)
    npy = io.BytesIO()
    np.save(npy, np.array(IRISES))
    yield sent("NumPy", path + proba, "application/x-npy", npy.getvalue(), accept="application/x-npy")
    yield get("ping", "/ping", credential="")
    yield get("version", "/version", credential="", compare=STATUS)
    yield post("a column that is not there", "/models/loans/invocations", {"dataframe_records": [{"age": 1}]})
    yield sent("an unknown media type", path, "text/plain", b"1,2,3,4")


def arrow_stream(table):
    """The table in Arrow's streaming format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def access():
    """Credentials of every kind, good and withdrawn."""
    one = {"instances": IRISES[:1]}
    predict = "/v1/models/iris:predict"
    for credential in ("demo", "rotated", "rotated-before", "key", "narrow-key", "replaced-key"):
        yield post(f"with {credential}", predict, one, credential=credential)
    yield post("with an API key in its header", predict, one, credential="header-key")
    for credential in ("revoked-client", "revoked-key", "revoked-grant", "viewer", ""):
        yield post(f"with {credential or 'nothing'}", predict, one, credential=credential)
    yield post("a model outside a key's patterns", "/v1/models/sizes:predict", one, credential="narrow-key")
    yield post("more rows than the quota", predict, {"instances": IRISES * 5}, credential="limited")
    yield get("a model that may be seen", "/v2/models/iris", credential="viewer")
    yield get("a model that may not", "/v2/models/loans", credential="viewer")
    yield get("keys", "/oauth/jwks.json", credential="", compare=GROWING)
    yield get("the server's metadata", "/.well-known/oauth-authorization-server", credential="", compare=GROWING)
    yield get("what administers", "/admin/clients")


def administration():
    """What the administrator sees of the state."""
    shown = {"credential": "demo", "compare": GROWING}
    yield get("clients", "/admin/clients", unlike=("previous_until",), **shown)
    yield get("keys", "/admin/keys", unlike=("expires_at", "last_used_at"), **shown)
    yield get("grants", "/admin/grants", **shown)
    yield get("the first records", "/admin/audit?before=15&limit=14", **shown)
    yield get("models", "/admin/models", unlike=("replicas",), **shown)
    for name in ("iris", "loans", "groups", "resting"):
        yield get(f"the model {name}", f"/admin/models/{name}", unlike=("replicas",), **shown)
    yield get("a version", "/admin/models/loans/versions/1", **shown)
    for operation in ("finished", "failed"):
        path = f"/admin/operations/{{{operation}}}"
        yield get(f"a {operation} operation", path, unlike=("created_at", "finished_at"), **shown)
    yield get("a version that is gone", "/admin/models/iris/versions/4", **shown)
    yield get("the description", "/openapi.json", credential="demo", compare=STATUS)
    yield get("the page", "/docs", credential="", compare=STATUS)


DIALECTS = {
    "tensorflow_serving": tensorflow_serving,
    "kserve_v1": kserve_v1,
    "open_inference": open_inference,
    "mlflow": mlflow,
    "access": access,
    "administration": administration,
}
"""The lists, by the names of their files."""


def to_json(call, answer):
    """A call and its answer, ready for a file."""
    given = {"name": call.name, "method": call.method, "path": call.path, "credential": call.credential}
    how = {"headers": call.headers, "compare": call.compare, "unlike": list(call.unlike)}
    return given | how | {"body": shown(call.body), "answer": answer}


def from_json(document):
    """The call in what ``to_json`` gave, and its answer."""
    fields = {k: v for k, v in document.items() if k != "answer"}
    fields |= {"body": raw(document["body"]), "unlike": tuple(document["unlike"])}
    return Call(**fields), document["answer"]


def shown(body):
    """Bytes as text where they are text, else in base64."""
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def raw(document):
    """The bytes that ``shown`` showed."""
    return document["text"].encode() if "text" in document else base64.b64decode(document["base64"])
