"""What `make run` sees to before it says that it serves: ports, certificates, whose answer it is, modes, log files."""

import datetime as dt
import http.server
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.local import log_files, own_answer, preparation
from deploy.local.settings import CannotRun, LocalSettings

DEFAULTS = {
    "TLS_PORT": 8443,
    "MANAGEMENT_PORT": 9101,
    "NGINX_METRICS_PORT": 9199,
    "PROMETHEUS_PORT": 9090,
}


def ports(**texts):
    settings = LocalSettings(texts)
    return {name: int(settings.texts[name]) for name in DEFAULTS}


def test_the_ports_without_any_setting_are_those_of_the_documents():
    assert ports() == DEFAULTS


@pytest.mark.parametrize("port", [80, 8090, 18600, 64416, 65535])
def test_one_port_moves_all_others_and_all_differ(port):
    moved = ports(PORT=str(port))
    assert {abs(there - port) for there in moved.values()} == {there - 8080 for there in DEFAULTS.values()}
    assert len({port, *moved.values()}) == 5
    assert all(0 < there <= 65535 for there in moved.values())


def test_a_port_that_is_given_stays():
    assert ports(PORT="9000", TLS_PORT="9443", NGINX_METRICS_PORT="0") == {
        "TLS_PORT": 9443,
        "MANAGEMENT_PORT": 10021,
        "NGINX_METRICS_PORT": 0,
        "PROMETHEUS_PORT": 10010,
    }


def certificate(path, start, end):
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + dt.timedelta(days=start))
        .not_valid_after(now + dt.timedelta(days=end))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return LocalSettings({"TLS_CERT": str(path), "TLS_KEY": str(path)})


@pytest.mark.parametrize(("start", "end"), [(-10, -1), (1, 10)], ids=["expired", "not-yet-valid"])
def test_a_certificate_that_callers_refuse_stops_the_start(tmp_path, start, end):
    settings = certificate(tmp_path / "cert.pem", start, end)
    with pytest.raises(CannotRun, match=r"cert\.pem: it is valid from \d{4}-\d\d-\d\d"):
        preparation.check_certificate(settings)


def test_a_valid_certificate_and_none_are_taken(tmp_path):
    preparation.check_certificate(certificate(tmp_path / "cert.pem", -1, 1))
    preparation.check_certificate(LocalSettings({}))


def test_what_is_no_certificate_stops_the_start(tmp_path):
    (tmp_path / "cert.pem").write_text("nothing")
    settings = LocalSettings({"TLS_CERT": str(tmp_path / "cert.pem"), "TLS_KEY": "key.pem"})
    with pytest.raises(CannotRun, match="no certificate can be read"):
        preparation.check_certificate(settings)


@pytest.fixture
def stranger():
    """Another program that answers at a port; gives the settings of a stack that was to have it."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield LocalSettings({"PORT": str(server.server_port)})
    server.shutdown()
    server.server_close()


def test_an_answer_of_another_program_is_not_taken_for_the_stacks_own(stranger, tmp_path):
    assert own_answer.missing(stranger, tmp_path / "nginx.access.log") == "another program answers at its port"


def test_a_port_without_a_program_does_not_answer(stranger, tmp_path):
    nobody = stranger.changed(PORT="1")
    assert own_answer.missing(nobody, tmp_path / "log").startswith("it does not answer")


def test_a_long_log_is_put_aside_and_its_program_writes_on(tmp_path):
    log = tmp_path / "replica-1.log"
    with log.open("ab", buffering=0) as program:
        program.write(b"a" * 100)
        log_files.cut(log, 100)
        assert log.stat().st_size == 100
        program.write(b"b")
        log_files.cut(log, 100)
        program.write(b"later")
    assert log.read_bytes() == b"later"
    assert (tmp_path / "replica-1.old.log").read_bytes() == b"a" * 100 + b"b"
    assert len(list(tmp_path.iterdir())) == 2


def test_state_and_logs_are_for_their_owner_alone(tmp_path):
    program = """
import os
from deploy.local import preparation
from deploy.local.__main__ import main
from deploy.local.settings import read
from deploy.local.stack import Stack
class Enough(Exception): pass
def stop(*_): raise Enough
Stack.check_ports = stop
try: main()
except Enough: pass
"""
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "var" / "log").mkdir(parents=True)
    (tmp_path / "var" / "log").chmod(0o755)
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=root, timeout=120, check=True)
    for name in ("run", "log", "state", "secrets"):
        assert stat.S_IMODE((tmp_path / "var" / name).stat().st_mode) == 0o700
    kept = [path for name in ("state", "secrets") for path in (tmp_path / "var" / name).rglob("*")]
    files = [path for path in kept if path.is_file()]
    assert len(files) >= 3
    assert [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
