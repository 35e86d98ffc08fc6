"""Every family of scikit-learn, and boosters: what is served is what the publisher's own call answers, bit for bit.

Nothing else is allowed but a refusal that is on the list, which may only get shorter.
"""

import pytest
from sklearn.utils import all_estimators

from model_store.estimators import parts
from tests.values.bodies import FORMATS
from tests.values.comparing import METHODS
from tests.values.refusals import ANSWERING, PUBLISHING
from tests.values.registry import CASES, LEFT_OUT, TAKES_IMAGES, boosters
from tests.values.serving import Workbench


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    return Workbench(tmp_path_factory.mktemp("workbench"))


@pytest.mark.parametrize("name", CASES)
def test_every_output_is_what_the_publishers_own_call_answers(name, workbench):
    case = CASES[name]()
    assert name.partition(",")[0] in {type(part).__name__ for part in parts(case.estimator)}
    assert case.fresh.shape[0] >= 50 if hasattr(case.fresh, "shape") else len(case.fresh) >= 50
    outcome = workbench.sweep(case)
    assert outcome.wrong == {}
    if name in PUBLISHING or outcome.unpublished:
        assert PUBLISHING.get(name, "no refusal") in outcome.unpublished
        return
    assert outcome.refused.keys() == (FORMATS.keys() if name in ANSWERING else set()), outcome.refused
    assert all(ANSWERING[name] in words for words in outcome.refused.values()), outcome.refused
    rounded = {form.partition(",")[0] for form in outcome.rounded}
    assert {*outcome.equal, *rounded, *outcome.refused, *outcome.unwritten} == FORMATS.keys()


def test_every_estimator_of_scikit_learn_is_asked_or_left_out_for_a_reason():
    known = {name: kind for name, kind in all_estimators()}  # noqa: C416 - a list of pairs
    assert known.keys() - {name.partition(",")[0] for name in CASES} == LEFT_OUT
    answering = {name for name in LEFT_OUT if any(hasattr(known[name], method) for method in METHODS)}
    assert answering == {*TAKES_IMAGES}


def test_the_sweep_is_as_wide_as_it_says():
    assert len(CASES) >= 400
    assert len(boosters.CASES) >= 35
    assert {*PUBLISHING, *ANSWERING} <= CASES.keys()
