"""`python -m model_store` as its users run it: a process, its output, its exit code."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from model_store import seal
from model_store.command_line import main as command_line
from model_store.replicas.folder import FolderPresence
from model_store.replicas.presence import Record

REPOSITORY = Path(__file__).parents[2]
FRAME = pd.DataFrame({"width": np.arange(20.0), "height": np.arange(20.0) ** 2})


class SaysWhoLoadsIt:
    def __reduce__(self):
        return (exec, ("import os; raise ValueError(f'loaded by <{os.getpid()}>')",))


@pytest.fixture
def shop(tmp_path):
    """A folder with a model and sample rows in it, and the command line run there."""
    joblib.dump(LinearRegression().fit(FRAME, FRAME.height), tmp_path / "model.joblib")
    FRAME.to_csv(tmp_path / "rows.csv", index=False)

    def command(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "model_store", *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    command.folder = tmp_path
    return command


@pytest.fixture
def keyed(shop):
    seal.create_keys(shop.folder / "var/keys")
    return shop


def test_the_life_of_a_model_at_the_command_line(keyed):
    first = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--metrics", '{"r2": 0.9}')
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("published area 1: sklearn.linear_model")
    assert "not serving yet" in first.stdout
    assert "in a process of its own" in first.stderr  # progress

    second = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--promote", "--json", "--by", "ann")
    report = json.loads(second.stdout)
    assert (report["version"], report["named_by"], report["created_by"]) == (2, ["stable"], "ann")
    assert report["artifact_format"] == "skops"

    listed = json.loads(keyed("list", "--json").stdout)
    assert listed == [
        {"model": "area", "versions": [1, 2], "stable": 2, "labels": {}, "unloaded": False, "quarantined": {}}
    ]
    assert "area   2       1, 2" in keyed("list").stdout
    assert [r["version"] for r in json.loads(keyed("list", "area", "--json").stdout)] == [1, 2]

    shown = json.loads(keyed("show", "area", "1", "--json").stdout)
    assert shown["metrics"] == {"r2": 0.9}
    assert [column["name"] for column in shown["schema"]["columns"]] == ["width", "height"]
    assert shown["options"]["engines"]["chosen"] == "compiled"
    lines = keyed("show", "area").stdout
    assert "history:" in lines
    assert "engine     equal  rows " in lines
    assert "\n… compiled: " in first.stderr

    verified = keyed("verify")
    assert (verified.returncode, verified.stdout) == (0, "area 1: ok\narea 2: ok\n")

    assert keyed("label", "area", "best", "1").stdout == "area 1 is now labelled best\n"
    assert json.loads(keyed("list", "--json").stdout)[0]["labels"] == {"best": 1}
    assert keyed("unlabel", "area", "best").returncode == 0
    assert keyed("promote", "area", "1", "--no-wait").stdout == "area 1 is now stable\n"
    assert keyed("rollback", "area", "--no-wait").stdout == "area is back at 2\n"
    assert keyed("demote", "area").stdout == "area has no stable version; its labels: -\n"
    assert keyed("rollback", "area", "--no-wait").stdout == "area is back at 2\n"
    put = keyed("quarantine", "area", "2", "--reason", "it crashed")
    assert put.stdout == "area 2 is in quarantine; version 1 serves instead\n"
    (kept,) = json.loads(keyed("list", "--json").stdout)[0]["quarantined"].values()
    assert (kept["by"].partition(": ")[2], kept["instead"]) == ("it crashed", 1)
    assert keyed("release", "area", "2").stdout == "area 2 is out of quarantine\n"
    in_use = keyed("retire", "area", "2")
    assert (in_use.returncode, in_use.stderr) == (
        1,
        "error: model 'area' version 2 cannot go: stable names it\n",
    )
    assert keyed("retire", "area", "1").stdout == "area 1 is gone\n"
    back = keyed("rollback", "area", "--json")
    assert back.returncode == 1
    assert json.loads(back.stdout)["code"] == "nothing_to_roll_back"


def leave_word(folder, pid, version, state, reason=""):
    """Leave word as the worker ``pid`` does, which has done this with a version of `area`."""
    stable = {"stable": version} if state == "READY" else {}
    states = {str(version): {"state": state, "reason": reason}}
    told = {"generation": 1, "pointers": stable, "states": states, "trouble": ""}
    document = {"format": 1, "replica": "replica-1", "pid": pid, "started": 0.0, "at": 0.0, "memory": 0}
    body = json.dumps({**document, "settled": True, "models": {"area": told}})
    FolderPresence(folder).announce(Record("replica-1", pid, body.encode()))


def test_promoting_ends_when_every_worker_answers_with_the_version(keyed):
    keyed("publish", "area", "model.joblib", "--sample", "rows.csv")
    nobody = keyed("promote", "area", "1")
    assert nobody.returncode == 0
    assert nobody.stdout.splitlines()[1] == (
        "no replica is running (none leaves word in var/presence): the version is stored, and served when one starts"
    )
    for pid in (1, 2):
        leave_word(keyed.folder / "var" / "presence", pid, 1, "READY")
    report = json.loads(keyed("promote", "area", "1", "--json").stdout)
    assert report == {"model": "area", "stable": 1, "served": {"replicas": ["replica-1"], "workers": 2}}


def test_publishing_waits_where_replicas_leave_word_and_says_how_many_do_not_serve_yet(keyed):
    for pid, version in ((1, 1), (2, 7)):
        leave_word(keyed.folder / "elsewhere", pid, version, "READY")
    run = keyed(
        *("publish", "area", "model.joblib", "--sample", "rows.csv", "--promote", "--wait-seconds", "0"),
        PRESENCE="elsewhere",
    )
    assert run.returncode == 6
    assert "… 1 of 2 workers answer with version 1\n" in run.stderr
    assert "error: area 1 is stable, and after 0 s 1 of 2 workers answer with version 1" in run.stderr


def test_a_version_that_a_worker_cannot_load_is_reported_with_the_reason(keyed):
    leave_word(keyed.folder / "var" / "presence", 3, 1, "FAILED", "not what was sealed")
    run = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--promote", "--json")
    assert run.returncode == 6
    refused = json.loads(run.stdout)
    assert refused["code"] == "not_served"
    assert "1 of 1 workers cannot load it: replica-1, process 3: not what was sealed" in refused["error"]


def test_replicas_that_leave_word_in_the_database_are_not_waited_for(keyed):
    run = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--promote", PRESENCE="database")
    assert run.returncode == 0
    assert run.stdout.endswith("GET /admin/models/area\n")


def test_a_corrupt_version_is_named_and_the_exit_code_says_so(keyed):
    keyed("publish", "area", "model.joblib", "--sample", "rows.csv")
    (keyed.folder / "var/models/area/7").mkdir()
    assert "area 7" in keyed("verify").stdout
    assert "manifest.json" in json.loads(keyed("list", "area", "--json").stdout)[1]["error"]
    (keyed.folder / "var/models/area/7").rmdir()
    path = keyed.folder / "var/models/area/1/artifact.skops"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    verified = keyed("verify", "area", "1", "--json")
    assert verified.returncode == 4
    (result,) = json.loads(verified.stdout)
    assert (result["ok"], result["code"]) == (False, "seal_broken")
    assert "artifact.skops" in result["reason"]
    promoted = keyed("promote", "area", "1")
    assert promoted.returncode == 4
    what = "area/1/artifact.skops is not what was sealed: restore it from a backup, or publish the model again"
    assert promoted.stderr.splitlines()[-1] == f"error: {what}"
    assert keyed("list").stdout.splitlines()[1].split() == ["area", "-", "1", "-"]


def test_a_version_of_a_key_that_is_not_trusted_cannot_be_promoted(keyed):
    assert keyed("keygen", "--key", "other.pem", "--trusted", "elsewhere").returncode == 0
    published = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", SEALING_KEY_FILE="other.pem")
    assert published.returncode == 0, published.stderr
    assert keyed("promote", "area", "1").returncode == 4
    assert keyed("promote", "area", "1", TRUSTED_KEYS="elsewhere").returncode == 0


def test_the_root_comes_from_the_option_else_the_environment(keyed):
    keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--root", "here")
    assert "area" in keyed("list", MODEL_STORE_ROOT="here").stdout
    assert "area" in keyed("list", "--root", "here", MODEL_STORE_ROOT="there").stdout
    assert keyed("list").stdout == "no models in var/models\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["publish", "../x", "model.joblib", "--sample", "rows.csv"], 1, "'../x' is not a model name"),
        (["publish", "x", "none.joblib", "--sample", "rows.csv"], 1, "there is no file none.joblib"),
        (["publish", "x", "rows.csv", "--sample", "rows.csv"], 1, "none of .joblib, .pkl, .pickle or .skops"),
        (["publish", "x", "model.joblib", "--sample", "none.csv"], 1, "no sample rows at"),
        (["publish", "x", "model.joblib", "--sample", "model.joblib"], 1, "sample rows come from"),
        (["publish", "x", "model.joblib", "--sample", "rows.csv", "--metrics", "{"], 1, "--metrics is not JSON"),
        (
            ["publish", "x", "model.joblib", "--sample", "rows.csv", "--metrics", "[]"],
            1,
            "--metrics must be a JSON object",
        ),
        (["publish", "x", "model.joblib"], 2, "--sample"),
        (["publish", "x", "model.joblib", "--sample", "rows.csv", "--key", "none.pem"], 1, "keygen"),
        (["show", "none"], 3, "there is no model 'none'"),
        (["promote", "none", "1"], 3, "there is no model 'none'"),
        (["promote", "none", "0"], 2, "is not a version"),
        (["verify", "none"], 3, "there is no model 'none'"),
        (["retire", "none", "1"], 3, "there is no model 'none'"),
        (["rollback", "none"], 3, "there is no model 'none'"),
        (["list", "--trusted"], 2, "expected one argument"),
        ([], 2, "COMMAND"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(keyed, arguments, code, said):
    run = keyed(*arguments)
    assert run.returncode == code, run.stderr
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    if code != 2:
        assert run.stderr.splitlines()[-1].startswith("error: ")
        assert len([line for line in run.stderr.splitlines() if not line.startswith("…")]) == 1


def test_without_keys_it_says_how_to_make_them(shop):
    for arguments in (["publish", "x", "model.joblib", "--sample", "rows.csv"], ["verify"]):
        run = shop(*arguments)
        assert run.returncode == 1
        assert "python -m model_store keygen" in run.stderr


def test_making_keys_twice_keeps_them(keyed):
    assert keyed("keygen").returncode == 0
    again = json.loads(keyed("keygen", "--json").stdout)
    assert Path(keyed.folder, again["trusted_key"]).stem == again["key"]
    assert len(list((keyed.folder / "var/keys/trusted").iterdir())) == 1
    assert (keyed.folder / "var/keys/sealing.pem").stat().st_mode & 0o777 == 0o600


def test_a_file_is_loaded_in_processes_of_its_own_only(keyed):
    joblib.dump(SaysWhoLoadsIt(), keyed.folder / "bad.joblib")
    run = subprocess.Popen(
        [sys.executable, "-m", "model_store", "publish", "x", "bad.joblib", "--sample", "rows.csv"],
        cwd=keyed.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
    )
    _, said = run.communicate(timeout=120)
    assert run.returncode == 1, said
    loaders = re.findall("loaded by <([0-9]+)>", said)
    assert loaders
    assert str(run.pid) not in loaders
    assert json.loads(keyed("list", "--json").stdout) == []


def test_the_help_says_that_publishing_a_file_is_an_act_of_trust(shop):
    said = " ".join(shop("publish", "--help").stdout.split())
    assert "your own act of trust" in said
    assert "can run any code when it is loaded" in said
    assert "exit codes" in shop("--help").stdout


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".json"])
def test_sample_rows_come_from_every_format(keyed, suffix):
    path = keyed.folder / f"sample{suffix}"
    {
        ".csv": lambda: FRAME.assign(target=1).to_csv(path),
        ".parquet": lambda: FRAME.to_parquet(path),
        ".npy": lambda: np.save(path, FRAME.to_numpy()),
        ".json": lambda: FRAME.to_json(path, orient="records"),
    }[suffix]()
    run = keyed("publish", "area", "model.joblib", "--sample", path, "--json")
    assert run.returncode == 0, run.stderr
    shown = json.loads(keyed("show", "area", "--json").stdout)
    assert [(c["name"], c["dtype"]) for c in shown["schema"]["columns"]] == [
        ("width", "float64"),
        ("height", "float64"),
    ]


def test_a_skops_file_and_a_pipeline_of_texts(keyed):
    texts = ["good day", "bad day", "good night", "bad night"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["up", "down"] * 2)
    skops.io.dump(model, keyed.folder / "model.skops")
    (keyed.folder / "texts.json").write_text(json.dumps(texts))
    run = keyed("publish", "mood", "model.skops", "--sample", "texts.json", "--format", "joblib", "--promote")
    assert run.returncode == 0, run.stderr
    shown = json.loads(keyed("show", "mood", "--json").stdout)
    assert (shown["schema"]["layout"], shown["artifact_format"]) == ("series", "joblib")
    assert shown["schema"]["outputs"][0]["labels"] == ["down", "up"]


def test_a_skops_file_with_types_beyond_the_reviewed_list_is_refused(keyed):
    skops.io.dump({"x": subprocess.Popen}, keyed.folder / "bad.skops")
    run = keyed("publish", "x", "bad.skops", "--sample", "rows.csv")
    assert run.returncode == 1
    assert "not on the reviewed list: subprocess.Popen" in run.stderr


def test_every_command_option_variable_and_exit_code_is_in_the_reference():
    page = (REPOSITORY / "docs/reference/store.md").read_text()
    parser = command_line._parser()
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        assert f"`{name}" in page, name
        for action in command._actions:
            assert all(f"`{option}" in page for option in action.option_strings if option not in {"-h", "--help"}), (
                action
            )
    for variable in re.findall(r"^  ([A-Z_]{6,}) ", command_line._EXIT_CODES, re.MULTILINE):
        assert f"`{variable}`" in page
    for code in re.findall(r"^  ([0-9]) ", command_line._EXIT_CODES, re.MULTILINE):
        assert f"| {code} |" in page


def test_a_dry_run_shows_the_contract_and_stores_nothing(keyed):
    schema = {"columns": {"width": {"minimum": 0, "unit": "cm"}, "height": {"type": "float64"}}}
    (keyed.folder / "schema.json").write_text(json.dumps(schema), "utf-8")
    arguments = ("publish", "area", "model.joblib", "--sample", "rows.csv", "--schema", "schema.json", "--dry-run")
    shown = keyed(*arguments)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("would publish area: sklearn.linear_model")
    assert re.search(r"^width +float64 +refused +from 0 cm$", shown.stdout, re.MULTILINE)
    assert "warning: the sample has 20 rows" in shown.stdout
    assert "warning" not in shown.stderr
    report = json.loads(keyed(*arguments, "--json").stdout)
    assert (report["columns"][0]["unit"], len(report["warnings"])) == ("cm", 2)
    assert not (keyed.folder / "var/models").exists()


def test_a_declared_schema_is_published_and_what_is_wrong_in_it_is_one_line(keyed):
    (keyed.folder / "schema.json").write_text('{"columns": {"width": {"minimum": 0}}}', "utf-8")
    made = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--schema", "schema.json")
    assert made.returncode == 0, made.stderr
    assert "warning: the sample has 20 rows" in made.stderr
    (keyed.folder / "schema.json").write_text('{"columns": {"widht": {"minimum": 0}}}', "utf-8")
    for more in ((), ("--dry-run",)):
        wrong = keyed("publish", "area", "model.joblib", "--sample", "rows.csv", "--schema", "schema.json", *more)
        assert wrong.returncode == 1
        assert wrong.stderr.splitlines()[-1] == (
            "error: the declared schema: columns.widht: there is no such column: expected one of width, height; "
            "is 'width' meant?"
        )


def test_a_smaller_form_is_published_if_asked_for(keyed, tmp_path) -> None:
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 3)), columns=["a", "b", "c"])
    targets = (rows.a + rows.b > 0).astype(int)
    joblib.dump(RandomForestClassifier(10, random_state=0).fit(rows[:200], targets[:200]), tmp_path / "forest.joblib")
    rows[:50].to_csv(tmp_path / "few.csv", index=False)
    rows[200:].assign(bought=targets[200:]).to_csv(tmp_path / "labelled.csv", index=False)
    asked = ("--optimise", "0.1", "--holdout", "labelled.csv")
    result = keyed("publish", "forest", "forest.joblib", "--sample", "few.csv", *asked, "--target", "bought")
    assert result.returncode == 0, result.stderr
    shown = keyed("show", "forest").stdout
    assert "smaller forms (accuracy on 200 rows, loss budget 0.1):" in shown
    assert "taken: " in shown
    refused = keyed("publish", "forest", "forest.joblib", "--sample", "few.csv", *asked)
    assert refused.returncode != 0
    assert "--target COLUMN belong together" in refused.stderr
