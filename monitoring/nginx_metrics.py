"""Nginx's requests as Prometheus metrics, counted from its access log: a file, or syslog's datagrams.

    python monitoring/nginx_metrics.py --follow var/log/nginx.access.log

    access_log syslog:server=127.0.0.1:9514,nohostname,tag=nginx ecs;
    python monitoring/nginx_metrics.py --syslog 127.0.0.1:9514

    access_log syslog:server=unix:/run/nginx-log/socket,nohostname,tag=nginx ecs;
    python monitoring/nginx_metrics.py --syslog unix:/run/nginx-log/socket

Nginx alone sees requests that no replica could take, and which ones it had to try again. Its stub_status knows neither,
and not every build has it. Needs nothing but Python; a datagram that is lost, or is none of Nginx's lines, is not
counted. Labels come from Nginx's configuration, from HTTP's statuses and from replicas, which say their names, never
from what a caller wrote.
"""

import argparse
import json
import os
import socketserver
import threading
import time
from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STATUSES = ("200", "400", "401", "403", "404", "405", "413", "415", "422", "429", "499", "500", "502", "503", "504")
MOST_UPSTREAMS = 256
_LARGEST_DATAGRAM = 65_535
_PAUSE = 0.2


Server = TypeVar("Server", bound=socketserver.BaseServer)


class Counts:
    """What has been counted since the start. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        self._upstreams: Counter[tuple[str, str]] = Counter()
        self._names: dict[str, str] = {}
        self._retries = 0
        self._sum = 0.0
        self._buckets = [0] * (len(SECONDS) + 1)

    def line(self, datagram: bytes) -> None:
        """Count one line of the log; one that is not JSON of the expected kind is left out."""
        try:
            fields = json.loads(datagram[datagram.index(b"{") :])
            status = int(fields["http.response.status_code"])
            seconds = int(fields["event.duration"]) / 1e9
            labels = fields["labels"]
            # the short line of a prediction has no status of a worker: it is the request's
            tried = _tried(labels["upstream"], labels.get("upstream_status", str(status)))
            replica = _safe(fields["service.node.name"])
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            self._requests[str(status) if 100 <= status <= 599 else "other"] += 1
            self._sum += seconds
            self._buckets[bisect_left(SECONDS, seconds)] += 1
            self._retries += max(len(tried) - 1, 0)
            if replica and tried and (len(self._names) < MOST_UPSTREAMS or tried[-1][0] in self._names):
                self._names[tried[-1][0]] = replica  # the last one answered, and said its name
            for address, outcome in tried:
                upstream = self._names.get(address, address)
                if len(self._upstreams) < MOST_UPSTREAMS or (upstream, outcome) in self._upstreams:
                    self._upstreams[upstream, outcome] += 1

    def text(self) -> str:
        """Write everything in Prometheus' text format."""
        with self._lock:
            lines = [*_head("millrace_nginx_requests_total", "counter", "Requests that Nginx answered, by status.")]
            lines += [f'millrace_nginx_requests_total{{status="{s}"}} {n}' for s, n in sorted(self._requests.items())]
            lines += _head("millrace_nginx_upstream_tries_total", "counter", "Replicas that Nginx tried, by outcome.")
            lines += [
                f'millrace_nginx_upstream_tries_total{{upstream="{upstream}",status="{status}"}} {count}'
                for (upstream, status), count in sorted(self._upstreams.items())
            ]
            lines += _head(
                "millrace_nginx_retries_total", "counter", "Further replicas tried after a first one failed."
            )
            lines.append(f"millrace_nginx_retries_total {self._retries}")
            lines += self._histogram("millrace_nginx_request_seconds")
        return "\n".join(lines) + "\n"

    def _histogram(self, name: str) -> list[str]:
        lines = [*_head(name, "histogram", "Duration of a request as Nginx saw it, in seconds.")]
        below = 0
        for bound, count in zip((*map(str, SECONDS), "+Inf"), self._buckets, strict=True):
            below += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {below}')
        return [*lines, f"{name}_sum {self._sum}", f"{name}_count {below}"]


