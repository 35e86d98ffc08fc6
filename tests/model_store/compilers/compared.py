"""A compiled estimator next to the estimator itself."""

import warnings
from dataclasses import dataclass

import numpy as np

from model_store.batch import Batch, take
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.equality import identical
from model_store.engines.estimator import EstimatorEngine
from model_store.plans import files

SIZES = {1: 8, 7: 3, 32: 2, 300: 1}
"""Rows at once, and how many batches of so many."""


@dataclass
class Compared:
    """An estimator's own engine and the one of its plan, which has been written and read back."""

    own: EstimatorEngine
    compiled: CompiledEngine
    batch: Batch
    outputs: tuple[str, ...]
    kinds: tuple[str, ...]

    def unlike(self, sizes=SIZES):
        """Return the outputs that differ in a bit, and the number of rows in the batches where they do."""
        found = [
            (name, rows)
            for rows, count in sizes.items()
            for start in range(0, rows * count, rows)
            for name in self._unlike(take(self.batch, np.arange(start, start + rows)))
        ]
        return sorted(set(found))

    def _unlike(self, part):
        own, compiled = self.own.predict(part, self.outputs), self.compiled.predict(part, self.outputs)
        return [name for name in self.outputs if not identical(own[name], compiled[name])]

    def refusals(self, batch):
        """The first lines with which both refuse a batch; None for one that answers."""
        return tuple(_refusal(engine, batch, self.outputs) for engine in (self.own, self.compiled))


def compared(estimator, sample, folder):
    """Compile an estimator for what a sample shows. Every output has to have steps."""
    inferred = infer(estimator, samples.laid_out(sample))
    plan = compile_plan(estimator, inferred.schema)
    files.write(folder, plan)
    read = files.read((folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS))
    names = tuple(output.name for output in inferred.schema.outputs)
    return Compared(
        EstimatorEngine(estimator, inferred.schema),
        CompiledEngine(read, inferred.schema),
        inferred.batch,
        names,
        tuple(step.kind for step in read.steps),
    )


def _refusal(engine, batch, outputs):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            engine.predict(batch, outputs)
    except ValueError as error:
        return str(error).splitlines()[0]
    return None
