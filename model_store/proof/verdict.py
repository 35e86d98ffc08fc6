"""Which engine a version uses: all are built and compared with the estimator, and the fastest of the equal is taken."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_with_calls
from model_store.engines.arrays import ArrayEngine
from model_store.engines.compiled import CompiledEngine
from model_store.engines.engine import Engine
from model_store.engines.estimator import EstimatorEngine
from model_store.estimators import parts
from model_store.plans import files
from model_store.plans.plan import Plan
from model_store.proof import costs
from model_store.proof.drawn import drawn
from model_store.proof.edges import edges_of
from model_store.proof.grown import trees_of
from model_store.proof.known import known_rows
from model_store.proof.parts import Compile, prove_parts
from model_store.proof.proof import Comparison, pieces
from model_store.proof.record import ARRAYS, CALLS, COMPILED, ESTIMATOR
from model_store.proof.space import PIECES, Space, difference
from model_store.proof.threads import on_one_thread
from model_store.reference.golden import Golden
from model_store.schema import Schema

SECONDS = 3.0
"""Of CPU for the rows that a whole estimator is compared on, and as many for its parts."""
_ARRAYS_SECONDS = 0.2
_TIMED_ROWS = 2000
_CLEARLY = 1.25
"""A plan that calls parts of the estimator is to be so much faster, for the estimator has to be loaded as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """An estimator, its schema, rows of that schema, and some of them with the estimator's answers."""

    estimator: Any
    schema: Schema
    sample: Batch
    kept: Golden


def judge(
    case: Case, folder: Path, *, compiler: Compile = compile_with_calls, seconds: float = SECONDS
) -> dict[str, Any]:
    """Build all engines for an estimator, compare each with it, and time those that are equal to the last bit.

    Returns what the manifest says of them (see ``model_store.proof.record``). The files of the plan are in ``folder``
    then if that is chosen, and what is compared is what is read from them. The estimator works on one thread meanwhile
    and is left as it was. Raises what it raises.
    """
    with on_one_thread(case.estimator):
        facts = _Trial(case, folder, compiler, seconds).facts()
    if facts["chosen"] != COMPILED:
        files.remove(folder)
    return facts


