"""An estimator that counts how often it is loaded."""

import os
from pathlib import Path

from sklearn.linear_model import LinearRegression


class Counted(LinearRegression):
    """A linear regression that notes the process that loads it, a line each time, in the file ``log``."""

    def __init__(self, log: str = "") -> None:
        super().__init__()
        self.log = log

    def __setstate__(self, state):
        super().__setstate__(state)
        with Path(self.log).open("a") as log:
            log.write(f"{os.getpid()}\n")
