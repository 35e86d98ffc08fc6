"""Clients that generators make of the API description: without a complaint, and used against the stack."""

import os
import shutil
from pathlib import Path

import pytest
import requests

from tests.foreign import environment, node_environment, run
from tests.system.running import Stack

GENERATORS = Path(__file__).parent / "generators"
TYPESCRIPT = GENERATORS / "typescript"
WHOLE = "all"
MODELS = ("diabetes", "iris", "progression")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("generated"), REPLICAS="1")
    try:
        stack.start()
        stack.bearer = stack.token()
        stack.documents = tmp_path_factory.mktemp("documents")
        for name, path in ((WHOLE, "/openapi.json"), *((model, f"/models/{model}/openapi.json") for model in MODELS)):
            answer = requests.get(stack.url + path, headers={"Authorization": f"Bearer {stack.bearer}"}, timeout=20)
            assert answer.status_code == 200
            (stack.documents / f"{name}.json").write_bytes(answer.content)
        yield stack
    finally:
        stack.stop()


@pytest.fixture(params=[WHOLE, *MODELS])
def document(request, stack):
    return stack.documents / f"{request.param}.json"


@pytest.fixture(scope="module")
def python_client():
    programs = environment("openapi_python_client", GENERATORS / "openapi_python_client.txt")

    def generate(document, into):
        """A package with a function for each route."""
        configuration = GENERATORS / "openapi_python_client.yaml"
        options = ["--meta", "none", "--fail-on-warning", "--config", configuration]
        command = [programs / "openapi-python-client", "generate", *options, "--path", document, "--output-path", into]
        return run(*command, PATH=f"{programs}:{os.environ['PATH']}")

    generate.python = programs / "python"
    return generate


@pytest.fixture(scope="module")
def datamodel():
    programs = environment("datamodel_code_generator", GENERATORS / "datamodel_code_generator.txt")

    def generate(document, into):
        """A module with a type for each schema; a warning fails it."""
        options = ["--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin", "--use-annotated"]
        command = [generate.python, "-W", "error", "-m", "datamodel_code_generator", "--input-file-type", "openapi"]
        return run(*command, *options, "--input", document, "--output", into)

    generate.python = programs / "python"
    return generate


@pytest.fixture(scope="module")
def typescript(tmp_path_factory):
    """A folder in which TypeScript finds its packages, and how programs are run there."""
    programs = node_environment("typescript", TYPESCRIPT)
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(programs.parent)
    for file in (*TYPESCRIPT.glob("*.ts"), *TYPESCRIPT.glob("*.json")):
        shutil.copy(file, folder)

    def call(program, *arguments):
        return run("env", "-C", folder, programs / program, *arguments)

    call.folder = folder
    return call


def test_openapi_python_client_takes_every_document(python_client, document, tmp_path):
    made = python_client(document, tmp_path / "made")
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.splitlines() == [f"Generating {tmp_path / 'made'}"]


def test_datamodel_code_generator_takes_every_document(datamodel, document, tmp_path):
    made = datamodel(document, tmp_path / "made.py")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert run(datamodel.python, tmp_path / "made.py").returncode == 0


def test_openapi_typescript_takes_every_document(typescript, document, tmp_path):
    made = typescript("openapi-typescript", document, "-o", tmp_path / "types.ts")
    assert made.returncode == 0, made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower()
    checked = typescript("tsc", "--noEmit", "--strict", tmp_path / "types.ts")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_hey_api_takes_every_document(typescript, document, tmp_path):
    made = typescript("openapi-ts", "-i", document, "-o", tmp_path / "made", "-c", "@hey-api/client-fetch")
    assert made.returncode == 0, made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower()
    assert (tmp_path / "made" / "sdk.gen.ts").is_file()


def test_the_client_of_openapi_python_client_gets_what_it_asks_for(python_client, stack, tmp_path):
    made = python_client(stack.documents / "iris.json", tmp_path / "millrace_iris_client")
    assert made.returncode == 0, made.stdout + made.stderr
    script = GENERATORS / "openapi_python_client_script.py"
    is_fine(run(python_client.python, script, stack.url, stack.bearer, PYTHONPATH=str(tmp_path)))


def test_the_types_of_datamodel_code_generator_fit_what_is_sent(datamodel, stack, tmp_path):
    made = datamodel(stack.documents / "iris.json", tmp_path / "generated.py")
    assert made.returncode == 0, made.stderr
    script = GENERATORS / "datamodel_code_generator_script.py"
    is_fine(run(datamodel.python, script, stack.url, stack.bearer, PYTHONPATH=str(tmp_path)))


@pytest.mark.parametrize("client", ["openapi-typescript", "hey-api"])
def test_clients_in_typescript_get_what_they_ask_for(typescript, stack, client):
    document = stack.documents / "iris.json"
    typescript("openapi-typescript", document, "-o", "openapi-typescript/types.ts")
    typescript("openapi-ts", "-i", document, "-o", "hey-api", "-c", "@hey-api/client-fetch")
    compiled = typescript("tsc")
    assert (compiled.returncode, compiled.stdout) == (0, "")
    is_fine(run("node", typescript.folder / "made" / f"{client}.js", stack.url, stack.bearer))


def is_fine(done):
    """What a script says that found all as it should be."""
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == "fine"
