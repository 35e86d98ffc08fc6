"""What `make run` says of the answers in Nginx's access log."""

import tracemalloc

from deploy.local.console import Traffic

LINE = b'{"http.response.status_code":%d,"url.path":"/v1/models/iris:predict"}\n'


def report(log, before=b""):
    log.write_bytes(before)
    traffic = Traffic(log)
    traffic._due = 0.0
    return traffic


def test_answers_since_the_last_line_are_counted_by_the_first_digit_of_their_status(tmp_path):
    log = tmp_path / "nginx.access.log"
    traffic = report(log, LINE % 500)
    with log.open("ab") as file:
        file.write(LINE % 200 * 3 + LINE % 404)
    assert traffic.report() == "4 requests in the last 10 s: 3 of 2xx, 1 of 4xx"
    traffic._due = 0.0
    assert traffic.report() is None


def test_a_log_that_was_put_aside_is_read_from_its_beginning(tmp_path):
    log = tmp_path / "nginx.access.log"
    traffic = report(log, LINE % 200 * 10)
    log.write_bytes(LINE % 503)
    assert traffic.report() == "1 requests in the last 10 s: 1 of 5xx"


def test_a_large_log_is_not_held_in_memory(tmp_path):
    log = tmp_path / "nginx.access.log"
    traffic = report(log)
    log.write_bytes(LINE % 200 * 100_000)
    tracemalloc.start()
    assert traffic.report() == "100000 requests in the last 10 s: 100000 of 2xx"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < log.stat().st_size / 10
