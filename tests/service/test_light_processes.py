"""A process that serves arrays alone does without the libraries that models are fitted with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from examples import demo_models
from model_store import channels, publish
from model_store.extension.loader import kernels
from model_store.plans import files
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import OpenGate

FITTING = ("joblib", "pandas", "pyarrow", "scipy", "skops", "sklearn")

REFUSE = f"""
import sys

tried = []

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FITTING!r}:
            tried.append(name)
            raise ImportError(name + " is imported where it should not be")

sys.meta_path.insert(0, Refuse())
"""

NONE_TRIED = "\nassert not tried, tried"

SERVE = """
from service import settings
from service.app import create_app
from tests.service.auth.fakes import OpenAccess

folder = sys.argv[1]
variables = {"MODEL_STORE_ROOT": folder + "/models", "RUN_DIR": folder + "/run"}
application = create_app(settings.read(variables), OpenAccess())
application.preload()
application.start_worker()
web = application.flask.test_client()
print(web.get("/v2/health/live").status_code, web.post("/v1/models/none:predict", json={"instances": [1]}).status_code)
application.stop_worker()
"""

ASK = """
import json, sys
from service import settings
from service.app import create_app
from tests.service.auth.fakes import OpenAccess

folder = sys.argv[1]
places = {"MODEL_STORE_ROOT": "models", "TRUSTED_KEYS": "keys/trusted", "RUN_DIR": "run"}
variables = {name: folder + "/" + place for name, place in places.items()}
application = create_app(settings.read(variables), OpenAccess())
application.preload()
application.start_worker()
web = application.flask.test_client()

def ask(model, body, media_type):
    answer = web.post(f"/models/{model}/invocations", data=body.encode(), headers={"Content-Type": media_type})
    return answer.json.get("predictions", answer.json)

answers = [ask(*question) for question in json.load(open(folder + "/questions.json"))]
application.stop_worker()
print(json.dumps(answers))
"""

CONFIGURE = """
import os

os.environ.update(RUN_DIR=sys.argv[1] + "/run", MODEL_STORE_ROOT=sys.argv[1] + "/models")
import service.gunicorn_conf, service.http.admin.publishing, service.auth.__main__

print("configured")
"""

DECODE = """
import io
import numpy as np
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.wire import WireRequest

columns = (Column("age", "int64"), Column("weight", "float64", nullable=True), Column("name", "string"))
table = Schema("table", columns, (Output("predict", "float64"),))
matrix = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))
array = io.BytesIO()
np.save(array, np.ones((2, 2)))

def rows(schema, body, media_type):
    return INVOCATIONS.decode(WireRequest(body, {"content-type": media_type}), schema).batch.rows

print(
    rows(table, b'{"dataframe_records": [{"age": 1, "weight": null, "name": "a"}]}', "application/json"),
    rows(table, b"age,weight,name\\n1,,a\\n", "text/csv"),
    rows(matrix, array.getvalue(), "application/x-npy"),
)
"""


@pytest.fixture
def light(tmp_path):
    """Runs a program in which importing one of the libraries fails; returns the last line that it prints."""

    return lambda program: ran(REFUSE + program + NONE_TRIED, tmp_path)


def ran(program, folder, **variables):
    """The last line that a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, folder],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("library", FITTING)
def test_an_import_is_noticed_even_if_its_failure_is_not(light, library):
    with pytest.raises(AssertionError, match=f"AssertionError: .'{library}'"):
        light(f"try:\n    import {library}\nexcept ImportError:\n    print('without')")


def test_an_application_without_models_starts_and_answers(light):
    assert light(SERVE) == "200 404"


def test_gunicorns_configuration_and_administration_are_imported(light):
    assert light(CONFIGURE) == "configured"


def test_bodies_of_json_csv_and_npy_are_decoded(light):
    assert light(DECODE) == "1 1 2"


@pytest.fixture
def demos(tmp_path, sealing_key):
    """The demo models that are served as arrays, published."""
    store, compiled = FolderStore(tmp_path / "models"), []
    for demo in demo_models.demos():
        publish(store, demo.name, demo.estimator, demo.sample, sealing_key=sealing_key, gate=OpenGate())
        if files.PLAN in store.manifest(demo.name, 1).files:
            channels.promote(store, demo.name, 1, "tests")
            compiled.append(demo)
    return compiled


def questions(demo, rows):
    """The same rows in each form that carries them."""
    table = pd.DataFrame(rows)
    table.columns = table.columns if isinstance(rows, pd.DataFrame) else [f"x{i}" for i in table.columns]
    split = table.to_json(orient="split", index=False, double_precision=15)
    return [
        (demo.name, json.dumps({"dataframe_split": json.loads(split)}), "application/json"),
        (demo.name, table.to_csv(index=False), "text/csv"),
    ]


@pytest.mark.skipif(kernels() is None, reason="the C extension is not built: without it scikit-learn walks the trees")
def test_compiled_demo_models_are_served_without_the_libraries_and_without_the_extension(light, demos, tmp_path):
    assert {demo.name for demo in demos} == {"iris", "diabetes", "progression"}
    (tmp_path / "questions.json").write_text(
        json.dumps([question for demo in demos for question in questions(demo, demo.sample[:20])])
    )
    given = light(ASK)
    answers = iter(json.loads(given))
    for demo in demos:
        expected = demo.estimator.predict(demo.sample[:20]).tolist()
        assert next(answers) == expected, f"{demo.name} over JSON"
        assert next(answers) == expected, f"{demo.name} over CSV"
    assert ran(ASK, tmp_path, MILLRACE_EXTENSION="OFF") == given
