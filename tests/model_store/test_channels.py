"""Pointers move under a lock, are read without one, and remember where they were."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store import channels
from model_store.channels import Channels
from model_store.errors import BadChannels, BadName, NothingToRollBack, StoreError, UnknownModel, UnknownVersion
from model_store.stores.folder import POINTERS, FolderStore


@pytest.fixture
def five(store) -> FolderStore:
    """A model with five versions; what is in them does not matter here."""
    for version in range(1, 6):
        (store.disk / "m" / str(version)).mkdir(parents=True)
    return store


def test_promotion_moves_stable_and_keeps_the_history(five):
    channels.promote(five, "m", 1, "ann")
    now = channels.promote(five, "m", 3, "bob")
    assert now == channels.read(five, "m")
    assert (now.stable, now.generation) == (3, 2)
    assert [(m.action, m.channel, m.from_version, m.to_version, m.by) for m in now.history] == [
        ("promote", "stable", None, 1, "ann"),
        ("promote", "stable", 1, 3, "bob"),
    ]


def test_rollbacks_go_further_back_each_time_and_promotion_starts_anew(five):
    for version in (1, 2, 3):
        channels.promote(five, "m", version, "t")
    assert channels.rollback(five, "m", "t").stable == 2
    assert channels.rollback(five, "m", "t").stable == 1
    with pytest.raises(NothingToRollBack):
        channels.rollback(five, "m", "t")
    channels.promote(five, "m", 4, "t")
    assert channels.previous(five, "m") == 1
    assert channels.rollback(five, "m", "t").stable == 1


def test_demoting_unsets_stable_keeps_labels_and_a_rollback_returns_to_it(five):
    for version in (1, 2):
        channels.promote(five, "m", version, "t")
    channels.set_label(five, "m", "best", 1, "t")
    now = channels.demote(five, "m", "ann")
    assert now == channels.read(five, "m")
    assert (now.stable, now.wanted()) == (None, {1})
    move = now.history[-1]
    assert (move.action, move.channel, move.from_version, move.to_version, move.by) == (
        "demote",
        "stable",
        2,
        None,
        "ann",
    )
    assert channels.rollback(five, "m", "t").stable == 2
    assert channels.rollback(five, "m", "t").stable == 1


def test_demoting_forgets_what_was_loaded_by_name_which_would_answer_instead(five):
    channels.load(five, "m", 3, "t")
    assert channels.demote(five, "m", "t").wanted() == set()


def test_demoting_what_has_no_stable_version_changes_nothing(five):
    before = five.pointers("m")
    assert channels.demote(five, "m", "t").history == ()
    assert five.pointers("m") == before
    with pytest.raises(UnknownModel):
        channels.demote(five, "none", "t")


def test_a_rollback_skips_what_was_retired(five):
    for version in (1, 2, 3):
        channels.promote(five, "m", version, "t")
    (five.disk / "m" / "2").rmdir()
    assert channels.rollback(five, "m", "t").stable == 1


def test_promoting_the_same_version_twice_needs_one_rollback(five):
    for version in (1, 2, 2):
        channels.promote(five, "m", version, "t")
    assert channels.rollback(five, "m", "t").stable == 1


def test_wanted_are_all_that_anything_names(five):
    channels.promote(five, "m", 1, "t")
    channels.set_label(five, "m", "best", 2, "t")
    channels.load(five, "m", 3, "t")
    assert channels.read(five, "m").wanted() == {1, 2, 3}
    now = channels.unload(five, "m", "t")
    assert now.unloaded
    assert now.wanted() == set()
    assert now.named() == {1, 2}
    assert channels.load(five, "m", None, "t").wanted() == {1, 2}
    channels.unload(five, "m", "t")
    assert channels.promote(five, "m", 4, "t").wanted() == {2, 4}


def test_loading_what_is_loaded_changes_nothing(five):
    channels.promote(five, "m", 1, "t")
    before = five.pointers("m")
    assert channels.load(five, "m", 1, "t").loaded == ()
    assert five.pointers("m") == before


def test_labels_come_and_go(five):
    channels.set_label(five, "m", "best", 2, "t")
    assert channels.set_label(five, "m", "best", 3, "t").pointer("best") == 3
    assert channels.remove_label(five, "m", "best", "t").pointer("best") is None
    assert channels.remove_label(five, "m", "best", "t").generation == 3


@pytest.mark.parametrize("label", ["stable", "canary", "shadow", "1", "", "a b", "../x"])
def test_a_label_cannot_be_a_channel_or_a_number(five, label):
    with pytest.raises(BadName):
        channels.set_label(five, "m", label, 1, "t")


def test_a_channel_is_a_pointer_too(five):
    now = channels.promote(five, "m", 2, "t")
    assert now.pointer("stable") == 2
    assert now.pointer("canary") is None


@pytest.mark.parametrize("name", ["none", "m"])
def test_pointing_at_what_is_not_stored_is_refused(five, name):
    for act in (channels.promote, channels.load):
        with pytest.raises((UnknownModel, UnknownVersion)):
            act(five, name, 9, "t")
    with pytest.raises((UnknownModel, UnknownVersion)):
        channels.set_label(five, name, "x", 9, "t")
    assert not (five.disk / "none").exists()
    assert five.pointers("m").data is None


def test_the_fingerprint_changes_with_every_change(five):
    seen = {five.fingerprint("m").value}
    for version in (1, 2, 1, 2):
        channels.promote(five, "m", version, "t")
        seen.add(five.fingerprint("m").value)
    assert len(seen) == 5


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b'{"format":2}', b"[" * 100_000]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_channel_file_that_is_none_is_named(five, data):
    (five.disk / "m" / POINTERS).write_bytes(data)
    with pytest.raises(BadChannels, match="'m'"):
        channels.read(five, "m")


versions = st.integers(1, 5)
changes = st.one_of(
    st.tuples(st.just("promote"), versions),
    st.tuples(st.just("rollback"), st.none()),
    st.tuples(st.just("label"), versions),
    st.tuples(st.just("load"), versions),
    st.tuples(st.just("unload"), st.none()),
)


@given(st.lists(changes, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_after_any_changes_the_file_reads_back_and_names_stored_versions_only(five, listed):
    (five.disk / "m" / POINTERS).unlink(missing_ok=True)
    now, done = Channels(), 0
    for kind, version in listed:
        try:
            if kind == "promote":
                now = channels.promote(five, "m", version, "t")
            elif kind == "rollback":
                now = channels.rollback(five, "m", "t")
            elif kind == "label":
                now = channels.set_label(five, "m", "x", version, "t")
            elif kind == "load":
                now = channels.load(five, "m", version, "t")
            else:
                now = channels.unload(five, "m", "t")
        except StoreError:
            continue
        done = max(done, now.generation)
        assert channels.read(five, "m") == now
        assert now.generation == len(now.history) == done
        assert now.wanted() <= set(five.versions("m"))


LABELLER = """
import sys
from pathlib import Path
from model_store import channels
from model_store.stores.folder import FolderStore
for i in range(40):
    channels.set_label(FolderStore(Path(sys.argv[1])), "m", f"{sys.argv[2]}{i}", 1 + i % 5, sys.argv[2])
"""


def test_changes_from_several_processes_are_all_kept(five):
    writers = [
        subprocess.Popen([sys.executable, "-c", LABELLER, five.disk, who], cwd=Path(__file__).parents[2])
        for who in "abc"
    ]
    while any(writer.poll() is None for writer in writers):
        now = channels.read(five, "m")  # readers need no lock and never see a part
        assert now.generation == len(now.labels)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert len(channels.read(five, "m").labels) == 120
