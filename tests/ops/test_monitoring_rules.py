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

ALWAYS_FIRES = "MillraceWatchdog"

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
    assert set(expectations) == ({True} if name == ALWAYS_FIRES else {True, False})


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_each_alert_says_how_bad_it_is_in_a_sentence_and_has_a_runbook(name):
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ({"none"} if name == ALWAYS_FIRES else {"critical", "warning"})
    assert re.search(r"[.]$", alert["annotations"]["summary"])
    assert alert["annotations"]["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/{name}.md"
    page = (RUNBOOKS / f"{name}.md").read_text()
    for heading in ("What it means", "Where to look", "What to do", "Commands", "How to see that it is over"):
        assert f"## {heading}\n" in page
    _, _, *rows = re.findall(r"^\|.*\|$", page.partition("## Commands")[2], re.MULTILINE)
    assert rows
    assert all(len(re.split(r"(?<!\\)\|", row.strip("|"))) == 4 for row in rows), "make run, Compose, Kubernetes"
    assert f'ALERTS{{alertname="{name}"}}' in page.partition("## How to see that it is over")[2]
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


def test_rules_and_dashboards_name_no_job():
    files = [*RULE_FILES, *(MONITORING / "grafana" / "dashboards").glob("*.json")]
    assert [file.name for file in files if re.search(r"\bjob\s*(!|=)?[=~]", file.read_text())] == []


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.local.yml"])
def test_every_job_says_which_component_its_targets_are(name):
    jobs = yaml.safe_load((PROMETHEUS / name).read_text())["scrape_configs"]
    components = {
        change["replacement"]
        for job in jobs
        for change in job["relabel_configs"]
        if change.get("target_label") == "component"
    }
    used = set(re.findall(r'component="(\w+)"', "".join(file.read_text() for file in RULE_FILES)))
    assert len(components) == len(jobs)
    assert used == {"replica", "probe", "host"}
    assert used | {"nginx"} <= components


@amtool
def test_amtool_accepts_each_way_to_be_told_that_the_configuration_shows(tmp_path):
    text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    before, _, after = text.partition("\nreceivers:\n")
    shown = before + "\nreceivers:\n" + re.sub(r"^    # (?!---)", "    ", after, flags=re.MULTILINE)
    receivers = {receiver.pop("name"): receiver for receiver in yaml.safe_load(shown)["receivers"]}
    assert receivers["on-call"].keys() == {"email_configs", "slack_configs", "pagerduty_configs", "webhook_configs"}
    assert receivers["watchdog"].keys() == {"webhook_configs"}
    (tmp_path / "alertmanager.yml").write_text(shown)
    run("amtool", "check-config", str(tmp_path / "alertmanager.yml"))


@amtool
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=MillraceWatchdog", "severity=none"], "watchdog"),
        (["alertname=MillraceNoReplicas", "severity=critical"], "on-call"),
        (["alertname=MillraceReplicaDown", "severity=warning"], "on-call"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].partition("=")[2],
)
def test_alertmanager_sends_each_alert_to_whom_it_is_for(labels, receiver):
    file = MONITORING / "alertmanager" / "alertmanager.yml"
    command = ["amtool", "config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}", *labels]
    run(*command)
