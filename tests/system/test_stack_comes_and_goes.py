"""How the stack begins and ends: it says what is wrong, and leaves nothing running."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from tests.system.running import Stack, alive, eventually

ONE = {"REPLICAS": "1", "WORKERS": "1"}


@pytest.fixture
def fresh(stack, tmp_path):
    """Makes stacks on a copy of the shared stack's store, so that nothing has to be trained."""
    made = []

    def make(**variables):
        made.append(Stack(tmp_path / f"stack-{len(made)}", **{**ONE, **variables}))
        made[-1].var.mkdir(parents=True)
        for folder in ("models", "keys"):
            shutil.copytree(stack.var / folder, made[-1].var / folder)
        return made[-1]

    yield make
    for one in made:
        one.stop()


def processes(stack):
    """Every process whose command line or environment names the stack's folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(stack.var) in text and alive(int(folder.name)):
                found.append(int(folder.name))
    return found


def refused(stack):
    stack.begin()
    assert stack.process.wait(60) == 1
    return stack.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_leaves_no_run_files(fresh, number):
    stack = fresh().start()
    assert len(processes(stack)) >= 4
    stack.process.send_signal(number)
    assert stack.process.wait(30) == 0
    assert "stopped" in stack.output
    assert processes(stack) == []
    assert [path.name for path in (stack.var / "run").iterdir()] == ["lock"]


def test_nothing_survives_a_killed_supervisor(fresh):
    stack = fresh().start()
    stack.process.kill()
    stack.process.wait()
    eventually(lambda: processes(stack) == [], 20, "the end of all processes")


def test_the_stack_starts_again_after_it_was_killed(fresh):
    stack = fresh().start()
    stack.process.kill()
    stack.process.wait()
    eventually(lambda: processes(stack) == [], 20)
    stack.start()
    assert stack.all_ready()


@pytest.mark.parametrize("variable", ["PORT", "MANAGEMENT_PORT"])
def test_a_taken_port_is_named(fresh, variable):
    stack = fresh()
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(stack.environment[variable])))
        other.listen()
        said = refused(stack)
    assert f"{variable}={stack.environment[variable]} cannot be used" in said
    assert "Traceback" not in said


def test_a_second_stack_on_the_same_folders_is_refused(stack):
    second = Stack(stack.var.parent, **ONE)
    second.said = stack.var.parent / "second.log"
    assert "is running" in refused(second)
    assert stack.all_ready()


def test_a_bad_setting_is_named(fresh):
    assert "REPLICAS is 'many'" in refused(_with(fresh(), REPLICAS="many"))


def _with(stack, **variables):
    stack.environment.update(variables)
    return stack


def test_what_only_replicas_read_is_checked_before_anything_starts(fresh):
    stack = _with(fresh(), LOG_LEVEL="LOUD")
    said = refused(stack)
    assert "LOG_LEVEL is 'LOUD'" in said
    assert "Traceback" not in said
    assert not list((stack.var / "log").iterdir())


def test_a_port_that_is_given_twice_is_refused_in_words(fresh):
    stack = fresh()
    said = refused(_with(stack, REPLICAS="3", MANAGEMENT_PORT=str(stack.port - 2)))
    assert f"PORT and MANAGEMENT_PORT need port {stack.port} both" in said
    assert "Traceback" not in said


def test_a_replica_that_cannot_start_ends_the_stack_with_its_reason(fresh):
    stack = fresh()
    (stack.var / "secrets" / "jwt").mkdir(parents=True)
    (stack.var / "secrets" / "jwt" / "odd.pem").write_text("no key")
    said = refused(stack)
    assert "replica-1 did not come up" in said
    assert "odd.pem" in said


def test_https_is_served_and_the_plain_port_refuses(fresh, tmp_path):
    stack = fresh()
    made = stack.run("deploy.local.certificate")
    assert made.returncode == 0, made.stderr
    certificate = stack.var / "tls" / "cert.pem"
    assert (stack.var / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    _with(stack, TLS_CERT=str(certificate), TLS_KEY=str(stack.var / "tls" / "key.pem")).start()
    secure = f"https://localhost:{stack.environment['TLS_PORT']}"
    answer = requests.get(f"{secure}/ping", verify=str(certificate), timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    plain = requests.get(f"{stack.url}/v1/models", timeout=10, allow_redirects=False)
    assert (plain.status_code, plain.json()["code"]) == (403, "https_required")
    old = subprocess.run(
        ["openssl", "s_client", "-connect", secure.removeprefix("https://"), "-tls1_1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert old.returncode != 0


def test_a_broken_model_stops_neither_the_boot_nor_its_neighbours(fresh):
    stack = fresh()
    golden = stack.var / "models" / "diabetes" / "1" / "golden.npz"
    golden.chmod(0o644)
    golden.write_bytes(golden.read_bytes()[:-100])
    stack.start()
    told = requests.get(f"http://127.0.0.1:{stack.management_port}/readyz", timeout=5)
    assert told.status_code == 200
    assert "diabetes/1" in told.json()["failed"]
    bearer = {"Authorization": f"Bearer {stack.token()}"}
    good = requests.post(
        f"{stack.url}/v1/models/steady:predict", json={"instances": [[0, 0]]}, headers=bearer, timeout=5
    )
    assert good.status_code == 200
    row = {"instances": [[0.0] * 10]}
    broken = requests.post(f"{stack.url}/v1/models/diabetes:predict", json=row, headers=bearer, timeout=5)
    assert broken.status_code in {404, 503}
    assert requests.get(f"{stack.url}/v2/health/ready", timeout=5).status_code == 200
    assert requests.get(f"{stack.url}/v2/models/diabetes/ready", headers=bearer, timeout=5).status_code == 503


def test_replicas_that_share_nothing_but_a_store_and_a_database_see_one_another(fresh):
    stack = fresh(REPLICAS="2", PRESENCE="database").start()
    eventually(stack.all_ready)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {stack.token()}"
    for verb in ("unload", "load"):  # 200 once every worker of both has followed
        answer = session.post(f"{stack.url}/v2/repository/models/iris/{verb}", timeout=30)
        assert answer.status_code == 200, answer.text
    told = session.get(f"{stack.url}/admin/models/iris", timeout=10).json()["replicas"]
    assert {replica: [worker["stable"] for worker in workers.values()] for replica, workers in told.items()} == {
        "replica-1": [1, 1],
        "replica-2": [1, 1],
    }
    _judge_what_either_predicted(stack, session)
    killed = stack.workers("replica-2")
    assert len(killed) == 2
    for worker in killed:
        os.kill(worker, signal.SIGKILL)

    def successor():
        told = session.get(f"{stack.url}/admin/models/iris", timeout=10).json()["replicas"].get("replica-2", {})
        return {int(pid) for pid in told} == set(stack.workers("replica-2")) and not told.keys() & {*map(str, killed)}

    eventually(successor)
    assert not (stack.var / "presence").exists()


def _judge_what_either_predicted(stack, session):
    """Whichever replica is sent ground truth, it knows what the other one predicted."""
    asked = {"replica-1": [], "replica-2": []}

    def both_asked():
        row = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
        answer = session.post(f"{stack.url}/v1/models/iris:predict", json=row, timeout=10)
        assert answer.status_code == 200, answer.text
        asked[answer.headers["X-Replica"]].append(answer.headers["X-Request-ID"])
        return all(asked.values())

    def judged():
        feedback = {"feedback": [{"request_id": one, "truth": [0]} for each in asked.values() for one in each]}
        return session.post(f"{stack.url}/admin/models/iris/feedback", json=feedback, timeout=10).json()

    eventually(both_asked)
    told = []

    def all_known():
        told.append(judged())
        return told[-1]["unknown"] == 0

    eventually(all_known)
    count = sum(len(each) for each in asked.values())
    assert sum(each["joined"] for each in told) == count
    assert judged()["repeated"] == count
