"""The Makefile: what it lists, what it finds, and what it says when it cannot."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXED = {"run", "test", "build", "up", "down", "logs", "token", "predict", "publish", "bench", "lint", "help"}


def make(*arguments, **variables):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env={**inherited, **variables}, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target_with_what_it_does():
    targets = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", make().stdout, re.MULTILINE))
    assert targets >= FIXED
    assert listed.keys() == targets


def test_publish_says_what_it_needs():
    told = make("-o", ".venv/.made-from-requirements", "publish", "NAME=x")
    assert told.returncode != 0
    assert "NAME=" in told.stderr


def test_publish_takes_every_option_of_the_command():
    given = ("NAME=x", "MODEL=m.joblib", "SAMPLE=rows.csv", "ARGS=--no-promote --metrics '{\"auc\": 0.9}'")
    told = make("--dry-run", "-o", ".venv/.made-from-requirements", "publish", *given)
    assert told.stdout.splitlines()[-1].endswith(
        "model_store publish 'x' 'm.joblib' --sample 'rows.csv' --promote --no-promote --metrics '{\"auc\": 0.9}'"
    )


def test_a_machine_without_a_new_enough_python_is_told_so(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "sh", "test", "echo", "dirname", "env"):
        found = subprocess.run(["which", tool], capture_output=True, text=True, check=False).stdout.strip()
        if found:
            (tools / tool).symlink_to(found)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    told = make(f"VENV={tmp_path / 'venv'}", "run", PATH=str(tools))
    assert told.returncode != 0
    assert "Python 3.11" in told.stderr


def test_the_first_python_that_is_new_enough_is_taken(tmp_path):
    for name, answer in {"python3.13": 1, "python3.12": 0, "python3": 0}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {answer}\n")
        (tmp_path / name).chmod(0o755)
    found = subprocess.run(
        ["/bin/sh", "deploy/local/find-python"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path / "python3.12")