@lru_cache(maxsize=1024)
def _tried(upstream: str, upstream_status: str) -> tuple[tuple[str, str], ...]:
    """Return the workers that were tried, in order, each with its status; Nginx separates them by ", " and " : "."""
    addresses = _parts(upstream)
    statuses = _parts(upstream_status)
    if len(addresses) != len(statuses):
        return ()
    # without an address Nginx names the group of replicas: no live one was left
    return tuple((_safe(address), _safe(status)) for address, status in zip(addresses, statuses, strict=True))


def _parts(text: str) -> list[str]:
    return [part for part in text.replace(" : ", ", ").split(", ") if part not in {"", "-"}]


def _safe(text: str) -> str:
    return "".join(c for c in text if c.isalnum() or c in "./:_-[]")[:128]


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"


def follow(counts: Counts, log: Path) -> None:
    """Count what is appended to the file from now on, without end; it may be absent, be cut short or be another one."""
    opened = log.open("rb") if log.exists() else None
    if opened is not None:
        opened.seek(0, os.SEEK_END)
    rest = b""
    while True:
        more = opened.read() if opened is not None else b""
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            counts.line(line)
        if more:
            continue
        time.sleep(_PAUSE)
        if log.exists() and (opened is None or _replaced(opened.fileno(), opened.tell(), log)):
            opened, rest = log.open("rb"), b""


def _replaced(descriptor: int, position: int, log: Path) -> bool:
    was, now = os.fstat(descriptor), log.stat()
    return was.st_ino != now.st_ino or now.st_size < position


def listen(counts: Counts, address: str) -> socketserver.UDPServer:
    """Count the datagrams that come to `address:port` or `unix:/path`, in a thread."""

    class Line(socketserver.BaseRequestHandler):
        """One datagram."""

        def handle(self) -> None:
            """Count it."""
            counts.line(self.request[0])

    class Syslog(socketserver.UDPServer):
        """A datagram may be as large as UDP lets it."""

        max_packet_size = _LARGEST_DATAGRAM

    class LocalSyslog(socketserver.UnixDatagramServer):
        """The same at a path, which any user may write to; the folder decides who reaches it."""

        max_packet_size = _LARGEST_DATAGRAM

        def server_bind(self) -> None:
            """Take the place of what an earlier run left."""
            path = Path(str(self.server_address))
            path.unlink(missing_ok=True)
            super().server_bind()
            path.chmod(0o777)  # x, because Nginx's `if` can ask for that, while its -e sees no sockets

    path = _path(address)
    return _in_thread(LocalSyslog(path, Line) if path else Syslog(_address(address), Line))


def serve(counts: Counts, address: str) -> ThreadingHTTPServer:
    """Show the counts at `address:port`, in a thread."""

    class Page(BaseHTTPRequestHandler):
        """One scrape."""

        def do_GET(self) -> None:
            """Answer with the counts."""
            body = counts.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return _in_thread(ThreadingHTTPServer(_address(address), Page))


def _in_thread(server: Server) -> Server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _path(text: str) -> str:
    """Return the path in ``unix:/path``; an empty string if it is something else."""
    return text.removeprefix("unix:") if text.startswith("unix:") else ""


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syslog", metavar="ADDRESS:PORT|unix:PATH", help="where Nginx sends its log")
    parser.add_argument("--follow", metavar="FILE", type=Path, help="the log's file")
    parser.add_argument("--metrics", metavar="ADDRESS:PORT", default="127.0.0.1:9199", help="where Prometheus reads")
    arguments = parser.parse_args()
    counts = Counts()
    serve(counts, arguments.metrics)
    if arguments.syslog:
        listen(counts, arguments.syslog)
    if arguments.follow:
        threading.Thread(target=follow, args=(counts, arguments.follow), daemon=True).start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        if path := _path(arguments.syslog or ""):
            Path(path).unlink(missing_ok=True)  # Nginx sends while it is there


if __name__ == "__main__":
    main()
