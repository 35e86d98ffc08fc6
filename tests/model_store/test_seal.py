"""Nothing altered, unsigned, foreign or misplaced passes, and nothing that verifies runs any of it."""

import base64
import io
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import pytest

from model_store import publish, seal
from model_store.artifacts.loading import load
from model_store.errors import BadManifest, NoKey, SealBroken, StoreError
from model_store.manifest import Manifest
from model_store.seal import SealingKey, TrustedKeys

FLIPS = 100


class TouchesACanary:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return (open, (str(self.canary), "w"))


def resealed(folder: Path, key: SealingKey, **changes) -> None:
    manifest = replace(Manifest.from_bytes((folder / seal.MANIFEST).read_bytes()), **changes)
    for name in (seal.MANIFEST, seal.SEAL):
        (folder / name).unlink()
    seal.seal(folder, manifest, key)


def test_an_untouched_version_verifies_and_loads(published, trusted, iris):
    manifest = seal.verify(published, trusted)
    assert (manifest.model, manifest.version, manifest.created_by) == ("iris", 1, "tests")
    estimator, rows = iris
    assert (load(published, manifest).predict(rows) == estimator.predict(rows)).all()


def test_each_of_100_flipped_bits_is_refused(published, trusted):
    choose = random.Random(7)
    files = sorted(published.iterdir())
    for flip in range(FLIPS):
        path = files[flip % len(files)]
        sealed = path.read_bytes()
        position, bit = choose.randrange(len(sealed)), 1 << choose.randrange(8)
        path.chmod(0o644)
        path.write_bytes(sealed[:position] + bytes([sealed[position] ^ bit]) + sealed[position + 1 :])
        if path.name == seal.SEAL and same_meaning(sealed, path.read_bytes()):
            seal.verify(published, trusted)  # white space around the signature means nothing
        else:
            with pytest.raises((SealBroken, BadManifest)):
                seal.verify(published, trusted)
        path.write_bytes(sealed)
    seal.verify(published, trusted)


def same_meaning(a: bytes, b: bytes) -> bool:
    try:
        one, other = json.loads(a), json.loads(b)
    except ValueError:
        return False
    return all(one.get(name) == other.get(name) for name in ("key", "signature"))


@pytest.mark.parametrize("keep", [0, 1, 1000, -1])
def test_a_truncated_artifact_is_refused(published, trusted, keep):
    path = published / "artifact.skops"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SealBroken, match=r"artifact\.skops"):
        seal.verify(published, trusted)


@pytest.mark.parametrize("name", [seal.MANIFEST, seal.SEAL, "artifact.skops", "golden.npz", "profile.json"])
def test_a_missing_file_is_refused(published, trusted, name):
    (published / name).unlink()
    with pytest.raises(SealBroken, match="missing"):
        seal.verify(published, trusted)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_what_is_not_needed_is_not_read_until_it_is(published, trusted, damage):
    artifact = published / "artifact.skops"
    artifact.chmod(0o644)
    damage(artifact)
    manifest = seal.verify(published, trusted, lambda _: ["golden.npz"])
    assert seal.read_sealed(published, "golden.npz", manifest) == (published / "golden.npz").read_bytes()
    with pytest.raises(SealBroken, match=r"artifact\.skops"):
        load(published, manifest)
    with pytest.raises(SealBroken, match=r"artifact\.skops"):
        seal.verify(published, trusted, lambda _: ["golden.npz", "artifact.skops"])


def test_a_file_that_is_needed_and_was_not_sealed_is_refused(published, trusted):
    with pytest.raises(SealBroken, match=r"other\.npy"):
        seal.verify(published, trusted, lambda _: ["other.npy"])


def test_a_seal_of_another_key_is_refused_even_if_it_claims_the_trusted_id(published, trusted, key, tmp_path):
    foreign = SealingKey.create(tmp_path / "foreign.pem")
    resealed(published, foreign)
    with pytest.raises(SealBroken, match="not trusted"):
        seal.verify(published, trusted)
    document = json.loads((published / seal.SEAL).read_text())
    (published / seal.SEAL).write_text(json.dumps({**document, "key": key.id}))
    with pytest.raises(SealBroken, match="does not fit"):
        seal.verify(published, trusted)


def test_a_signature_of_the_trusted_key_on_other_bytes_is_no_seal(published, trusted, key):
    manifest = (published / seal.MANIFEST).read_bytes()
    bare = key._private.sign(manifest)
    with pytest.raises(SealBroken):
        trusted.check(key.id, bare, manifest)


