import pytest

from model_store.replicas.states import LEGAL, IllegalMove, State, VersionState


def test_a_version_goes_from_new_to_retired_step_by_step():
    state = VersionState()
    for following in (
        State.VERIFYING,
        State.LOADING,
        State.WARMING,
        State.READY,
        State.DRAINING,
        State.RETIRED,
    ):
        state = state.to(following)
    assert state.state is State.RETIRED


@pytest.mark.parametrize("state", [state for state in State if state is not State.FAILED])
def test_every_state_may_become_failed_with_a_reason(state):
    assert VersionState(state).to(State.FAILED, "why") == VersionState(State.FAILED, "why")


def test_a_failure_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        VersionState().to(State.FAILED)


@pytest.mark.parametrize(
    ("state", "following"),
    [(State.NEW, State.READY), (State.VERIFYING, State.WARMING), (State.FAILED, State.READY), (State.READY, State.NEW)],
)
def test_no_step_is_left_out(state, following):
    with pytest.raises(IllegalMove):
        VersionState(state).to(following)


def test_the_reason_of_a_failure_stays_while_it_is_tried_again_and_goes_with_success():
    state = VersionState(State.FAILED, "why").to(State.VERIFYING).to(State.LOADING).to(State.WARMING)
    assert state.reason == "why"
    assert not state.to(State.READY).reason


def test_every_state_has_its_moves():
    assert LEGAL.keys() == set(State)
