"""The store that the first release left: this tree reads every version, every seal, every channel of it."""

import json
import subprocess
import sys

import pytest

from tests.system.running import ROOT
from tests.upgrade.releases import FIRST, unpack


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first-release")
    unpack(FIRST, folder)
    return folder / "var"


@pytest.fixture(scope="module")
def store(state):
    """Runs the store's command line on the state, and gives what it answers."""

    def run(*arguments):
        places = ("--root", str(state / "models"), "--trusted", str(state / "keys" / "trusted"))
        command = [sys.executable, "-m", "model_store", *arguments, *places, "--json"]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def written(state):
    """What lies on the disk: models, their versions, their channels and manifests."""
    for model in sorted(path for path in (state / "models").iterdir() if (path / "channels.json").is_file()):
        versions = sorted(int(path.name) for path in model.iterdir() if path.name.isdigit())
        manifests = {version: json.loads((model / str(version) / "manifest.json").read_text()) for version in versions}
        yield model.name, json.loads((model / "channels.json").read_text()), manifests


def test_the_state_holds_what_its_page_says(state):
    found = {name: (channels["stable"], sorted(manifests)) for name, channels, manifests in written(state)}
    alone = dict.fromkeys(("diabetes", "loans", "moods", "resting", "sizes", "targets"), (1, [1]))
    assert found == {**alone, "groups": (None, [1]), "iris": (2, [1, 2, 3])}


def test_every_seal_verifies(store, state):
    verified = store("verify")
    expected = {(name, version) for name, _, manifests in written(state) for version in manifests}
    assert {(one["model"], one["version"]) for one in verified} == expected


def test_every_model_and_version_is_listed(store, state):
    listed = {one["model"]: one["versions"] for one in store("list")}
    assert listed == {name: sorted(manifests) for name, _, manifests in written(state)}


@pytest.mark.parametrize("name", ["groups", "iris", "loans", "resting"])
def test_manifests_channels_and_history_are_read_as_they_were_written(name, store, state):
    channels, manifests = next((channels, manifests) for found, channels, manifests in written(state) if found == name)
    for version, manifest in manifests.items():
        shown = store("show", name, str(version))
        assert manifest == {member: shown[member] for member in manifest}
        assert shown["history"] == channels["history"]
