"""The estimator works on one thread while it is compared, and is left as its owner had it."""

import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor, VotingRegressor
from threadpoolctl import threadpool_info
from xgboost import XGBRegressor

from model_store.proof.threads import on_one_thread

ROWS = np.arange(40.0).reshape(20, 2)


def threads_of(booster):
    return int(json.loads(booster.save_config())["learner"]["generic_param"]["nthread"])


def test_all_parts_are_set_to_one_thread_and_back_again_also_after_an_error():
    forest, boosted = RandomForestRegressor(2, n_jobs=3), XGBRegressor(n_estimators=2, n_jobs=2)
    voting = VotingRegressor([("forest", forest), ("boosted", boosted)], n_jobs=-1).fit(ROWS, ROWS[:, 0])
    members = [voting, *voting.estimators_]

    def seen():
        return [member.n_jobs for member in members], threads_of(voting.estimators_[1].get_booster())

    before = seen()
    assert before == ([-1, 3, 2], 2)
    meanwhile = []

    def fail():
        with on_one_thread(voting):
            meanwhile.append((seen(), {pool["num_threads"] for pool in threadpool_info()}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert meanwhile == [(([1, 1, 1], 1), {1})]
    assert seen() == before
