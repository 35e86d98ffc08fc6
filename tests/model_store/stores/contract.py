"""What every store keeps to.

The tests of what implements Store inherit these, and have a fixture `store`: a new, empty one.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_store import channels
from model_store.errors import BadManifest, BadName, InUse, PointersMoved, SealBroken, UnknownModel, UnknownVersion
from model_store.lifecycle.retire import retire
from model_store.seal import MANIFEST, SEAL, create_keys
from tests.model_store.stores.versions import add, draft


class StoreContract:
    def test_an_empty_store_holds_nothing_and_is_not_there(self, store):
        assert not store.is_there()
        assert store.models() == []
        assert store.pointers("m").data is None
        for ask in (store.versions, store.fingerprint):
            with pytest.raises(UnknownModel):
                ask("m")
        assert not store.is_there(), "reading creates nothing"

    def test_versions_are_numbered_from_one_for_each_model(self, store, key):
        assert [add(store, key), add(store, key), add(store, key, "other")] == [1, 2, 1]
        assert store.models() == ["m", "other"]
        assert store.versions("m") == [1, 2]
        assert store.is_there()

    def test_what_was_staged_is_what_is_read(self, store, key, trusted):
        add(store, key, content=b"first")
        add(store, key, content=b"second")
        assert store.read("m", 2, "artifact.skops") == b"second"
        assert store.manifest("m", 2).version == 2
        with store.local("m", 1) as folder:
            assert sorted(path.name for path in folder.iterdir()) == ["artifact.skops", MANIFEST, SEAL]
        with store.verified("m", 1, trusted) as found:
            assert found.manifest.version == 1
            assert found.read("artifact.skops") == b"first"
            assert (found.folder / "artifact.skops").read_bytes() == b"first"

    def test_a_file_that_changes_after_it_was_verified_is_not_read(self, store, key, trusted):
        add(store, key, content=b"first")
        with store.verified("m", 1, trusted) as found:
            (found.folder / "artifact.skops").chmod(0o644)
            (found.folder / "artifact.skops").write_bytes(b"other")
            with pytest.raises(SealBroken):
                found.read("artifact.skops")

    def test_a_version_of_a_key_that_is_not_trusted_is_not_given(self, store, trusted, tmp_path):
        add(store, create_keys(tmp_path / "foreign"))
        with pytest.raises(SealBroken), store.verified("m", 1, trusted):
            pass

    def test_a_version_without_a_manifest_is_named(self, store):
        with store.staging("m") as folder:
            draft("m", {"artifact.skops": b"x"}, folder)
            store.add("m", folder, lambda _: None)
        with pytest.raises(BadManifest, match="'m' 1"):
            store.manifest("m", 1)

    @pytest.mark.parametrize("name", ["", ".", "..", "../m", "a/b", ".hidden", "a b", "é", "x" * 129])
    def test_a_name_that_is_none_is_refused_and_creates_nothing(self, store, name):
        for ask in (store.versions, store.pointers, store.fingerprint):
            with pytest.raises(BadName):
                ask(name)
        with pytest.raises(BadName), store.staging(name):
            pass
        assert not store.is_there()

    def test_what_is_not_stored_is_named(self, store, key):
        add(store, key)
        for name, wrong in (("m", UnknownVersion), ("other", UnknownModel)):
            for ask in (store.require, store.manifest, store.files_fingerprint):
                with pytest.raises(wrong):
                    ask(name, 9)
            with pytest.raises(wrong):
                store.read(name, 9, MANIFEST)
            with pytest.raises(wrong), store.local(name, 9):
                pass
            with pytest.raises(wrong):
                store.remove(name, 9, lambda _: None)

    def test_a_version_that_fails_while_it_is_written_leaves_nothing(self, store, key):
        def fails(_number):
            raise OSError(28, "no space left")

        with pytest.raises(OSError, match="no space"), store.staging("m") as folder:
            store.add("m", folder, fails)
        assert store.models() == []
        assert add(store, key) == 1

    def test_the_number_of_a_removed_version_is_never_given_again(self, store, key):
        add(store, key)
        add(store, key)
        store.remove("m", 2, lambda _: None)
        store.remove("m", 1, lambda _: None)
        assert store.models() == []
        assert add(store, key) == 3

    def test_a_version_stays_where_the_check_says_so_and_is_told_the_pointers(self, store, key):
        add(store, key)
        told = []

        def stays(pointers):
            told.append(pointers)
            raise InUse("no")

        with pytest.raises(InUse):
            store.remove("m", 1, stays)
        store.swap_pointers("m", b"pointers", store.pointers("m").tag)
        with pytest.raises(InUse):
            store.remove("m", 1, stays)
        assert told == [None, b"pointers"]
        assert store.versions("m") == [1]

    def test_pointers_are_swapped_once_for_each_tag(self, store, key):
        add(store, key)
        before = store.pointers("m")
        tag = store.swap_pointers("m", b"one", before.tag)
        assert store.pointers("m") == (b"one", tag)
        for stale in (before.tag, "made up", ""):
            with pytest.raises(PointersMoved):
                store.swap_pointers("m", b"two", stale)
        assert store.pointers("m").data == b"one"
        store.swap_pointers("m", b"two", tag)
        assert store.pointers("m").data == b"two"

    def test_the_pointers_of_a_model_without_versions_are_not_written(self, store):
        with pytest.raises(UnknownModel):
            store.swap_pointers("m", b"one", store.pointers("m").tag)
        assert not store.is_there()

    def test_a_tag_from_before_a_version_was_removed_is_stale(self, store, key):
        add(store, key)
        add(store, key)
        tag = store.pointers("m").tag
        store.remove("m", 1, lambda _: None)
        with pytest.raises(PointersMoved):
            store.swap_pointers("m", b"points at 1", tag)

    def test_of_those_who_swap_at_the_same_time_one_wins(self, store, key):
        add(store, key)
        for _ in range(10):
            tag, start = store.pointers("m").tag, threading.Barrier(8)

            def swap(who, tag=tag, start=start):
                start.wait()
                try:
                    store.swap_pointers("m", f"{tag} {who}".encode(), tag)
                except PointersMoved:
                    return False
                return True

            with ThreadPoolExecutor(8) as pool:
                assert sum(pool.map(swap, range(8))) == 1

    def test_changes_of_channels_at_the_same_time_are_all_kept(self, store, key):
        add(store, key)

        def label(who):
            for i in range(10):
                channels.set_label(store, "m", f"{who}{i}", 1, who)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(label, "abcd"))
        now = channels.read(store, "m")
        assert (len(now.labels), now.generation) == (40, 40)

    def test_a_version_is_promoted_or_retired_but_not_both(self, store, key):
        stable = add(store, key)
        for _ in range(20):
            version = add(store, key)
            start = threading.Barrier(2)

            def move(act, start=start):
                start.wait()
                try:
                    act()
                except (InUse, UnknownVersion):
                    return False
                return True

            acts = (
                lambda version=version: channels.promote(store, "m", version, "t"),
                lambda version=version: retire(store, "m", version),
            )
            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(move, acts)) == [False, True]
            assert channels.read(store, "m").wanted() <= set(store.versions("m"))
            channels.promote(store, "m", stable, "t")

    def test_fingerprints_tell_each_change(self, store, key):
        seen = []

        def look():
            seen.append(store.fingerprint("m").value)

        add(store, key)
        look()
        add(store, key)
        look()
        store.swap_pointers("m", b"x", store.pointers("m").tag)
        look()
        store.remove("m", 1, lambda _: None)
        look()
        assert len(set(seen)) == 4
        assert store.fingerprint("m") == store.fingerprint("m")
        assert store.files_fingerprint("m", 2) == store.files_fingerprint("m", 2)
