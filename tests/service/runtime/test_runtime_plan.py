from dataclasses import replace

from model_store.channels import Channels, Move
from model_store.replicas.states import State, VersionState
from service.runtime.plan import plan

NEW, READY, LOADING = VersionState(), VersionState(State.READY), VersionState(State.LOADING)
FAILED = VersionState(State.FAILED, "why")


def moves(*versions):
    pairs = zip((None, *versions), versions, strict=False)
    return tuple(Move("stable", one, other, "2026-01-01T00:00:00Z", "tests") for one, other in pairs)


def test_what_channels_labels_and_loads_name_is_loaded():
    made = plan(Channels(stable=1, labels={"beta": 2}, loaded=(3,)), dict.fromkeys(range(1, 6), NEW), {})
    assert made.load == {1, 2, 3}
    assert not made.pointers
    assert not made.drop


def test_a_pointer_follows_when_its_version_is_ready():
    made = plan(Channels(stable=2), {1: READY, 2: READY}, {"stable": 1})
    assert made.pointers == {"stable": 2}
    assert made.drop == {1}


def test_a_pointer_stays_while_its_new_version_loads():
    made = plan(Channels(stable=2), {1: READY, 2: LOADING}, {"stable": 1})
    assert made.pointers == {"stable": 1}
    assert not made.drop


def test_a_pointer_stays_when_its_new_version_fails():
    made = plan(Channels(stable=2), {1: READY, 2: FAILED}, {"stable": 1})
    assert made.pointers == {"stable": 1}
    assert not made.drop


def test_a_label_stays_when_its_new_version_fails():
    made = plan(Channels(stable=1, labels={"beta": 3}), {1: READY, 2: READY, 3: FAILED}, {"stable": 1, "beta": 2})
    assert made.pointers == {"stable": 1, "beta": 2}


def test_a_fresh_worker_falls_back_to_the_stable_version_before_the_failed_one():
    channels = Channels(stable=3, history=moves(1, 2, 3))
    states = {1: NEW, 2: NEW, 3: FAILED}
    assert plan(channels, states, {}).load == {2, 3}
    made = plan(channels, {**states, 2: READY}, {})
    assert made.pointers == {"stable": 2}
    assert not made.drop


def test_a_fallback_that_failed_too_leads_further_back():
    channels = Channels(stable=3, history=moves(1, 2, 3))
    assert 1 in plan(channels, {1: NEW, 2: FAILED, 3: FAILED}, {}).load


def test_a_fallback_that_left_the_store_leads_further_back():
    channels = Channels(stable=3, history=moves(1, 2, 3))
    assert plan(channels, {1: NEW, 3: FAILED}, {}).load == {1, 3}


def test_no_fallback_is_loaded_while_the_stable_version_may_still_come():
    assert plan(Channels(stable=2, history=moves(1, 2)), {1: NEW, 2: LOADING}, {}).load == {2}


def test_a_fallback_is_kept_while_the_failed_version_is_tried_again():
    again = VersionState(State.LOADING, "why")
    channels = Channels(stable=2, history=moves(1, 2))
    assert plan(channels, {1: LOADING, 2: again}, {}).load == {1, 2}
    assert plan(channels, {1: READY, 2: again}, {}).pointers == {"stable": 1}


def test_an_unloaded_model_keeps_nothing():
    made = plan(Channels(stable=1, labels={"beta": 2}, unloaded=True), {1: READY, 2: READY}, {"stable": 1, "beta": 2})
    assert not made.load
    assert not made.pointers
    assert made.drop == {1, 2}


def test_a_removed_label_lets_its_version_go():
    made = plan(Channels(stable=1), {1: READY, 2: READY}, {"stable": 1, "beta": 2})
    assert made.pointers == {"stable": 1}
    assert made.drop == {2}


def test_where_nothing_was_promoted_the_newest_version_loaded_by_name_answers():
    made = plan(Channels(loaded=(1, 2)), {1: READY, 2: READY, 3: NEW}, {})
    assert made.pointers == {"stable": 2}


def test_a_version_that_is_named_but_not_stored_is_not_loaded():
    assert not plan(Channels(stable=9), {1: NEW}, {}).load


def quarantined(channels, version, instead):
    move = Move("", version, instead, "2026-01-02T00:00:00Z", "replica-1: it crashed", "quarantine")
    return replace(channels, history=(*channels.history, move))


def test_what_stands_in_for_a_version_in_quarantine_is_loaded_then_answers_by_its_pointers():
    channels = quarantined(Channels(stable=3, labels={"beta": 3}), 3, 1)
    before = {"stable": 3, "beta": 3}
    made = plan(channels, {1: NEW, 2: NEW, 3: READY}, before)
    assert (made.load, made.pointers, made.drop) == ({1}, before, set())
    made = plan(channels, {1: READY, 2: NEW, 3: READY}, before)
    assert (made.load, made.pointers, made.drop) == (set(), {"stable": 1, "beta": 1}, {3})


def test_a_version_for_which_none_stands_in_goes_on():
    made = plan(quarantined(Channels(stable=3), 3, 3), {1: NEW, 3: READY}, {"stable": 3})
    assert (made.load, made.pointers, made.drop) == (set(), {"stable": 3}, set())


def test_a_version_that_is_not_to_be_loaded_is_not_and_what_served_before_stays():
    channels = quarantined(Channels(stable=3, history=moves(1, 2, 3)), 3, None)
    made = plan(channels, {1: NEW, 2: READY, 3: NEW}, {"stable": 2})
    assert (made.load, made.pointers, made.drop) == (set(), {"stable": 2}, set())
    made = plan(channels, {1: NEW, 2: READY, 3: READY}, {"stable": 2})
    assert (made.load, made.pointers, made.drop) == (set(), {"stable": 2}, {3})


def test_a_fresh_worker_falls_back_from_a_version_that_is_not_to_be_loaded():
    channels = quarantined(Channels(stable=3, history=moves(1, 2, 3)), 3, None)
    assert plan(channels, {1: NEW, 2: NEW, 3: NEW}, {}).load == {2}
    assert plan(channels, {1: NEW, 2: READY, 3: NEW}, {}).pointers == {"stable": 2}
