"""An estimator whose first column says how it behaves, as a model with its own code may at any time."""

import os
import signal
import time

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

SUM, SLEEP, CRASH, EXIT, REFUSE, FAIL, NAN, LONG, WHO = range(9)


class Moody(RegressorMixin, BaseEstimator):
    """Answers the sum of each row, unless the first row's first value tells it to do something else."""

    def fit(self, rows, _target=None):
        self.n_features_in_ = rows.shape[1]
        return self

    def predict(self, rows):
        mood, how = rows[0, 0], rows[0, 1]
        if mood == SLEEP:
            time.sleep(how)
        elif mood == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        elif mood == EXIT:
            raise SystemExit(5)
        elif mood == REFUSE:
            raise ValueError("not these rows\nwith more below")
        elif mood == FAIL:
            raise RuntimeError("secret")
        elif mood == NAN:
            return np.full(len(rows), np.nan)
        elif mood == LONG:
            return np.zeros(len(rows) + 1)
        elif mood == WHO:
            return np.full(len(rows), float(os.getpid()))
        return rows.sum(axis=1)


class Unloadable:
    """Cannot be brought back from its pickle."""

    def __reduce__(self):
        return int, ("nothing",)


class Fatal:
    """Ends the process that brings it back from its pickle."""

    def __reduce__(self):
        return os._exit, (4,)


class Endless:
    """Is never back from its pickle."""

    def __reduce__(self):
        return time.sleep, (3600,)


ROWS = np.column_stack([np.full(20, float(SUM)), np.arange(20.0)])


def fitted() -> Moody:
    return Moody().fit(ROWS)
