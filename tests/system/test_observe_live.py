"""A live stack, read by a real Prometheus: after mixed traffic every panel has data and every number is right."""

import itertools
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
import yaml

from tests.system.running import ROOT, Stack, eventually, free_ports

pytestmark = [
    pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed (package prometheus)"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

IRIS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5], [6.9, 3.1, 5.4, 2.1], [4.9, 3.0, 1.4, 0.2], [5.6, 2.7, 4.2, 1.3]]
ONLY_WITH_TLS = {"Certificate"}
ONLY_IN_TROUBLE = {"Firing alerts", "In quarantine"}
ONLY_WITH_OWN_CODE = {"Ended processes", "Time added by a process"}
"""Panels of processes for models with code of their own; the traffic here asks none."""
OF_EXPORTERS = {
    panel
    for names, panels in (
        (("prometheus-blackbox-exporter", "blackbox_exporter"), {"From outside"}),
        (
            ("prometheus-node-exporter", "node_exporter"),
            {"Host: processors", "Host: memory", "Host: disks", "Host: disk activity"},
        ),
    )
    if not any(map(shutil.which, names))
    for panel in panels
}
"""Panels of exporters that are not installed here."""
DASHBOARDS = sorted((ROOT / "monitoring" / "grafana" / "dashboards").glob("*.json"))
RULES = [
    rule
    for file in sorted((ROOT / "monitoring" / "prometheus" / "rules").glob("recording_*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]


class Prometheus:
    """Asks a Prometheus."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path, **parameters):
        return requests.get(f"{self.url}/{path}", params=parameters, timeout=10).json()["data"]

    def query(self, expression, at=None):
        """Values by label set, without the name."""
        found = self.get("query", query=expression, **({"time": at} if at else {}))["result"]
        return {
            frozenset((k, v) for k, v in one["metric"].items() if k != "__name__"): float(one["value"][1])
            for one in found
        }


def scraped(stack):
    """The samples of both replicas, read at their management ports, as text."""
    return [
        requests.get(f"http://127.0.0.1:{stack.management_port + number}/metrics", timeout=10).text for number in (0, 1)
    ]


def total(stack, name, **labels):
    """The sum over replicas of all samples of that name with these labels."""
    summed = 0.0
    for text in scraped(stack):
        for line in text.splitlines():
            if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
                summed += float(line.rpartition(" ")[2])
    return summed


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """A stack with Prometheus, after a while of mixed traffic."""
    first = free_ports(4)
    stack = Stack(
        tmp_path_factory.mktemp("observed"),
        REPLICAS="2",
        WORKERS="2",
        PREDICT_TIMEOUT="5",
        NGINX_METRICS_PORT=str(first),
        PROMETHEUS_PORT=str(first + 1),
        PROBE_PORT=str(first + 2),
        HOST_METRICS_PORT=str(first + 3),
        PROFILE_SAMPLING="1",
    )
    stack.prometheus = Prometheus(first + 1)
    try:
        stack.start()
        stack.bearer = {"Authorization": f"Bearer {stack.token()}"}
        trainer = stack.trainer()
        trainer.tell(publish="steady", constant=1.0, stable=True)
        trainer.tell(publish="steady", constant=2.0)
        eventually(lambda: ask(**steady(stack)).ok, what="the model steady")
        seconds = mixed_traffic(stack, trainer)
        trainer.close()
        stack.traffic_seconds = seconds
        yield stack
    finally:
        stack.stop()


def ask(url, json, headers, timeout):
    return requests.post(url, json=json, headers=headers, timeout=timeout)


def steady(stack):
    url = f"{stack.url}/v1/models/steady:predict"
    return {"url": url, "json": {"instances": [[0.5, 0.5]]}, "headers": stack.bearer, "timeout": 10}


def mixed_traffic(stack, trainer):
    """Successes of every dialect, refusals, two versions, feedback; until a minute has passed."""
    began = time.monotonic()
    session = requests.Session()
    session.headers.update(stack.bearer)

    def post(path, body, **how):
        return session.post(stack.url + path, json=body, timeout=10, **how)

    promoted = False
    while (spent := time.monotonic() - began) < 60:
        rows = [random.choice(IRIS) for _ in range(40)]
        answer = post("/v1/models/iris:predict", {"instances": rows})
        judged = {"request_id": answer.headers["X-Request-ID"], "truth": answer.json()["predictions"]}
        assert post("/admin/models/iris/feedback", {"feedback": [judged]}).json()["joined"] == 40
        post("/v1/models/iris:predict", {"instances": rows[:3], "signature_name": "predict_proba"})
        data = [value for row in rows for value in row]
        post(
            "/v2/models/iris/infer", {"inputs": [{"name": "input", "shape": [40, 4], "datatype": "FP64", "data": data}]}
        )
        numbers = post("/v1/models/steady:predict", {"instances": [[0.5, 0.5]] * 10})
        judged = {"request_id": numbers.headers["X-Request-ID"], "truth": [1.5] * 10}
        post("/admin/models/steady/feedback", {"feedback": [judged]})
        post("/models/iris/invocations", {"inputs": rows[:2]})
        post("/v1/models/iris:predict", {"instances": [["wrong"]]})
        post("/v1/models/nowhere:predict", {"instances": [[1]]})
        session.get(f"{stack.url}/{random.random()}", timeout=10)
        requests.post(f"{stack.url}/v1/models/iris:predict", json={}, headers={"Authorization": "Bearer x"}, timeout=10)
        requests.post(
            f"{stack.url}/oauth/token",
            data={"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "wrong"},
            timeout=10,
        )
        if spent > 30 and not promoted:
            trainer.tell(promote="steady", version=2)
            promoted = True
        time.sleep(0.2)
    time.sleep(12)  # two scrapes and two evaluations more
    return time.monotonic() - began


def asked(expression):
    """A panel's query as Grafana would send it, with every variable on All."""
    return re.sub(r"\$(model|version|replica|feature)\b", ".*", expression.replace("$__rate_interval", "1m"))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_every_panel_query_returns_data(observed, file):
    empty = [
        f"{panel['title']}: {target['expr']}"
        for panel in json.loads(file.read_text())["panels"]
        for target in panel.get("targets", [])
        if panel["title"] not in ONLY_WITH_TLS | ONLY_IN_TROUBLE | ONLY_WITH_OWN_CODE | OF_EXPORTERS
        and not observed.prometheus.query(asked(target["expr"]))
    ]
    assert empty == []


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_every_series_has_a_name_that_says_what_it_is(observed, file):
    def named(target):
        for labels in observed.prometheus.query(asked(target["expr"])):
            told = dict(labels)
            names = re.findall(r"{{(\w+)}}", target["legendFormat"])
            yield not names or any(told.get(name) for name in names), target["legendFormat"], told

    nameless = [
        (panel["title"], *what)
        for panel in json.loads(file.read_text())["panels"]
        for target in panel.get("targets", [])
        for good, *what in named(target)
        if not good or target["legendFormat"] in {"__auto", "v", "Value"} or told_of_no_model(target, what[1])
    ]
    assert nameless == []


def told_of_no_model(target, labels):
    """Whether a name that begins with a model's has none."""
    return target["legendFormat"].startswith("{{model}}") and not labels.get("model")


def test_every_recording_rule_equals_its_expression(observed):
    prometheus = observed.prometheus
    for rule in RULES:
        (at, *_) = prometheus.query(f"timestamp({rule['record']})").values() or [None]
        assert at, f"{rule['record']} has no data"
        labels = "".join(f'{name}="{value}",' for name, value in rule.get("labels", {}).items())
        recorded = prometheus.query(f"{rule['record']}{{{labels}}}", at)
        computed = prometheus.query(rule["expr"], at)
        fixed = set(rule.get("labels", {}).items())
        assert {key - fixed: value for key, value in recorded.items()} == pytest.approx(computed, rel=1e-6), rule[
            "record"
        ]


def increases(prometheus, selector, at):
    """`increase` over the hour before ``at``, computed here from the raw samples as Prometheus documents it."""
    found = prometheus.get("query", query=f"{selector}[1h]", time=at)["result"]
    summed = Counter()
    for one in found:
        samples = [(float(t), float(v)) for t, v in one["values"]]
        if len(samples) < 2:
            continue
        (start, first), (end, last) = samples[0], samples[-1]
        rise = last - first + sum(a for (_, a), (_, b) in itertools.pairwise(samples) if b < a)
        step = (end - start) / (len(samples) - 1)
        before, after = start - (at - 3600), at - end
        if rise > 0 and first >= 0:
            before = min(before, (end - start) * first / rise)
        reach = (
            end - start + (before if before < step * 1.1 else step / 2) + (after if after < step * 1.1 else step / 2)
        )
        labels = {k: v for k, v in one["metric"].items() if k in {"model", "version", "kind", "feature", "bin"}}
        summed[frozenset(labels.items())] += rise * reach / (end - start)
    return summed


def test_drift_scores_equal_a_direct_computation(observed):
    prometheus = observed.prometheus
    at = next(iter(prometheus.query("timestamp(model_feature:psi:score)").values()))
    where = '{model="iris",kind="input",feature=~".+"}'
    counts = increases(prometheus, f"millrace_feature_bin_total{where}", at)
    references = prometheus.query(
        f"max by (model, version, kind, feature, bin) (millrace_feature_reference_ratio{where})", at
    )
    psi = prometheus.query(f"model_feature:psi:score{where}", at)
    ks = prometheus.query(f"model_feature:ks:statistic{where}", at)
    assert len(psi) == 4
    for key, score in psi.items():
        bins = sorted(dict(k)["bin"] for k in counts if key <= k and dict(k)["bin"] != "missing")
        values = [counts[key | {("bin", name)}] for name in bins]
        live = [(value + 0.5) / (sum(values) + 0.5 * len(bins)) for value in values]
        reference = [max(references[key | {("bin", name)}], 0.0005) for name in bins]
        direct = math.fsum((p - q) * math.log(p / q) for p, q in zip(live, reference, strict=True))
        assert score == pytest.approx(direct, rel=1e-3), dict(key)
        distances = [abs(sum(live[: i + 1]) - sum(reference[: i + 1])) for i in range(min(len(bins), 9))]
        assert ks[key] == pytest.approx(max(distances), rel=1e-3, abs=1e-6), dict(key)


def test_nobody_who_asks_can_make_a_series(observed):
    before = sum(len(text.splitlines()) for text in scraped(observed))
    with requests.Session() as session:
        for number in range(200):
            session.get(f"{observed.url}/no/{number}", timeout=10)
            session.request(
                f"METHOD{number}", f"{observed.url}/v1/models/m{number}", headers=observed.bearer, timeout=10
            )
            body = {"instances": [[1]]}
            session.post(f"{observed.url}/v1/models/m{number}:predict", json=body, headers=observed.bearer, timeout=10)
    texts = scraped(observed)
    assert sum(len(text.splitlines()) for text in texts) < before + 100
    assert all("m199" not in text and "METHOD" not in text for text in texts)
    assert all(len(text.splitlines()) <= 5000 for text in texts)


def test_counters_equal_what_the_client_counted_across_killed_workers(observed):
    before = total(observed, "millrace_predictions_total", model="steady", code="ok")
    answered = 0
    with requests.Session() as session:
        for round_ in range(8):
            for _ in range(40):
                answered += session.post(**steady(observed)).ok
            replica = f"replica-{round_ % 2 + 1}"
            victim = observed.workers(replica)[0]
            os.kill(victim, signal.SIGKILL)
            eventually(
                lambda r=replica, v=victim: v not in observed.workers(r) and observed.all_ready(), 60, "another worker"
            )
    assert answered == 320
    eventually(
        lambda: total(observed, "millrace_predictions_total", model="steady", code="ok") == before + answered, 10
    )
    assert sum(float(line.split()[-1]) for text in scraped(observed) for line in text.splitlines()
               if line.startswith("millrace_worker_exits_total")) >= 8  # fmt: skip


def test_promtool_accepts_what_the_replicas_show(observed):
    for text in scraped(observed):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        complaints = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if "flask_" not in line]
        assert complaints == []


def test_every_line_of_every_log_has_only_fields_of_the_common_schema(observed):
    fields = {
        row.split(",")[3] for row in (ROOT / "tests" / "ops" / "data" / "ecs_fields.csv").read_text().splitlines()[1:]
        if row.count(",") > 3
    }  # fmt: skip
    lines = [
        json.loads(line)
        for log in Path(observed.var, "log").glob("*.log")
        if log.name.startswith(("replica-", "nginx.access"))
        for line in log.read_text().splitlines()
    ]
    names = {name for line in lines for name in line if not name.startswith("labels")}
    assert names <= fields
    text = json.dumps(lines)
    assert observed.bearer["Authorization"].split()[1] not in text
    assert "client_secret" not in text


def test_a_failed_request_is_found_in_both_logs_by_the_id_in_its_answer(observed):
    asked = steady(observed)
    refused = requests.post(asked["url"], data=b"{", headers=asked["headers"], timeout=20)
    made = refused.json()["request_id"]
    assert refused.status_code == 400

    def found():
        logs = Path(observed.var, "log").glob("*.log")
        return sorted(log.name.split("-")[0] for log in logs if made in log.read_text())

    eventually(lambda: found() == ["nginx.access.log", "replica"], 5, "the request in both logs")


def test_calm_traffic_fires_nothing(observed):
    firing = observed.prometheus.query('ALERTS{alertstate="firing"}')
    # a third of the mixed traffic's requests are the callers' own faults; none is the service's
    assert {dict(key)["alertname"] for key in firing} <= {"MillraceWatchdog", "MillraceWorkersKeepDying"}
