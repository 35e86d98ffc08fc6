"""The dashboards: current, valid by Grafana's own schemas, built by good habits, and of metrics that exist."""

import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from monitoring import metrics_reference
from monitoring.grafana import render
from service.metrics.catalogue import BY_NAME, CATALOGUE, LABELS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DASHBOARDS = {name: json.loads(text) for name, text in render.rendered().items()}
PANELS = [
    pytest.param(board, panel, id=f"{name.removesuffix('.json')}: {panel['title']}")
    for name, board in DASHBOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
RULES = [
    rule
    for file in sorted((ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
ALERTS = {rule["alert"] for rule in RULES if "alert" in rule}
SERIES = {series: declared for declared in CATALOGUE for series in declared.series}
OF_OTHERS = {
    "up",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "probe_success",
    "node_cpu_seconds_total",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_disk_io_time_seconds_total",
}
"""Series of Prometheus itself and of the exporters of others."""
SIGNED = {"Room above the reserve"}
"""Panels whose values may be below 0."""
KINDS = {
    "timeseries": "timeseries",
    "stat": "stat",
    "table": "table",
    "barchart": "barchart",
    "state-timeline": "statetimeline",
}

spec = importlib.util.spec_from_file_location("promql", HERE / "promql.py")
promql = importlib.util.module_from_spec(spec)
spec.loader.exec_module(promql)


OF_ANY_TYPE = {"MatcherConfig": "options", "DynamicConfigValue": "value"}
"""What may be of any type, and the published schema calls an object: Grafana itself writes strings and numbers."""


def schema(name, definition=None):
    document = json.loads((HERE / "data" / f"grafana_{name}.schema.json").read_text())
    for defined, field in OF_ANY_TYPE.items():
        if defined in document["definitions"]:
            document["definitions"][defined]["properties"][field] = {}
    return {**document, "$ref": f"#/definitions/{definition}"} if definition else document


def expressions(board):
    targets = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return targets + [note["expr"] for note in board["annotations"]["list"] if "expr" in note]


def test_the_files_are_as_the_program_writes_them():
    folder = ROOT / "monitoring" / "grafana" / "dashboards"
    assert {file.name: file.read_text() for file in folder.glob("*.json")} == render.rendered()


def test_the_reference_page_is_as_the_program_writes_it():
    assert metrics_reference.PAGE.read_text() == metrics_reference.page()


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_valid_by_grafanas_schema(name):
    jsonschema.validate(DASHBOARDS[name], schema("dashboard"))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_is_valid_by_the_schema_of_its_kind(board, panel):
    kind = KINDS[panel["type"]]
    jsonschema.validate(panel["options"], schema(kind, "Options"))
    definitions = schema(kind)["definitions"]
    if "FieldConfig" in definitions:
        jsonschema.validate(panel["fieldConfig"]["defaults"]["custom"], schema(kind, "FieldConfig"))
    for target in panel["targets"]:
        jsonschema.validate(target, schema("prometheus"))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_keeps_the_habits(board, panel):
    assert len(panel["description"]) > 10
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]
        ranges = re.findall(r"\[([^\]]+)\]", target["expr"])
        assert set(ranges) <= {"$__rate_interval"}, "a fixed range in a panel belongs into a recording rule"
        assert ("$__rate_interval" in target["expr"]) == bool(re.search(r"\b(rate|increase)\(", target["expr"]))
    for link in panel.get("links", []):
        assert re.fullmatch(r"\$\{runbooks\}/(\w+)\.md", link["url"])[1] in ALERTS


@pytest.mark.parametrize(("board", "panel"), [panel for panel in PANELS if panel.values[1]["type"] == "timeseries"])
def test_an_axis_begins_at_zero_and_a_flat_zero_does_not_stand_on_a_large_one(board, panel):
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults.get("min") == (None if panel["title"] in SIGNED else 0)
    assert (
        0
        < defaults["custom"]["axisSoftMax"]
        <= {"percentunit": 1.2, "bytes": 1024, "Bps": 1024}.get(defaults["unit"], 4)
    )


@pytest.mark.parametrize(
    ("title", "colours"),
    [
        ("Errors by status", {"404": "orange", "500": "red"}),
        ("Answers by status", {"200": "green", "404": "orange", "503": "red", "501": "orange"}),
        ("Predictions by outcome", {"ok": "green", "invalid_input": "orange", "internal_error": "red"}),
        ("States of versions", {"iris v1 READY": "green", "iris v2 FAILED": "red", "iris v3 LOADING": "blue"}),
        ("Tries by replica", {"replica-1 200": "green", "replica-1 504": "red"}),
        ("Golden replays", {"matched": "green", "differed": "red"}),
    ],
)
def test_a_colour_says_what_a_series_means(title, colours):
    (panel,) = (one.values[1] for one in PANELS if one.values[1]["title"] == title)
    drawn = {}
    for override in panel["fieldConfig"]["overrides"]:
        for name in colours:
            if re.search(override["matcher"]["options"].strip("/"), name):
                drawn[name] = override["properties"][0]["value"]["fixedColor"]
    assert drawn == colours


def test_the_first_panel_that_a_reader_sees_is_of_alerts_that_fire():
    first = [panel for panel in DASHBOARDS["overview.json"]["panels"] if panel["type"] != "row"][:2]
    assert [panel["title"] for panel in first] == ["Firing", "Firing alerts"]
    assert all('alertstate="firing"' in panel["targets"][0]["expr"] for panel in first)


def test_the_board_of_drift_opens_on_one_version_and_one_feature():
    chosen = {variable["name"]: variable for variable in DASHBOARDS["data.json"]["templating"]["list"]}
    for name in ("model", "version", "feature"):
        assert not chosen[name]["includeAll"]
        assert not chosen[name]["multi"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_keeps_the_habits(name):
    board = DASHBOARDS[name]
    assert board["id"] is None
    assert board["editable"] is False
    assert board["tags"] == ["millrace"]
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert {"datasource", "runbooks", "kibana", "request_id"} <= variables
    used = {name for name in re.findall(r"\$\{?([a-zA-Z_]\w*)", json.dumps(board["panels"])) if name[:2] != "__"}
    assert used <= variables
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert [note["name"] for note in board["annotations"]["list"]][1:] == ["Version switch", "Replica restart"]
    assert any("${request_id}" in link["url"] for link in board["links"])


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_neither_overlap_nor_stick_out(name):
    taken = set()
    for panel in DASHBOARDS[name]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_metric_on_a_dashboard_is_declared_or_recorded(name):
    named = set().union(*map(promql.metrics, expressions(DASHBOARDS[name])))
    assert named <= set(SERIES) | RECORDED | OF_OTHERS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule["alert"])
def test_every_metric_in_a_rule_is_declared_or_recorded(rule):
    assert promql.metrics(rule["expr"]) <= set(SERIES) | RECORDED | OF_OTHERS


def test_every_declared_metric_is_used_by_a_dashboard_or_a_rule():
    everything = [expr for board in DASHBOARDS.values() for expr in expressions(board)] + [
        rule["expr"] for rule in RULES
    ]
    used = set().union(*map(promql.metrics, everything))
    unused = [declared.name for declared in CATALOGUE if not used & set(declared.series)]
    assert unused == []


def test_every_recording_rule_is_used():
    everything = [expr for board in DASHBOARDS.values() for expr in expressions(board)] + [
        rule["expr"] for rule in RULES
    ]
    used = set().union(*map(promql.metrics, everything))
    assert used >= RECORDED


def test_every_alert_that_a_panel_can_show_is_linked_from_one():
    linked = {
        link["url"].rpartition("/")[2].removesuffix(".md")
        for board in DASHBOARDS.values()
        for panel in board["panels"]
        for link in panel.get("links", [])
    }
    # about Prometheus' own targets, or a nearer alert's twin: reached from the others' pages
    of_others = {
        "MillraceNoReplicas",
        "MillraceScrapeDown",
        "MillraceWatchdog",
        "MillraceVersionsNotConverged",
        "MillraceCertificateExpiresNow",
    }
    assert linked | of_others == ALERTS


def test_every_label_says_where_its_values_come_from():
    assert {label for declared in CATALOGUE for label in declared.labels} <= set(LABELS)


def test_names_follow_prometheus_habits():
    for name, declared in BY_NAME.items():
        assert name.endswith("_total") == (declared.kind == "counter"), name
        assert declared.help.endswith("."), name
        assert (declared.kind == "histogram") == bool(declared.buckets), name
        assert not {"le", "quantile"} & set(declared.labels), name


def test_grafana_is_provisioned_read_only():
    folder = ROOT / "monitoring" / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    providers = yaml.safe_load((folder / "dashboards" / "millrace.yml").read_text())["providers"]
    assert not any(source["editable"] for source in sources)
    assert all(provider["disableDeletion"] and not provider["allowUiUpdates"] for provider in providers)
    uid = DASHBOARDS["overview.json"]["templating"]["list"][0]["current"]["value"]
    assert uid in {source["uid"] for source in sources}
