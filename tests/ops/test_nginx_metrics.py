import json
import socket
import time

import pytest
import requests

from monitoring import nginx_metrics
from monitoring.nginx_metrics import Counts


def line(status=200, seconds=0.012, upstreams="replica-1-1", statuses="200", replica="replica-1"):
    return json.dumps(
        {
            "http.response.status_code": status,
            "event.duration": int(seconds * 1e9),
            "url.path": "/v1/models/secret:predict",
            "service.node.name": replica,
            "labels": {"upstream": upstreams, "upstream_status": statuses},
        }
    ).encode()


def test_requests_are_counted_by_status_and_replica():
    counts = Counts()
    for _ in range(3):
        counts.line(line())
    counts.line(line(503, upstreams="", statuses="", replica=""))
    text = counts.text()
    assert 'millrace_nginx_requests_total{status="200"} 3' in text
    assert 'millrace_nginx_requests_total{status="503"} 1' in text
    assert 'millrace_nginx_upstream_tries_total{upstream="replica-1",status="200"} 3' in text
    assert 'millrace_nginx_request_seconds_bucket{le="0.025"} 4' in text
    assert "secret" not in text


def test_a_second_try_is_a_retry():
    counts = Counts()
    counts.line(line(upstreams="10.0.0.2:8000, 10.0.0.3:8000", statuses="502, 200"))
    text = counts.text()
    assert "millrace_nginx_retries_total 1" in text
    assert 'tries_total{upstream="10.0.0.2:8000",status="502"} 1' in text


def test_a_worker_that_fails_is_counted_under_its_replicas_name_once_that_has_answered():
    counts = Counts()
    counts.line(line(upstreams="10.0.0.2:8000", statuses="502", replica=""))
    counts.line(line(upstreams="10.0.0.2:8000", replica="millrace-service-1"))
    counts.line(line(upstreams="10.0.0.2:8000, 10.0.0.3:8000", statuses="502, 200", replica="millrace-service-2"))
    tries = {text for text in counts.text().splitlines() if text.startswith("millrace_nginx_upstream_tries_total{")}
    assert {text.partition("{")[2] for text in tries} == {
        'upstream="10.0.0.2:8000",status="502"} 1',
        'upstream="millrace-service-1",status="200"} 1',
        'upstream="millrace-service-1",status="502"} 1',
        'upstream="millrace-service-2",status="200"} 1',
    }


def test_the_short_line_of_a_prediction_is_counted_like_the_long_one():
    long, short = Counts(), Counts()
    fields = json.loads(line())
    long.line(json.dumps(fields).encode())
    del fields["labels"]["upstream_status"], fields["url.path"]
    short.line(json.dumps(fields).encode())
    assert short.text() == long.text()
    assert 'upstream="replica-1",status="200"} 1' in short.text()


@pytest.mark.parametrize("noise", [b"", b"not json", b"{}", b'{"http.response.status_code": "x"}', b"\xff\xfe{"])
def test_what_is_no_line_of_nginx_is_left_out(noise):
    counts = Counts()
    before = counts.text()
    counts.line(noise)
    assert counts.text() == before


def test_invented_replicas_do_not_make_series_without_end():
    counts = Counts()
    for number in range(1000):
        counts.line(line(upstreams=f"10.0.0.{number}:1", replica=""))
    assert counts.text().count("upstream_tries_total{") == nginx_metrics.MOST_UPSTREAMS


def test_counts_are_served_and_datagrams_counted():
    counts = Counts()
    lines = nginx_metrics.listen(counts, "127.0.0.1:0")
    pages = nginx_metrics.serve(counts, "127.0.0.1:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<190>Nov 23 06:50:52 nginx: " + line(), lines.server_address)
    deadline = time.monotonic() + 5
    url = f"http://127.0.0.1:{pages.server_address[1]}/metrics"
    while 'requests_total{status="200"} 1' not in requests.get(url, timeout=5).text:
        assert time.monotonic() < deadline
    for server in (lines, pages):
        server.shutdown()
        server.server_close()


def test_a_log_that_is_replaced_is_followed_on(tmp_path):
    import threading

    log = tmp_path / "access.log"
    log.write_bytes(line(500) + b"\n")
    counts = Counts()
    threading.Thread(target=nginx_metrics.follow, args=(counts, log), daemon=True).start()

    def counted(status, times):
        deadline = time.monotonic() + 5
        while f'requests_total{{status="{status}"}} {times}\n' not in counts.text():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    time.sleep(0.3)
    with log.open("ab") as file:
        file.write(line(200)[:20])
        file.flush()
        time.sleep(0.3)
        file.write(line(200)[20:] + b"\n")
    counted(200, 1)
    log.rename(tmp_path / "access.log.1")
    log.write_bytes(line(404) + b"\n")
    counted(404, 1)
    counted(500, 0)
