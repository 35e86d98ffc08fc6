"""What the owner of a model allows a smaller form of it to lose."""

from dataclasses import dataclass
from typing import Any

from model_store.errors import BadSample

METRICS = ("accuracy", "log_loss", "r2", "mean_absolute_error")


@dataclass(frozen=True, slots=True)
class Goal:
    """The owner's loss budget, and the rows on which losses are measured.

    ``holdout`` are labelled rows that the estimator was not fitted on: a DataFrame with the column ``target``, or the
    path of a ``.csv``, ``.parquet`` or ``.json`` file with it. ``budget`` is by how much ``metric`` may get worse, in
    the metric's own unit: the upper end of the interval counts. ``metric`` is one of ``METRICS``; by default accuracy
    of classifiers and R² of all else.
    """

    holdout: Any
    target: str
    budget: float
    metric: str = ""

    def checked(self) -> "Goal":
        """Return the goal. Raises BadSample if the budget or the metric is none."""
        if self.metric and self.metric not in METRICS:
            raise BadSample(f"the metric to optimise for is one of {', '.join(METRICS)}, not {self.metric!r}")
        if not 0 <= self.budget < float("inf"):
            raise BadSample(f"a loss budget is a number from 0 up, such as 0.005, not {self.budget!r}")
        return self
