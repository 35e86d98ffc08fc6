import csv
import io
import json
import logging
import random
import select
import subprocess
import sys
import warnings
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import logs
from service.logs import access_lines
from service.logs.lines import constant
from service.logs.lines import line as written
from service.logs.output import output
from service.logs.slowest import Slowest

ECS = Path(__file__).parents[1] / "ops" / "data" / "ecs_fields.csv"
with ECS.open(encoding="utf-8") as rows:
    FIELDS = {row["Field"] for row in csv.DictReader(rows)}

MALFORMED = b'{"age": 123456789 oops'
ACCESS = logs.AccessLine(
    "POST", "/v1/models/iris:predict", 200, 0.0123, 37, 19, 5, "abc", "4bf92f3577b34da6a3ce929d0e0e4736",
    "client:demo", "iris", 3, "stable", "tfserving",
)  # fmt: skip


@pytest.fixture
def lines():
    """What is logged, line by line as objects; logging is as it was afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, output.sink, output.constant, output.access_sampling)
    stream = io.StringIO()
    logs.configure("INFO", stream, replica="replica-1")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], _ = before[0], root.setLevel(before[1])
    output.sink, output.constant, output.access_sampling = before[2:]
    logs.bind(None)
    logging.captureWarnings(capture=False)


def unknown(line):
    return {name for name in line if name not in FIELDS and not name.startswith("labels.")}


def test_an_access_line_says_who_asked_what_and_what_came_of_it(lines):
    logs.access(ACCESS)
    (line,) = lines()
    assert line["http.request.method"] == "POST"
    assert line["url.path"] == "/v1/models/iris:predict"
    assert line["http.response.status_code"] == 200
    assert line["event.duration"] == 12_300_000
    assert line["http.request.id"] == "abc"
    assert line["trace.id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["user.id"] == "client:demo"
    assert (line["labels.model"], line["labels.version"], line["labels.channel"]) == ("iris", "3", "stable")
    assert (line["labels.code"], line["labels.rows"]) == ("ok", "5")
    assert line["service.node.name"] == "replica-1"
    assert line["@timestamp"].endswith("Z")


def test_every_field_is_one_of_the_common_schema_or_a_label(lines):
    logs.access(ACCESS)
    logs.bind("abc", "4bf92f3577b34da6a3ce929d0e0e4736")
    log = logging.getLogger("service.test")
    log.info("a version was loaded", extra={"model": "iris", "event.action": "model-loaded"})
    try:
        raise RuntimeError("broken")  # noqa: TRY301 - as it stands in a log
    except RuntimeError:
        log.exception("it failed")
    warnings.warn("an old name", DeprecationWarning, stacklevel=1)
    assert len(lines()) == 4
    for line in lines():
        assert unknown(line) == set()
        assert line["ecs.version"]


TEXTS = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["", "%d", "%%b", '"\\n', "x" * 600]
)
NUMBERS = st.integers(0, 2**53)
DRAWN = st.builds(
    logs.AccessLine, TEXTS, TEXTS, st.integers(100, 599), st.floats(0, 1e6), NUMBERS, NUMBERS, NUMBERS,
    st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.none() | NUMBERS, st.none() | TEXTS,
    st.none() | TEXTS, TEXTS, TEXTS,
)  # fmt: skip


@given(DRAWN, st.floats(0, 4e9), TEXTS)
def test_an_access_line_has_the_bytes_of_its_fields_written_as_json(request, now, replica):
    every = constant(replica)
    assert access_lines._access_line(request, every, now) == written(access_lines._access_fields(request, every, now))


def test_a_forked_process_says_its_own_id():
    program = """
import os
from service import logs
from service.logs import access_lines
from service.logs.lines import constant, line as written
from service.logs.output import output
from service.logs.slowest import Slowest
line = logs.AccessLine("GET", "/x", 200, 0.1)
logs.access(line)
if os.fork() == 0:
    logs.access(line)
    os._exit(0)
os.wait()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert len({json.loads(line)["process.pid"] for line in done.stdout.splitlines()}) == 2


class Writes(list):
    """A sink that keeps what each write was given."""

    write = list.append