def test_files_swapped_between_two_sealed_versions_are_refused(published, trusted, key, iris, open_gate):
    version = publish(published.parent.parent, "iris", iris[0], iris[1][:50], sealing_key=key, gate=open_gate)
    other = published.parent / str(version)
    shutil.copy(other / "golden.npz", published.parent / "swap")
    (published / "golden.npz").unlink()
    (published.parent / "swap").rename(published / "golden.npz")
    with pytest.raises(SealBroken, match=r"golden\.npz is not what was sealed"):
        seal.verify(published, trusted)


def test_a_whole_sealed_version_in_another_place_is_refused(published, trusted):
    copied = published.parent / "2"
    shutil.copytree(published, copied)
    with pytest.raises(SealBroken, match="seal is for iris 1"):
        seal.verify(copied, trusted)
    elsewhere = published.parent.parent / "other" / "1"
    shutil.copytree(published, elsewhere)
    with pytest.raises(SealBroken, match="not for other 1"):
        seal.verify(elsewhere, trusted)


def test_a_link_is_refused_even_if_what_it_leads_to_is_right(published, trusted, tmp_path):
    (published / "artifact.skops").rename(tmp_path / "kept")
    (published / "artifact.skops").symlink_to(tmp_path / "kept")
    with pytest.raises(SealBroken, match="link"):
        seal.verify(published, trusted)


def test_a_version_folder_that_is_a_link_is_refused(published, trusted, tmp_path):
    published.rename(tmp_path / "1")
    published.symlink_to(tmp_path / "1")
    with pytest.raises(SealBroken):
        seal.verify(published, trusted)


def test_a_pipe_in_place_of_a_file_is_refused_and_hangs_nobody(published, trusted):
    (published / "artifact.skops").unlink()
    os.mkfifo(published / "artifact.skops")
    with pytest.raises(SealBroken, match="not a plain file"):
        seal.verify(published, trusted)


def test_a_file_beside_those_that_were_sealed_is_refused(published, trusted):
    (published / "extra.py").write_text("")
    for needed in (seal.every_file, lambda _: ()):
        with pytest.raises(SealBroken, match="does not belong"):
            seal.verify(published, trusted, needed)


@pytest.mark.parametrize("name", ["../2/artifact.skops", "/etc/passwd", "..", ".hidden", "a/b", "", "x\x00y", "é"])
def test_even_a_sealed_manifest_cannot_name_a_file_elsewhere(published, trusted, key, name):
    manifest = Manifest.from_bytes((published / seal.MANIFEST).read_bytes()).to_json()
    manifest["files"][name] = next(iter(manifest["files"].values()))
    data = json.dumps(manifest).encode()
    for file in (seal.MANIFEST, seal.SEAL):
        (published / file).chmod(0o644)
    (published / seal.MANIFEST).write_bytes(data)
    document = json.loads((published / seal.SEAL).read_text())
    signature = base64.b64encode(key.sign(data)).decode()
    (published / seal.SEAL).write_text(json.dumps({**document, "signature": signature}))
    with pytest.raises(BadManifest):
        seal.verify(published, trusted)


