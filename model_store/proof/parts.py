"""The parts of an estimator, each in the space of its own rows: there its splits and edges are reached for certain."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.compilers.compilation import NotCompiled
from model_store.engines.answers import METHODS, dtype_of, plain
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.estimators import parts
from model_store.plans.plan import Plan
from model_store.proof.edges import Edges, edges_of
from model_store.proof.grown import trees_of
from model_store.proof.known import known_rows
from model_store.proof.proof import Comparison
from model_store.proof.space import Space, difference
from model_store.schema import Column, Output, Schema

Compile = Callable[[Any, Schema], Plan]
_ROWS = 64
_MOST = 16
"""Parts that are compared alone, evenly over all of them."""
_WIDTH = 3.0


@dataclass(slots=True)
class PartsProven:
    """``rows`` by the parts that were compared alone, and the first difference."""

    rows: dict[str, int] = field(default_factory=dict)
    difference: str = ""


def prove_parts(estimator: Any, schema: Schema, compile_plan: Compile, seconds: float) -> PartsProven:
    """Compare each part inside an estimator that has splits, edges or known rows, alone, with what it compiles to.

    Parts get float32 if all columns of the schema are. Those that do not compile alone, because they take columns of
    more than one type, are left to the proof of the whole.
    """
    proven = PartsProven()
    dtype = "float32" if {column.dtype for column in schema.columns} == {"float32"} else "float64"
    found = [part for part in _with_splits(estimator) if part is not estimator]
    waiting = found[:: -(-len(found) // _MOST)] if found else []
    for part in waiting:
        name = type(part).__name__
        wrong, rows = _compared(part, dtype, compile_plan, seconds / len(waiting))
        proven.rows[name] = proven.rows.get(name, 0) + rows
        if wrong:
            proven.difference = f"{name} alone: {wrong}"
            break
    return proven


def _with_splits(estimator: Any) -> Iterator[Any]:
    """Yield the outermost parts that have splits, edges of numbers or known rows."""
    inside: set[int] = set()
    for part in parts(estimator):
        if id(part) in inside or not hasattr(part, "n_features_in_"):
            continue
        if trees_of(part) is not None:
            inside |= {id(each) for each in parts(part)}
            yield part
        elif _numeric(edges_of(part)) or known_rows(part) is not None:
            yield part


def _numeric(edges: Edges) -> bool:
    values = [value for column in edges.values() for value in column]
    return bool(values) and all(isinstance(value, (int, float)) for value in values)


def _compared(part: Any, dtype: str, compile_plan: Compile, seconds: float) -> tuple[str, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        space = own_space(part, dtype)
        plan = None if space is None else _plan(part, space.schema, compile_plan)
        if space is None or plan is None:
            return "", 0
        schema = _only(space.schema, plan.outputs)
        measure, candidate = EstimatorEngine(part, schema), CompiledEngine(plan, schema, part)
        outputs = tuple(plan.outputs)
        return difference(space, lambda share: Comparison(measure, candidate, outputs, share), seconds)


def own_space(part: Any, dtype: str = "float64") -> Space | None:
    """Return the space of a part's own rows, numbers in one array; None if it does not take such rows."""
    width, edges = int(part.n_features_in_), edges_of(part)
    columns = tuple(Column(f"x{place}", dtype, nullable=True) for place in range(width))
    base = Batch(_ROWS, matrix=_base(width, edges).astype(dtype))
    outputs = _outputs(part, base)
    if not outputs:
        return None
    schema = Schema("matrix", columns, outputs)
    return Space(schema, base, edges, part if trees_of(part) is not None else None, known_rows(part))


def _base(width: int, edges: Edges) -> Array:
    rng = np.random.default_rng(0)
    base = rng.normal(scale=_WIDTH, size=(_ROWS, width))
    for place, values in edges.items():
        numbers = [value for value in values if np.isfinite(value)]
        if numbers and place < width:
            base[:, place] = rng.choice(numbers, _ROWS)
    return base


def _outputs(part: Any, base: Batch) -> tuple[Output, ...]:
    found = []
    for method in METHODS:
        try:
            answer = getattr(part, method)((base.matrix if base.matrix is not None else base)[:2])  # type: ignore[index]
        except Exception:  # noqa: BLE001, S112 - it has no such method, or does not take plain numbers
            continue
        answers: Mapping[str, Any] = (
            {f"{method}_{i}": one for i, one in enumerate(answer)} if isinstance(answer, list) else {method: answer}
        )
        found += [_output(name, plain(one)) for name, one in answers.items()]
    return tuple(found)


def _output(name: str, answer: Array) -> Output:
    return Output(name, dtype_of(answer), answer.shape[1:])


def _only(schema: Schema, names: Collection[str]) -> Schema:
    return replace(schema, outputs=tuple(output for output in schema.outputs if output.name in names))


def _plan(part: Any, schema: Schema, compile_plan: Compile) -> Plan | None:
    """Return a plan for all outputs of a part, else for the first that there is one for; None if there is none."""
    for names in ([output.name for output in schema.outputs], *([output.name] for output in schema.outputs)):
        try:
            return compile_plan(part, _only(schema, names))
        except NotCompiled:
            continue
    return None
