"""Moving the stable channel: what does not pass the check leaves the version that serves."""

from dataclasses import replace

import pytest

from model_store import channels, publish, seal
from model_store.errors import GateRefused, SealBroken
from model_store.gate.gate import Limits
from model_store.gate.process_gate import ProcessGate
from model_store.lifecycle import promotion
from model_store.reference import golden
from model_store.reference.golden import Golden


@pytest.fixture
def two_versions(store, key, open_gate, iris):
    for _ in range(2):
        publish(store, "iris", *iris, sealing_key=key, gate=open_gate)
    channels.promote(store, "iris", 1, "tests")
    return store


def reseal(store, key, version: int, **changes) -> None:
    folder = store.version_folder("iris", version)
    manifest = store.manifest("iris", version)
    for name in (seal.MANIFEST, seal.SEAL):
        (folder / name).unlink()
    seal.seal(folder, replace(manifest, **changes), key)


def test_promoting_a_version_whose_golden_answers_are_not_its_own_leaves_the_old_one(two_versions, key, trusted):
    folder = two_versions.version_folder("iris", 2)
    kept = golden.read(folder)
    (folder / golden.FILE).unlink()
    golden.write(folder, Golden(kept.batch, {**kept.answers, "predict": kept.answers["predict"][::-1].copy()}))
    reseal(two_versions, key, 2, files=seal.file_seals(folder))
    with pytest.raises(GateRefused, match="golden rows differ"):
        promotion.promote(two_versions, "iris", 2, trusted=trusted, by="tests", gate=ProcessGate(Limits(seconds=30)))
    assert channels.read(two_versions, "iris").stable == 1


def test_promoting_a_corrupt_version_leaves_the_old_one(two_versions, trusted):
    path = two_versions.version_folder("iris", 2) / "artifact.skops"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SealBroken):
        promotion.promote(two_versions, "iris", 2, trusted=trusted, by="tests", gate=ProcessGate())
    assert channels.read(two_versions, "iris").stable == 1


def test_promoting_a_good_version_moves_the_pointer(two_versions, trusted):
    steps: list[str] = []
    now = promotion.promote(
        two_versions,
        "iris",
        2,
        trusted=trusted,
        by="tests",
        gate=ProcessGate(Limits(seconds=30)),
        progress=steps.append,
    )
    assert now.stable == channels.read(two_versions, "iris").stable == 2
    assert steps == ["checking the seal", "trying it in a process of its own"]


def test_rolling_back_to_a_corrupt_version_leaves_the_pointer(two_versions, trusted):
    channels.promote(two_versions, "iris", 2, "tests")
    (two_versions.version_folder("iris", 1) / "profile.json").unlink()
    with pytest.raises(SealBroken):
        promotion.rollback(two_versions, "iris", trusted=trusted, by="tests")
    assert channels.read(two_versions, "iris").stable == 2
