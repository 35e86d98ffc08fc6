"""One thread for an estimator that somebody else may go on using."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

from model_store.artifacts.loading import single_threaded
from model_store.estimators import objects


@contextmanager
def on_one_thread(estimator: Any) -> Iterator[None]:
    """Hold an estimator and this process's native thread pools to one thread, as workers do, and put back what was.

    With more, scikit-learn's forests add their trees in the order in which threads finish: the last bits vary from
    call to call.
    """
    jobs = [(thing, thing.n_jobs) for thing in objects(estimator) if "n_jobs" in getattr(thing, "__dict__", ())]
    boosters = [(thing, _threads(thing)) for thing in objects(estimator) if type(thing).__module__ == "xgboost.core"]
    try:
        with threadpool_limits(limits=1):
            single_threaded(estimator)
            yield
    finally:
        for thing, given in jobs:
            thing.n_jobs = given
        for booster, threads in boosters:
            booster.set_param({"nthread": threads})


def _threads(booster: Any) -> int:
    return int(json.loads(booster.save_config())["learner"]["generic_param"]["nthread"])
