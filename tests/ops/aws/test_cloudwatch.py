"""CloudWatch: what the agent reads and sends, and the alarms that wait for it, made in an AWS in memory."""

import json
import re
import socket
import subprocess
import time
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
import yaml

from service.metrics.catalogue import BY_NAME
from tests.foreign import environment, run

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CLOUDWATCH = ROOT / "monitoring" / "cloudwatch"
TEMPLATE = CLOUDWATCH / "alarms.yaml"
OF_THE_PROBE = {"probe_success", "probe_duration_seconds"}
HISTOGRAMS = {declared.name for declared in BY_NAME.values() if declared.kind == "histogram"}


@pytest.fixture(scope="module")
def programs():
    return environment("aws", HERE / "requirements.txt")


@pytest.fixture(scope="module")
def aws(programs):
    """Asks AWS's own command line, of an AWS in memory; gives what it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        time.sleep(0.2)
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def ask(*words):
        done = run(programs / "aws", *words, "--output", "json", **variables)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    yield ask
    server.terminate()
    server.wait(20)


class Template(yaml.SafeLoader):
    """Reads a template; `!Ref NAME` becomes {"Ref": NAME}."""


Template.add_constructor("!Ref", lambda loader, node: {"Ref": loader.construct_scalar(node)})


def resolved(value, known):
    """A property with what it refers to in its place."""
    if isinstance(value, dict):
        return known[value["Ref"]] if "Ref" in value else {name: resolved(one, known) for name, one in value.items()}
    return [resolved(one, known) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def alarms(aws):
    """The alarms of the template, by their names, as CloudWatch has them.

    The AWS in memory deploys the template, but makes no alarm of it and says nothing. So each is made by the call that
    takes the same properties.
    """
    aws("cloudformation", "deploy", "--stack-name", "millrace-alarms", "--template-file", str(TEMPLATE))
    template = yaml.load(TEMPLATE.read_text(), Template)  # noqa: S506 - a safe loader with one more word
    known = {name: one["Default"] for name, one in template["Parameters"].items()}
    (topic,) = aws("sns", "list-topics")["Topics"]
    known["Told"] = topic["TopicArn"]
    for one in template["Resources"].values():
        if one["Type"] == "AWS::CloudWatch::Alarm":
            given = json.dumps(resolved(one["Properties"], known))
            aws("cloudwatch", "put-metric-alarm", "--cli-input-json", given)
    made = {alarm["AlarmName"]: alarm for alarm in aws("cloudwatch", "describe-alarms")["MetricAlarms"]}
    assert len(made) == 10
    return made


def read(file):
    return yaml.safe_load((ROOT / "monitoring" / file).read_text())


def jobs(file):
    return {job["job_name"]: job for job in read(file)["scrape_configs"]}


def sent():
    """Every metric that the agent sends: its name, the component, and the names of its dimensions."""
    agent = json.loads((CLOUDWATCH / "agent.json").read_text())
    declared = agent["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
    names = [*BY_NAME, *OF_THE_PROBE]
    for one in declared:
        assert one["source_labels"] == ["component"]
        found = [name for name, selector in product(names, one["metric_selectors"]) if re.search(selector, name)]
        assert found, one
        component = next(c for c in ("nginx", "replica", "probe") if re.search(one["label_matcher"], c))
        for name, dimensions in product(found, one["dimensions"]):
            yield name, component, frozenset(dimensions)


def wanted(alarm):
    """The metrics that an alarm waits for, as `sent` has them, and their namespace."""
    stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]
    for metric in stats:
        values = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        yield metric["Namespace"], metric["MetricName"], values["component"], frozenset(values)


def test_the_agent_reads_the_addresses_that_prometheus_reads():
    theirs, ours = jobs("prometheus/prometheus.yml"), jobs("cloudwatch/prometheus.yml")
    assert ours == {name: theirs[name] for name in ("millrace", "nginx", "probe")}
    assert read("cloudwatch/prometheus.yml").keys() == {"global", "scrape_configs"}


def test_what_is_sent_exists_has_its_labels_and_is_no_histogram_which_the_agent_drops():
    for name, component, dimensions in sent():
        known = {"component"} | set(BY_NAME[name].labels if name in BY_NAME else ())
        assert dimensions <= known, name
        assert name not in HISTOGRAMS
        if name in BY_NAME:
            assert (BY_NAME[name].origin == "nginx") == (component == "nginx"), name


def test_the_agents_files_are_the_groups_that_the_template_makes(aws, alarms):
    logs = json.loads((CLOUDWATCH / "agent.json").read_text())["logs"]
    written = {logs["metrics_collected"]["prometheus"]["log_group_name"]}
    written |= {one["log_group_name"] for one in logs["logs_collected"]["files"]["collect_list"]}
    made = {one["logGroupName"]: one["retentionInDays"] for one in aws("logs", "describe-log-groups")["logGroups"]}
    assert made == dict.fromkeys(written, 30)


def test_every_alarm_waits_for_a_metric_that_is_sent_with_its_dimensions(alarms):
    namespace = json.loads((CLOUDWATCH / "agent.json").read_text())["logs"]["metrics_collected"]["prometheus"][
        "emf_processor"
    ]["metric_namespace"]
    metrics = set(sent())
    for name, alarm in alarms.items():
        found = list(wanted(alarm))
        assert found, name
        for space, *metric in found:
            assert space == namespace
            assert tuple(metric) in metrics, name


def test_alarms_have_names_of_alerts_and_tell_somebody(aws, alarms):
    rules = (ROOT / "monitoring/prometheus/rules").glob("alerts_*.yml")
    alerts = {word for file in rules for word in re.findall(r"alert: (\w+)", file.read_text())}
    (topic,) = aws("sns", "list-topics")["Topics"]
    assert alarms.keys() <= alerts
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic["TopicArn"]]
        assert (ROOT / "docs/runbooks" / f"{name}.md").is_file()
        assert f"docs/runbooks/{name}.md" in alarm["AlarmDescription"]


def test_the_template_has_only_properties_that_aws_knows(programs):
    done = run(programs / "cfn-lint", "--regions", "eu-central-1", "--", TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_as_the_agent_sends_them_can_be_asked_for(aws, alarms):
    dimensions = "component=nginx,status=503"
    data = ["--namespace", "Millrace", "--metric-name", "millrace_nginx_requests_total", "--dimensions", dimensions]
    aws("cloudwatch", "put-metric-data", *data, "--value", "7", "--unit", "Count")
    (metric,) = aws("cloudwatch", "list-metrics", "--namespace", "Millrace")["Metrics"]
    told = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    (_, name, component, names) = next(one for one in wanted(alarms["MillraceSheddingLoad"]) if "status" in one[3])
    assert (metric["MetricName"], told["component"], frozenset(told)) == (name, component, names)
