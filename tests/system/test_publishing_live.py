"""Publishing next to a running stack: `published` means served, and a model can be taken out of service again."""

import json

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from tests.system.running import eventually

ROWS = np.arange(20.0).reshape(10, 2)
ASK = {"instances": [[1.0, 2.0]]}


@pytest.fixture
def publish(stack, client, tmp_path):
    """Publishes the next version of `waited`, which answers the given number; returns how the command ended."""
    np.save(tmp_path / "rows.npy", ROWS)

    def run(constant, *options):
        model = DummyRegressor(strategy="constant", constant=constant).fit(ROWS, ROWS[:, 0])
        joblib.dump(model, tmp_path / "m.joblib")
        files = (str(tmp_path / "m.joblib"), "--sample", str(tmp_path / "rows.npy"))
        return stack.run("model_store", "publish", "waited", *files, *options)

    yield run
    client.post(f"{stack.url}/admin/models/waited/demote", timeout=10)
    for version in client.get(f"{stack.url}/admin/models/waited", timeout=10).json()["versions"]:
        client.delete(f"{stack.url}/admin/models/waited/versions/{version}", timeout=10)


def answers(stack, client, count=40):
    """What `waited` answers; any worker of any replica may be asked."""
    asked = [client.post(f"{stack.url}/v1/models/waited:predict", json=ASK, timeout=10) for _ in range(count)]
    return {answer.json()["predictions"][0] if answer.ok else answer.status_code for answer in asked}


def test_the_command_ends_when_every_worker_answers_with_the_version(stack, client, publish):
    for constant in (5.0, 6.0):
        done = publish(constant, "--promote", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["served"]["workers"] == 6
        assert answers(stack, client) == {constant}


def test_a_demoted_model_answers_no_default_request_until_it_is_rolled_back_to(stack, client, publish):
    assert publish(5.0, "--promote").stdout.endswith("all 6 workers of 2 replicas answer with it\n")
    assert client.post(f"{stack.url}/admin/models/waited/demote", timeout=10).json()["stable"] is None
    eventually(lambda: answers(stack, client) == {503})
    assert client.get(f"{stack.url}/v2/health/ready", timeout=10).status_code == 200
    assert client.get(f"{stack.url}/v2/models/waited/ready", timeout=10).status_code == 503
    back = stack.run("model_store", "rollback", "waited")
    assert back.returncode == 0, back.stderr
    assert answers(stack, client) == {5.0}
