"""A version that harms is taken out of service once, in the store, and released by hand."""

from dataclasses import replace

import pytest

from model_store import channels
from model_store.channels import Channels
from model_store.errors import InQuarantine, InUse, NothingToRollBack, UnknownVersion
from model_store.lifecycle import quarantine, retire
from model_store.manifest import Manifest
from model_store.schema import Column, Output, Schema
from model_store.stores.folder import FolderStore

ONE = Schema("matrix", (Column("a", "float64", minimum=0.0, maximum=1.0),), (Output("y", "float64"),))
ONE_WIDER = replace(ONE, columns=(Column("a", "float64", minimum=-5.0, maximum=9.0),))
OTHER = replace(ONE, columns=(Column("b", "float64"),))


class Shelf(FolderStore):
    """A store whose manifests say nothing but a schema."""

    schemas: dict[int, Schema]

    def manifest(self, _name, version) -> Manifest:
        return type("Sealed", (), {"schema": self.schemas[version]})()


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    """Versions 1 and 2 of equal schema, 3 of another, 4 as 1; each was stable in turn."""
    store = Shelf(tmp_path / "models")
    store.schemas = {1: ONE, 2: ONE_WIDER, 3: OTHER, 4: ONE}
    for version in store.schemas:
        (store.disk / "m" / str(version)).mkdir(parents=True)
        channels.promote(store, "m", version, "tests")
    return store


def put(store, version, **how) -> Channels:
    return quarantine.quarantine(store, "m", version, by="replica-1", reason="it crashed", **how)


def test_the_latest_stable_version_with_an_equal_schema_serves_instead(shelf):
    now = put(shelf, 4)
    assert now == channels.read(shelf, "m")
    assert (now.stable, now.serving(4), now.wanted()) == (4, 2, {2})
    (kept,) = now.quarantined().values()
    assert (kept.instead, kept.by) == (2, "replica-1: it crashed")


def test_one_that_is_in_quarantine_itself_does_not_stand_in(shelf):
    put(shelf, 2)
    assert put(shelf, 4).serving(4) == 1


def test_what_stands_in_may_come_into_quarantine_later(shelf):
    put(shelf, 4)
    assert put(shelf, 2).serving(4) == 1
    assert put(shelf, 1).serving(4) == 1, "none is left: the last one stays"


def test_without_another_of_equal_schema_a_version_stays(shelf):
    channels.promote(shelf, "m", 3, "tests")
    now = put(shelf, 3)
    assert (now.serving(3), now.wanted()) == (3, {3})
    assert quarantine.consequence(3, 3) == "no earlier version has an equal schema, so it goes on serving"


def test_one_that_does_not_load_does_not_stay_even_then(shelf):
    channels.promote(shelf, "m", 3, "tests")
    now = put(shelf, 3, loads=False)
    assert (now.serving(3), now.wanted()) == (None, set())


def test_the_stable_version_stands_in_for_a_labelled_one(shelf):
    channels.set_label(shelf, "m", "beta", 1, "tests")
    assert put(shelf, 1).serving(1) == 4


def test_a_second_quarantine_changes_nothing_and_a_release_ends_it(shelf):
    first = put(shelf, 4)
    assert put(shelf, 4) == first
    now = channels.release(shelf, "m", 4, "ann")
    assert (now.quarantined(), now.wanted(), now.serving(4)) == ({}, {4}, 4)
    assert channels.release(shelf, "m", 4, "ann") == now
    assert [(m.action, m.from_version, m.to_version) for m in now.history[-2:]] == [
        ("quarantine", 4, 2),
        ("release", 4, None),
    ]


def test_a_version_in_quarantine_is_neither_promoted_nor_rolled_back_to(shelf):
    put(shelf, 2)
    with pytest.raises(InQuarantine, match=r"by replica-1: it crashed: release it first, by `python -m model_store"):
        channels.promote(shelf, "m", 2, "tests")
    assert channels.rollback(shelf, "m", "tests").stable == 3
    assert channels.rollback(shelf, "m", "tests").stable == 1
    with pytest.raises(NothingToRollBack):
        channels.rollback(shelf, "m", "tests")


def test_what_stands_in_cannot_be_retired(shelf):
    put(shelf, 4)
    with pytest.raises(InUse, match="the quarantine of version 4 names it"):
        retire.retire(shelf, "m", 2)


def test_only_stored_versions_are_put_into_quarantine_or_released(shelf):
    for change in (lambda: put(shelf, 9), lambda: channels.release(shelf, "m", 9, "tests")):
        with pytest.raises(UnknownVersion):
            change()


def test_a_quarantine_outlives_a_thousand_changes(shelf):
    put(shelf, 4)
    for number in range(1100):
        channels.set_label(shelf, "m", "x", 1 + number % 2, "tests")
    now = channels.read(shelf, "m")
    assert len(now.history) == 1001
    assert now.serving(4) == 2


def test_an_earlier_release_reads_the_pointers_as_before(shelf):
    """Its format has the same fields, and it takes any action."""
    put(shelf, 4)
    data = shelf.pointers("m").data
    assert channels.parse("m", data).stable == 4
    assert b'"format": 1' in data
    assert set(channels.read(shelf, "m").history[-1].__dataclass_fields__) == {
        "channel",
        "from_version",
        "to_version",
        "at",
        "by",
        "action",
    }


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        (ONE_WIDER, True),
        (OTHER, False),
        (replace(ONE, outputs=(Output("y", "int64"),)), False),
        (replace(ONE, columns=(Column("a", "float64", minimum=0.0, maximum=1.0, bounded=True),)), False),
        (replace(ONE, columns=(Column("a", "float64", nullable=True),)), False),
        (replace(ONE, layout="frame"), False),
    ],
)
def test_schemas_are_equal_if_they_take_and_give_the_same(other, is_equal):
    assert quarantine.equal(ONE, other) is is_equal
    assert quarantine.equal(other, ONE) is is_equal
