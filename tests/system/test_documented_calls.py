"""Every curl of the README and of the protocols' pages does what the page says, by the real curl."""

import json
import re
import shutil
import subprocess

import pyarrow as pa
import pytest

from tests.system.running import ROOT, eventually

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/reference/protocols").glob("*.md"))]
FENCE = re.compile(r"^```sh\n(.*?)^```\n(?:```json\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"((?:^    .*\n)+)()", re.MULTILINE)
ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):8080")
FAIL_LOUDLY = 'set -eo pipefail; curl() { command curl --silent --show-error --fail-with-body "$@"; echo; }\n'


def calls():
    for page in PAGES:
        text = page.read_text()
        for found in (*FENCE.finditer(text), *INDENTED.finditer(text)):
            script, answer = found.groups()
            if re.search(r"^\s*curl ", script, re.MULTILINE):
                line = text.count("\n", 0, found.start()) + 1
                yield pytest.param(script, answer, id=f"{page.relative_to(ROOT)}:{line}")


@pytest.fixture
def rows(tmp_path):
    """The files that the pages send."""
    (tmp_path / "rows.csv").write_text("x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n")
    table = pa.table({f"x{i}": [value] for i, value in enumerate([5.1, 3.5, 1.4, 0.2])})
    with pa.ipc.new_file(tmp_path / "rows.arrow", table.schema) as writer:
        writer.write_table(table)
    return tmp_path


@pytest.fixture
def loaded(stack, client):
    """Gives the stack back with its model loaded, which a page may unload."""
    yield
    eventually(lambda: client.post(f"{stack.url}/v2/repository/models/iris/load").ok, 60, "a loaded model")


@pytest.mark.parametrize(("script", "expected"), list(calls()))
def test_a_documented_call_does_what_its_page_says(stack, loaded, rows, script, expected):
    if shutil.which("curl") is None or shutil.which("make") is None:
        pytest.skip("curl or make is not installed")
    here = ADDRESS.sub(stack.url, script).replace("make -s token", f"make -s -C {ROOT} token")
    environment = {**stack.environment, "TOKEN": stack.token()}
    ran = subprocess.run(
        ["bash", "-c", FAIL_LOUDLY + here], cwd=rows, env=environment, check=False, capture_output=True, timeout=200
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    if expected:
        answer, wanted = json.loads(ran.stdout.splitlines()[0]), json.loads(expected)
        assert {**answer, "id": ""} == {**wanted, "id": ""}


def test_the_pages_have_calls_to_try():
    tried = {case.id.partition(":")[0] for case in calls()}
    assert tried == {str(page.relative_to(ROOT)) for page in PAGES}