def test_a_malicious_artifact_is_never_executed_by_what_verifies(published, trusted, tmp_path, store):
    canary = tmp_path / "canary"
    for name in ("artifact.skops", "golden.npz", "profile.json"):
        (published / name).chmod(0o644)
        (published / name).write_bytes(pickle.dumps(TouchesACanary(canary)))
    joblib.dump(TouchesACanary(canary), published / "artifact.joblib")
    with pytest.raises(SealBroken):
        seal.verify(published, trusted)
    manifest = store.manifest("iris", 1)
    with pytest.raises(SealBroken):
        load(published, manifest)
    verified = subprocess.run(
        [
            sys.executable,
            "-m",
            "model_store",
            "verify",
            "--root",
            store.disk,
            "--trusted",
            tmp_path / "keys" / "trusted",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert verified.returncode == 4, verified.stderr
    promoted = subprocess.run(
        [*verified.args[:3], "promote", "iris", "1", *verified.args[4:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert promoted.returncode == 4, promoted.stderr
    assert not canary.exists()


def test_a_sealed_skops_artifact_with_types_beyond_the_reviewed_list_is_not_loaded(published, key, trusted):
    import skops.io

    data = skops.io.dumps({"x": subprocess.Popen})
    (published / "artifact.skops").chmod(0o644)
    (published / "artifact.skops").write_bytes(data)
    resealed(published, key, files=seal.file_seals(published))
    manifest = seal.verify(published, trusted)
    with pytest.raises(StoreError, match="not on the reviewed list"):
        load(published, manifest)


def test_the_manifest_alone_decides_what_reads_the_artifact(published, key, trusted, tmp_path):
    canary = tmp_path / "canary"
    (published / "artifact.skops").chmod(0o644)
    (published / "artifact.skops").write_bytes(pickle.dumps(TouchesACanary(canary)))
    resealed(published, key, files=seal.file_seals(published))
    with pytest.raises(StoreError, match="cannot be loaded"):
        load(published, seal.verify(published, trusted))
    assert not canary.exists()


def test_an_artifact_that_changes_after_it_was_verified_is_not_loaded(published, trusted):
    manifest = seal.verify(published, trusted)
    (published / "artifact.skops").chmod(0o644)
    (published / "artifact.skops").write_bytes(b"x" * manifest.files["artifact.skops"].bytes)
    with pytest.raises(SealBroken, match="not what was sealed"):
        load(published, manifest)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"key":1,"signature":"x"}', "\xff", "[" * 100_000])
def test_a_seal_file_that_is_none_is_refused(published, trusted, text):
    (published / seal.SEAL).chmod(0o644)
    (published / seal.SEAL).write_bytes(text.encode("latin-1")[:4000])
    with pytest.raises(SealBroken):
        seal.verify(published, trusted)


def test_a_sealing_key_is_readable_by_its_owner_only_and_never_overwritten(tmp_path):
    path = tmp_path / "deep" / "sealing.pem"
    made = SealingKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NoKey, match="never overwritten"):
        SealingKey.create(path)
    assert SealingKey.load(path).id == made.id


def test_making_keys_twice_keeps_the_first(tmp_path):
    assert seal.create_keys(tmp_path).id == seal.create_keys(tmp_path).id
    assert len(TrustedKeys.load(tmp_path / "trusted")) == 1


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_key_file_that_is_none_is_named(tmp_path, content):
    (tmp_path / "x.pem").write_bytes(content)
    with pytest.raises(NoKey, match=r"x\.pem"):
        SealingKey.load(tmp_path / "x.pem")
    with pytest.raises(NoKey, match=r"x\.pem"):
        TrustedKeys.load(tmp_path)


def test_missing_keys_say_how_to_make_them(tmp_path):
    with pytest.raises(NoKey, match="keygen"):
        SealingKey.load(tmp_path / "none.pem")
    with pytest.raises(NoKey, match="keygen"):
        TrustedKeys.load(tmp_path / "none")


def test_a_file_is_copied_if_it_is_the_one_that_was_sealed(published, trusted):
    manifest, copied = seal.verify(published, trusted), io.BytesIO()
    seal.copy_sealed(published, "artifact.skops", manifest, copied)
    assert copied.getvalue() == (published / "artifact.skops").read_bytes()
    (published / "artifact.skops").chmod(0o644)
    for content in (copied.getvalue()[:-1], copied.getvalue() + b" ", copied.getvalue().replace(b"schema", b"Schema")):
        (published / "artifact.skops").write_bytes(content)
        with pytest.raises(SealBroken, match=r"artifact\.skops is not what was sealed"):
            seal.copy_sealed(published, "artifact.skops", manifest, io.BytesIO())
    with pytest.raises(SealBroken, match="not in the manifest"):
        seal.copy_sealed(published, "other", manifest, io.BytesIO())


FILES = ("arrays.npy", "artifact.skops", "golden.npz", "plan.json", "profile.json")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_empty_cut_off_changed_or_gone_is_named_with_what_to_do(published, trusted, name):
    path = published / name
    whole = path.read_bytes()
    path.chmod(0o644)
    for data, what in (
        (b"", f"is not what was sealed (0 bytes instead of {len(whole)})"),
        (whole[:-5], f"is not what was sealed ({len(whole) - 5} bytes instead of {len(whole)})"),
        (whole[:-5] + b"other", "is not what was sealed"),
        (None, "is missing, a link, or unreadable (No such file or directory)"),
    ):
        path.write_bytes(data) if data is not None else path.unlink()
        with pytest.raises(SealBroken) as refused:
            seal.verify(published, trusted)
        assert str(refused.value) == f"iris/1/{name} {what}: restore it from a backup, or publish the model again"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_a_manifest_or_seal_that_is_empty_or_gone_is_named_with_its_version(published, trusted, name):
    path = published / name
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(SealBroken, match=r"iris/1.*: restore .*, or publish the model again"):
        seal.verify(published, trusted)
    path.unlink()
    with pytest.raises(SealBroken, match=rf"iris/1/{name} is missing.*: restore it from a backup, or publish"):
        seal.verify(published, trusted)
