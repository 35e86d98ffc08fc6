"""An estimator that a process can load once."""

from typing import ClassVar

from sklearn.linear_model import LinearRegression


class LoadedOnce(LinearRegression):
    """A linear regression that refuses to be loaded by a process that has loaded one before."""

    loads: ClassVar[int] = 0

    def __setstate__(self, state):
        super().__setstate__(state)
        LoadedOnce.loads += 1
        if LoadedOnce.loads > 1:
            raise RuntimeError("this process has loaded it before")
