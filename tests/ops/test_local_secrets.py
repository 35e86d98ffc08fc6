"""What `make run` generates once is made by a separate process, and the one that supervises the stack stays small."""

import os
import subprocess
import sys

import pytest

from deploy.local import preparation
from deploy.local.settings import ROOT, CannotRun, read


def made(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.suffix != ".db"}


def test_keys_and_the_demo_client_are_made_once_and_kept(tmp_path):
    command = [sys.executable, "-m", "deploy.local.generated"]
    environment = {**os.environ, "VAR_DIR": str(tmp_path)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    first = made(tmp_path)
    assert {"sealing.pem", "audit.key", "demo-client.json"} <= {path.name for path in first}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert made(tmp_path) == first


def test_what_cannot_be_made_ends_the_start_in_words(tmp_path, monkeypatch):
    folder = tmp_path / "var"
    folder.write_text("a file in the folder's place")
    monkeypatch.setenv("VAR_DIR", str(folder))
    with pytest.raises(CannotRun, match=f"could not be made in {folder}"):
        preparation.make_secrets(read())


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TRACING", "maybe", "TRACING is 'maybe': expected ON or OFF"),
        ("OIDC_ISSUERS", "/nowhere/oidc.json", "OIDC_ISSUERS: /nowhere/oidc.json"),
        ("DATABASE_URL", "millrace.db", "DATABASE_URL cannot be used"),
    ],
)
def test_what_only_replicas_read_is_wrong_in_one_line(tmp_path, variable, value, words):
    command = [sys.executable, "-m", "deploy.local.generated"]
    environment = {**os.environ, "VAR_DIR": str(tmp_path), variable: value}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"millrace: {words}")


def test_the_supervisor_loads_no_library_of_access_control():
    told = "import sys, deploy.local.__main__; print(*sorted({'sqlalchemy', 'flask', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