class _Trial:
    def __init__(self, case: Case, folder: Path, compiler: Compile, seconds: float) -> None:
        self._case = case
        self._folder = folder
        self._compiler = compiler
        self._seconds = seconds
        self._outputs = tuple(output.name for output in case.schema.outputs)
        self._measure = EstimatorEngine(case.estimator, case.schema)
        self._measure.compare_floats(case.kept.batch, case.kept.answers)
        self._space = _space(case.estimator, case.schema, case.sample)
        rng, rows = np.random.default_rng(0), min(_TIMED_ROWS, self._space.most())
        self._rows = drawn(case.schema, case.sample, rows, rng, between=0.0)
        self._each: dict[str, dict[str, Any]] = {}
        self._parts: dict[str, int] = {}
        self._calls = False

    def facts(self) -> dict[str, Any]:
        engine = self._compiled()
        engines: dict[str, Engine] = {ESTIMATOR: self._measure, **({COMPILED: engine} if engine else {})}
        self._each[ESTIMATOR] = {"equal": True, "rows": self._case.kept.batch.rows}
        self._time(engines)
        with self._arrays() as arrays:
            if arrays is not None:
                self._time({ARRAYS: arrays})
        chosen = self._fastest()
        return {
            "chosen": chosen,
            "each": self._each,
            "parts": self._parts,
            **({CALLS: True} if self._calls and chosen == COMPILED else {}),
        }

    def _compiled(self) -> Engine | None:
        try:
            plan = self._whole()
            engine = CompiledEngine(plan, self._case.schema, self._case.estimator)
            engine.compare_floats(self._case.kept.batch, self._case.kept.answers)
        except MemoryError:
            raise
        except Exception as reason:  # noqa: BLE001 - whatever it is, the estimator is kept
            why_not = str(reason) if isinstance(reason, NotCompiled) else f"{type(reason).__name__}: {reason}"
            self._each[COMPILED] = {"equal": False, "why_not": why_not, "rows": 0}
            return None
        found, rows = self._compared(engine, self._seconds)
        if not found:
            alone = prove_parts(self._case.estimator, self._case.schema, self._part, self._seconds)
            self._parts, found = alone.rows, alone.difference
        self._each[COMPILED] = {"equal": not found, "rows": rows, **({"why_not": found} if found else {})}
        self._calls = plan.calls
        return None if found else engine

    def _whole(self) -> Plan:
        files.write(self._folder, self._compiler(self._case.estimator, self._case.schema))
        return files.mapped(self._folder)

    def _part(self, estimator: Any, schema: Schema) -> Plan:
        """Return a part's plan as it is read from files: how arrays lie in memory decides the last bits of products."""
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            files.write(Path(scratch), self._compiler(estimator, schema))
            return files.mapped(Path(scratch))

    @contextmanager
    def _arrays(self) -> Iterator[Engine | None]:
        if not ArrayEngine.admits(self._case.estimator, self._case.schema):
            self._each[ARRAYS] = {"equal": False, "why_not": "it takes no table of plain numbers", "rows": 0}
            yield None
            return
        engine = ArrayEngine(self._case.estimator, self._case.schema)
        try:
            found, rows = self._compared(engine, _ARRAYS_SECONDS)
            self._each[ARRAYS] = {"equal": not found, "rows": rows, **({"why_not": found} if found else {})}
            yield None if found else engine
        finally:
            engine.discard()

    def _compared(self, engine: Engine, seconds: float) -> tuple[str, int]:
        measure = self._measure
        golden = Comparison(measure, engine, self._outputs)
        found = golden.difference(pieces(self._case.kept.batch, most=PIECES))
        if found:
            return f"golden rows: {found}", golden.rows
        make = lambda share: Comparison(measure, engine, self._outputs, share)  # noqa: E731
        found, rows = difference(self._space, make, seconds)
        return found, golden.rows + rows

    def _time(self, engines: dict[str, Engine]) -> None:
        try:
            found = costs.measured(engines, self._rows, self._outputs[0])
        except Exception:  # noqa: BLE001 - it refuses rows whose values do not come together in the sample
            return
        for kind, seconds in found.items():
            self._each[kind]["seconds"] = seconds

    def _fastest(self) -> str:
        equal = [kind for kind, entry in self._each.items() if entry["equal"]]
        times = {kind: float(self._each[kind].get("seconds", {}).get("1", 0.0)) for kind in equal}
        if self._calls and COMPILED in times:
            times[COMPILED] *= _CLEARLY
        chosen = min(equal, key=lambda kind: (times[kind], kind != COMPILED))
        for kind in equal:
            if kind not in (chosen, ESTIMATOR):
                self._each[kind]["why_not"] = f"slower than {chosen} for one row"
        return chosen


def _space(estimator: Any, schema: Schema, sample: Batch) -> Space:
    sees_columns = getattr(estimator, "n_features_in_", 0) == len(schema.columns)
    trees = estimator if sees_columns and trees_of(estimator) is not None else None
    return Space(schema, sample, _edges(estimator, schema), trees, known_rows(estimator) if sees_columns else None)


def _edges(estimator: Any, schema: Schema) -> dict[int, list[Any]]:
    """Return the edges of all parts by the schema's columns, as far as they are told by place, name or type."""
    texts = [place for place, column in enumerate(schema.columns) if column.dtype == "string"]
    places = {label: place for place, label in enumerate(schema.names)}
    found: dict[int, list[Any]] = {}
    for part in parts(estimator):
        names = getattr(part, "feature_names_in_", None)
        aligned = getattr(part, "n_features_in_", 0) == len(schema.columns)
        for place, values in edges_of(part).items():
            named = places.get(str(names[place])) if names is not None and place < len(names) else None
            targets = [named] if named is not None else [place] if aligned else texts
            for target in targets:
                found.setdefault(target, []).extend(values)
    return found
