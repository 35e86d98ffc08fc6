"""A replica says what holds of the confinement of models' own code, and one that requires all of it does not start."""

import logging

import pytest

from model_store.confinement.parts import Part
from service.management import confinement
from service.management.readiness import Assessor
from service.settings import BadSetting

ALL = {part.value: True for part in Part}
NO_LANDLOCK = ALL | {"files": False}


@pytest.mark.parametrize("mode", ["BEST", "REQUIRED"])
def test_what_holds_is_found_and_logged(mode, caplog):
    caplog.set_level(logging.INFO)
    assert confinement.found(mode, lambda: ALL) == ALL
    assert f"models' own code is confined: {', '.join(ALL)}" in caplog.text


def test_what_this_machine_does_not_offer_is_logged_if_the_best_will_do(caplog):
    assert confinement.found("BEST", lambda: NO_LANDLOCK) == NO_LANDLOCK
    assert "this machine does not offer: files" in caplog.text


def test_a_replica_that_requires_all_of_it_does_not_start_without():
    with pytest.raises(BadSetting, match=r"does not offer all of it: files\. Expected all of descriptors, "):
        confinement.found("REQUIRED", lambda: NO_LANDLOCK)


def test_off_asks_for_nothing_and_says_so(caplog):
    assert confinement.found("OFF", lambda: pytest.fail("it was asked")) == {}
    assert "MODEL_CONFINEMENT is OFF" in caplog.text


def test_readiness_shows_it():
    assert Assessor("r", 1, NO_LANDLOCK).assess([], []).confinement == NO_LANDLOCK