def test_access_lines_are_written_together_as_far_as_a_pipe_takes_them_whole(lines):
    output.sink = writes = Writes()
    long = ACCESS._replace(reason="x" * select.PIPE_BUF)
    logs.access(*[ACCESS] * 20, long, ACCESS)
    counts = [len(list(map(orjson.loads, written.splitlines()))) for written in writes]
    fits = select.PIPE_BUF // (len(writes[0]) // counts[0])
    assert counts == [fits] * (20 // fits) + [20 % fits] * (20 % fits > 0) + [1, 1]
    assert all(len(written) <= select.PIPE_BUF for written in writes[:-2])


def test_a_failure_is_logged_as_one(lines):
    logs.access(logs.AccessLine("POST", "/x", 503, 0.1, code="overloaded"))
    (line,) = lines()
    assert (line["log.level"], line["labels.code"]) == ("error", "overloaded")


def test_what_is_left_out_on_purpose_is_no_error(lines):
    logs.access(logs.AccessLine("GET", "/v2/logging", 501, 0.1, code="not_implemented"))
    (line,) = lines()
    assert (line["log.level"], line["labels.code"]) == ("info", "not_implemented")


def test_failures_are_never_left_out(lines):
    output.access_sampling = 0.0
    for _ in range(10):
        logs.wanted(200, 9.0)
    assert [status for status in range(200, 600) if logs.wanted(status, 0.001)] == list(range(400, 600))


@pytest.mark.parametrize("order", [sorted, lambda drawn: sorted(drawn, reverse=True), list], ids=["up", "down", "any"])
def test_the_slowest_hundredth_is_never_left_out(order):
    drawn = random.Random(1)
    slowest = Slowest()
    for _ in range(5):
        seconds = order([drawn.lognormvariate(-7, 1) for _ in range(1000)])
        found = {one for one in seconds if slowest.has(one)}
        assert found >= set(sorted(seconds)[-10:])


def test_few_lines_are_written_to_miss_none_of_the_slowest():
    drawn, slowest = random.Random(1), Slowest()
    assert 0.01 < sum(slowest.has(drawn.lognormvariate(-7, 1)) for _ in range(100_000)) / 100_000 < 0.06


def test_a_share_of_the_others_is_written(lines):
    output.access_sampling = 0.25
    random.seed(1)
    assert 0.2 < sum(logs.wanted(200, 1 / turn) for turn in range(1, 1000)) / 1000 < 0.3
    output.access_sampling = 1.0
    assert all(logs.wanted(200, 0.001) for _ in range(100))


def test_lines_of_a_request_carry_its_id(lines):
    logs.bind("the-id")
    logging.getLogger("anything").info("hello")
    logs.bind(None)
    logging.getLogger("anything").info("goodbye")
    hello, goodbye = lines()
    assert hello["http.request.id"] == "the-id"
    assert "http.request.id" not in goodbye


def test_the_level_is_a_setting(lines):
    logging.getLogger("anything").debug("a detail")
    assert lines() == []


def test_gunicorns_own_lines_are_objects_too_and_lose_query_strings(lines):
    logging.getLogger("gunicorn.error").info("Error handling request %s", "/v1/models?token=SECRET")
    (line,) = lines()
    assert line["message"] == "Error handling request /v1/models"
    assert line["event.dataset"] == "millrace.gunicorn"


def test_what_input_handling_code_raises_is_not_quoted(lines):
    from model_store.codecs import json as codec
    from model_store.request_errors import MalformedRequest

    try:
        codec.loads(MALFORMED)
    except MalformedRequest:
        logging.getLogger("service").exception("refused")
    (line,) = lines()
    assert "123456789" not in json.dumps(line)
    assert line["error.code"] == "malformed_request"
    assert "codecs/json.py" in line["error.stack_trace"]


def test_other_exceptions_keep_their_words(lines):
    try:
        raise OSError("the disk is full")  # noqa: TRY301 - as it stands in a log
    except OSError:
        logging.getLogger("service").exception("cannot write")
    (line,) = lines()
    assert line["error.message"] == "the disk is full"
    assert line["error.type"] == "OSError"


def test_a_path_that_no_text_can_hold_is_logged_all_the_same(lines):
    logs.access(logs.AccessLine("GET", "/\udcff" + "x" * 2000, 404, 0.1))
    (line,) = lines()
    assert len(line["url.path"]) < 600


def test_the_log_goes_to_standard_output_through_gunicorns_configuration():
    program = """
import logging, logging.config
from service import logs
from service.logs import access_lines
from service.logs.lines import constant, line as written
from service.logs.output import output
from service.logs.slowest import Slowest
logging.config.dictConfig(logs.gunicorn_config("INFO", "replica-7"))
logging.getLogger("gunicorn.error").info("Listening at: %s", "unix:/run/x.sock")
logging.getLogger("gunicorn.access").info("GET /livez")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    (line,) = [json.loads(text) for text in done.stdout.splitlines()]
    assert line["message"] == "Listening at: unix:/run/x.sock"
    assert line["service.node.name"] == "replica-7"
