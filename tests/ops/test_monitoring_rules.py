"""Rules and configuration files, checked by Prometheus' and Alertmanager's own tools."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

MONITORING = Path(__file__).parents[2] / "monitoring"
PROMETHEUS = MONITORING / "prometheus"
RUNBOOKS = MONITORING.parent / "docs" / "runbooks"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TEST_FILES = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTS = {
    rule["alert"]: rule
    for file in RULE_FILES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}

promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (package prometheus)")
amtool = pytest.mark.skipif(
    not shutil.which("amtool"), reason="amtool is not installed (package prometheus-alertmanager)"
)


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_promtool_accepts_the_rules():
    run("promtool", "check", "rules", *map(str, RULE_FILES))


@promtool
@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.local.yml"])
def test_promtool_accepts_the_configuration(name):
    run("promtool", "check", "config", str(PROMETHEUS / name))


@promtool
@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_the_rules_pass_their_own_tests(file):
    run("promtool", "test", "rules", file.name, cwd=file.parent)


@amtool
def test_amtool_accepts_the_configuration():
    run("amtool", "check-config", str(MONITORING / "alertmanager" / "alertmanager.yml"))


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_each_alert_has_a_test_that_fires_and_one_that_is_silent(name):
    tests = [test for file in TEST_FILES for test in yaml.safe_load(file.read_text())["tests"]]
    expectations = [
        bool(expected["exp_samples"])
        for test in tests
        for expected in test["promql_expr_test"]
        if f'alertname="{name}"' in expected["expr"]
    ]
    assert set(expectations) == {True, False}


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_each_alert_says_how_bad_it_is_in_a_sentence_and_has_a_runbook(name):
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert re.search(r"[.]$", alert["annotations"]["summary"])
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    page = (RUNBOOKS / f"{name}.md").read_text()
    for heading in ("What it means", "Where to look", "What to do"):
        assert f"## {heading}\n" in page
    assert f"Severity: {alert['labels']['severity']}." in page


def test_no_runbook_is_left_over_from_an_alert_that_is_gone():
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == set(ALERTS)
    index = (RUNBOOKS / "README.md").read_text()
    assert all(f"({name}.md)" in index for name in ALERTS)


def test_alertmanager_silences_only_alerts_that_exist():
    rules = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    named = [
        re.split(r"=~?", m, maxsplit=1)[1].strip(' "')
        for r in rules
        for m in r["source_matchers"] + r["target_matchers"]
    ]
    for pattern in (part for name in named for part in name.split("|")):
        assert any(re.fullmatch(pattern, alert) for alert in ALERTS), pattern
