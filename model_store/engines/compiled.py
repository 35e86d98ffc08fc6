"""A plan, executed: arrays and NumPy, and nothing of the libraries that fitted the estimator."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Self

from model_store.batch import Array, Batch
from model_store.engines.apart import Apart, tight_columns
from model_store.engines.calling import called
from model_store.engines.declared import as_declared
from model_store.engines.engine import Engine
from model_store.plans.plan import CALL, Plan
from model_store.schema import Output, Schema
from model_store.steps.labels import makes_texts
from model_store.steps.numeric import linear
from model_store.steps.registry import build
from model_store.steps.step import Run

_Answer = tuple[str, int, Output | None]
"""Its name, which step makes it, and what it is declared as, unless it is made so."""

_Program = tuple[tuple[tuple[int, Run, int, tuple[int, ...]], ...], tuple[_Answer, ...]]


class CompiledEngine(Engine):
    """Runs the steps that the wanted outputs need, each once, with the rows of the request."""

    name = "compiled"

    def __init__(self, plan: Plan, schema: Schema, estimator: Any = None) -> None:
        """Build all steps. Raises UnknownStep and ValueError for a plan that this release cannot run.

        ``estimator`` has the parts that are called, if the plan calls any.
        """
        self.plan = plan
        self._schema = schema
        self._runs = [called(step, estimator) if step.kind == CALL else build(step) for step in plan.steps]
        self._tight = tight_columns(schema)
        self._apart = Apart(schema)
        self._programs: dict[tuple[str, ...], _Program] = {}

    def compare_floats(self, batch: Batch, given: Mapping[str, Array]) -> None:
        """Take rows with gaps in whole numbers together from now on, as EstimatorEngine does on the same condition."""
        self._apart.compare_floats(self._answers, batch, given)

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return what the plan answers; ValueError for rows that the estimator refuses. See Engine."""
        if self._tight and batch.rows > 1 and self._has_gaps(batch):
            return self._apart.predict(self._answers, batch, outputs)
        return self._answers(batch, outputs)

    def one_by_one(self) -> Self:
        """Return an engine of the same steps that answers each row as if it came alone, as far as products go."""
        made = copy(self)
        made._runs = [  # noqa: SLF001 - of the same class
            linear.one_by_one(run) if step.kind in linear.BUILDERS else run
            for step, run in zip(self.plan.steps, self._runs, strict=True)
        ]
        made._programs = {}  # noqa: SLF001
        return made

    def _has_gaps(self, batch: Batch) -> bool:
        columns = batch.columns or {}
        return any(columns[column.name].dtype.kind == "O" for column in self._tight if columns)

    def _answers(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        wanted = tuple(outputs)
        steps, answers = self._programs.get(wanted) or self._program(wanted)
        values: list[Any] = [batch] + [None] * len(self._runs)
        for place, run, first, others in steps:
            values[place] = run(values[first], *[values[i] for i in others]) if others else run(values[first])
        return {
            name: values[place] if output is None else as_declared(values[place], output, batch.rows)
            for name, place, output in answers
        }

    def _program(self, wanted: tuple[str, ...]) -> _Program:
        declared = {output.name: output for output in self._schema.outputs}
        steps = tuple(self._step(place) for place in self.plan.needed(wanted))
        made = steps, tuple(self._answer(declared[name]) for name in wanted)
        return self._programs.setdefault(wanted, made)

    def _step(self, place: int) -> tuple[int, Run, int, tuple[int, ...]]:
        first, *others = self.plan.steps[place - 1].inputs
        return place, self._runs[place - 1], first, tuple(others)

    def _answer(self, output: Output) -> _Answer:
        place = self.plan.outputs[output.name]
        as_made = output.dtype == "string" and not output.shape and makes_texts(self.plan.steps[place - 1])
        return output.name, place, None if as_made else output
