"""When a replica says that it can serve."""

import pytest

from model_store.replicas.announcements import AnnouncedModel, Announcement
from model_store.replicas.states import State, VersionState
from service.management.readiness import Assessor


def announcement(pid, *, settled=True, replica="one", **models):
    """A worker's announcement; each model is given as its versions and their states."""
    told = {
        name: AnnouncedModel(1, {}, {version: VersionState(state, "why") for version, state in states.items()})
        for name, states in models.items()
    }
    return Announcement(replica, pid, 0.0, 0.0, 0, settled, told)


@pytest.fixture
def assessor():
    return Assessor("one")


def test_it_is_ready_when_every_worker_has_settled_and_serves(assessor):
    told = [announcement(1, iris={1: State.READY}), announcement(2, iris={1: State.READY, 2: State.READY})]
    readiness = assessor.assess([1, 2], told)
    assert readiness.ready
    assert readiness.models == {"iris": [1]}


def test_it_is_not_ready_without_workers(assessor):
    assert assessor.assess([], []).reason == "no worker is running"


def test_it_is_not_ready_while_workers_end_one_after_the_other():
    stopping = Assessor("one", workers=3)
    told = [announcement(pid, iris={1: State.READY}) for pid in (1, 2, 3)]
    assert stopping.assess([1, 2, 3], told).ready
    assert stopping.assess([3], told[2:]).reason == "1 of 3 workers are running"


def test_it_is_not_ready_while_a_worker_has_said_nothing(assessor):
    readiness = assessor.assess([1, 2], [announcement(1, iris={1: State.READY})])
    assert (readiness.ready, readiness.loading) == (False, 1)


def test_it_is_not_ready_while_a_worker_loads_its_first_models(assessor):
    told = [announcement(1, settled=False, iris={1: State.READY}, wine={1: State.LOADING})]
    assert assessor.assess([1], told).reason == "1 of 1 workers are still loading models"


def test_it_stays_ready_while_a_later_version_loads(assessor):
    assert assessor.assess([1], [announcement(1, iris={1: State.READY})]).ready
    later = [announcement(1, settled=False, iris={1: State.READY, 2: State.LOADING})]
    assert assessor.assess([1], later).ready


def test_a_worker_that_replaces_another_has_to_settle_for_itself(assessor):
    assert assessor.assess([1], [announcement(1, iris={1: State.READY})]).ready
    assert not assessor.assess([2], [announcement(2, settled=False, iris={1: State.LOADING})]).ready


def test_an_empty_store_is_not_ready_and_says_so(assessor):
    readiness = assessor.assess([1], [announcement(1)])
    assert not readiness.ready
    assert "store is empty" in readiness.reason


def test_a_failed_version_is_named_and_makes_no_replica_unready_that_serves_others(assessor):
    readiness = assessor.assess([1], [announcement(1, iris={1: State.READY}, wine={3: State.FAILED})])
    assert readiness.ready
    assert readiness.failed == {"wine/3": "why"}


def test_it_is_not_ready_when_nothing_can_answer(assessor):
    readiness = assessor.assess([1], [announcement(1, wine={3: State.FAILED})])
    assert not readiness.ready
    assert "no model that can answer" in readiness.reason


def test_other_replicas_and_workers_that_are_gone_do_not_count(assessor):
    told = [announcement(1, iris={1: State.READY}, replica="two"), announcement(9, iris={1: State.READY})]
    assert not assessor.assess([1], told).ready
