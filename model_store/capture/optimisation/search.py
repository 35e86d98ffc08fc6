"""Which smaller form of an estimator is kept: each is measured, and none is taken beyond the owner's loss budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model_store.batch import Array
from model_store.capture.goal import Goal
from model_store.capture.optimisation import holdout
from model_store.capture.optimisation.holdout import Holdout
from model_store.capture.optimisation.interval import Interval, interval
from model_store.capture.optimisation.losses import default_metric, row_losses
from model_store.capture.optimisation.measuring import Cost, cost
from model_store.capture.optimisation.variants import Variant, variants
from model_store.capture.options import Progress
from model_store.manifest import OPTIMISED


@dataclass(frozen=True, slots=True)
class Tried:
    """A smaller form that was measured: its changes, its cost, and by how much the metric gets worse."""

    names: tuple[str, ...]
    cost: Cost
    loss: Interval
    allowed: bool

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        cost, loss = self.cost._asdict(), self.loss._asdict()
        return {"names": list(self.names), "cost": cost, "loss": loss, "allowed": self.allowed}


@dataclass(frozen=True, slots=True)
class Found:
    """The estimator to publish, and the option that says what was tried and taken."""

    estimator: Any
    option: dict[str, Any]


def smaller(estimator: Any, goal: Goal, progress: Progress) -> Found:
    """Return the smallest form of an estimator that keeps its owner's loss budget: itself, if no other does.

    Raises BadSample if the holdout measures nothing.
    """
    search = _Search(estimator, goal.checked(), progress)
    kept, taken = search.combined(search.singles())
    tried = [one.to_json() for one in search.tried]
    chosen = list(taken.names) if taken else []
    facts = {"metric": search.metric, "budget": goal.budget, "rows": len(search.holdout.targets)}
    return Found(kept, {OPTIMISED: {**facts, "chosen": chosen, "tried": tried}})


class _Search:
    """Measures forms of one estimator, each against the estimator itself, row by row."""

    def __init__(self, estimator: Any, goal: Goal, progress: Progress) -> None:
        self.estimator, self.goal, self.progress = estimator, goal, progress
        self.holdout: Holdout = holdout.read(estimator, goal)
        self.metric = goal.metric or default_metric(self.holdout.schema.task)
        self.tried: list[Tried] = []
        self._losses = self._row_losses(estimator)
        self._note((), estimator)

    def singles(self) -> list[tuple[Variant, Tried]]:
        """Measure each variant alone; return of each kind the smallest that is allowed, the smallest kind first."""
        best: dict[str, tuple[Variant, Tried]] = {}
        for variant, made in self._made():
            tried = self._note((variant.name,), made)
            if tried.allowed and tried.cost.bytes < self._least(best.get(variant.kind)):
                best[variant.kind] = variant, tried
        return sorted(best.values(), key=lambda found: found[1].cost.bytes)

    def combined(self, singles: Sequence[tuple[Variant, Tried]]) -> tuple[Any, Tried | None]:
        """Put kinds together as long as all of them are allowed at once; return that form, and what it costs."""
        kept, taken = self.estimator, None
        for variant, alone in singles:
            made = variant.of(kept)
            names = (*(taken.names if taken else ()), variant.name)
            tried = alone if taken is None else self._note(names, made)
            if tried.allowed and (taken is None or tried.cost.bytes < taken.cost.bytes):
                kept, taken = made, tried
        return kept, taken

    def _made(self) -> Iterator[tuple[Variant, Any]]:
        for variant in variants():
            made = variant.of(self.estimator)
            if made is not None:
                yield variant, made

    def _least(self, found: tuple[Variant, Tried] | None) -> int:
        return found[1].cost.bytes if found else self.tried[0].cost.bytes

    def _note(self, names: tuple[str, ...], estimator: Any) -> Tried:
        loss = interval(self._row_losses(estimator) - self._losses)
        measured = cost(estimator, self.holdout.schema, self.holdout.batch)
        tried = Tried(names, measured, loss, loss.high <= self.goal.budget)
        self.tried.append(tried)
        self.progress(f"tried {' and '.join(names) or 'the model as it is'}")
        return tried

    def _row_losses(self, estimator: Any) -> Array:
        return row_losses(self.metric, estimator, self.holdout.rows, self.holdout.targets)
