"""The option of a payload log: only what can be met is accepted, and the seal holds it."""

import pytest

from model_store import PayloadLog, publish, seal
from model_store.errors import BadManifest, BadPayloadLog, SealBroken
from model_store.payload_log import read_option


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan"), True, "0.5", None])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(BadPayloadLog):
        PayloadLog(share)


@pytest.mark.parametrize("redact", ["name", [1], [None]])
def test_what_is_no_list_of_names_is_refused(redact):
    with pytest.raises(BadPayloadLog):
        PayloadLog(0.5, redact)


def test_a_version_logs_nothing_unless_its_publisher_asked_for_it(store, key, iris, open_gate):
    version = publish(store, "iris", *iris, sealing_key=key, gate=open_gate)
    manifest = store.manifest("iris", version)
    assert read_option(manifest.options, manifest.schema) is None


def test_the_option_is_under_the_seal(store, key, trusted, iris, open_gate):
    version = publish(store, "iris", *iris, sealing_key=key, payload_log=PayloadLog(0.01, ["x1", "x0"]), gate=open_gate)
    folder = store.version_folder("iris", version)
    manifest = seal.verify(folder, trusted)
    assert manifest.options["payload_log"] == {"share": 0.01, "redact": ["x0", "x1"]}
    assert read_option(manifest.options, manifest.schema) == PayloadLog(0.01, ["x0", "x1"])
    altered = (folder / "manifest.json").read_bytes().replace(b'"x0",', b'"x2",')
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_bytes(altered)
    with pytest.raises(SealBroken):
        seal.verify(folder, trusted)


@pytest.mark.parametrize("redact", [["x9"], ["X0"], ["x0", "x1", "x2", "x3"]])
def test_a_column_that_is_not_there_or_nothing_left_is_refused_and_nothing_is_stored(
    store, key, iris, open_gate, redact
):
    with pytest.raises(BadPayloadLog):
        publish(store, "iris", *iris, sealing_key=key, payload_log=PayloadLog(1, redact), gate=open_gate)
    assert "iris" not in store.models()


@pytest.mark.parametrize("option", [None, {}, {"share": 2}, {"share": 0.5, "redact": ["x9"]}, {"share": 0.5, "x": 1}])
def test_a_malformed_option_makes_the_manifest_unreadable(published, store, option):
    schema = store.manifest("iris", 1).schema
    with pytest.raises(BadManifest):
        read_option({"payload_log": option}, schema)
