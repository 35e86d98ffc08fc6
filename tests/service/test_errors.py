"""How errors word the faults that they name."""

import pytest

from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, MalformedRequest, RefusedGap, few, refuse

FAULTS = [Fault(f"row {i}", "a number", "null") for i in range(MOST_FAULTS + 5)]


def test_one_fault_is_said_in_words():
    error = InvalidInput.of(FAULTS[0])
    assert error.detail == "row 0: expected a number, got null"
    assert error.faults == (FAULTS[0],)


def test_of_several_the_first_is_said_and_the_others_are_counted():
    assert InvalidInput.of(*FAULTS[:3]).detail == "row 0: expected a number, got null (and 2 more)"


def test_an_error_lists_so_many_faults_and_counts_them_all():
    error = InvalidInput.of(*FAULTS)
    assert len(error.faults) == MOST_FAULTS
    assert error.detail.endswith(f"(and {len(FAULTS) - 1} more)")


def test_no_fault_is_no_error():
    refuse([])
    refuse(fault for fault in ())


def test_faults_are_refused_with_the_error_that_the_caller_names():
    with pytest.raises(InvalidInput):
        refuse(FAULTS)
    with pytest.raises(MalformedRequest, match="row 0"):
        refuse(FAULTS, MalformedRequest)


def test_no_more_faults_are_looked_for_than_an_error_names():
    looked_at = []
    with pytest.raises(InvalidInput) as caught:
        refuse(looked_at.append(fault) or fault for fault in FAULTS)
    assert len(looked_at) == len(caught.value.faults) == MOST_FAULTS
    assert few(FAULTS) == FAULTS[:MOST_FAULTS]


def test_the_first_hint_is_said_once():
    gaps = [RefusedGap(f"row {i}", "a number", "null") for i in range(2)]
    error = InvalidInput.of(FAULTS[0], *gaps)
    assert error.detail == f"row 0: expected a number, got null (and 2 more); {RefusedGap.hint}"
