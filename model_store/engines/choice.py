"""Which engine executes a version: chosen once, when it is warmed, by the answers to its golden rows."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from model_store.batch import Array
from model_store.engines.arrays import ArrayEngine
from model_store.engines.compiled import CompiledEngine
from model_store.engines.engine import Candidate, Engine
from model_store.engines.equality import identical, unlike
from model_store.engines.estimator import EstimatorEngine, answers_on_shared_rows
from model_store.errors import UndeclaredAnswer
from model_store.plans.plan import Plan
from model_store.reference.golden import Golden
from model_store.schema import Schema

log = logging.getLogger(__name__)

CANDIDATES: tuple[type[Candidate], ...] = (ArrayEngine,)
"""Tried in this order, the fastest first; scikit-learn's own methods are the last resort and the measure."""


class NoEngine(RuntimeError):
    """No engine reproduces the stored answers; the message says what came out wrong."""


def choose(
    estimator: Any, schema: Schema, golden: Golden, candidates: Sequence[type[Candidate]] = CANDIDATES
) -> Engine:
    """Return the first candidate that answers the golden rows as scikit-learn does, to the last bit, else scikit-learn.

    Raises NoEngine if scikit-learn itself does not reproduce the stored answers, and what the estimator raises.
    """
    plain = EstimatorEngine(estimator, schema)
    plain.compare_floats(golden.batch, golden.answers)
    given = _given(plain, golden)
    wrong = unlike(given, golden)
    if wrong:
        _check_first_release(estimator, schema, golden, wrong)
    for candidate in candidates if given else ():
        if candidate.admits(estimator, schema):
            engine = candidate(estimator, schema)
            if _reproduces(engine, golden, given):
                return _prepared(engine, golden, given)
            engine.discard()
    return _prepared(plain, golden, given)


def compiled(plan: Plan, schema: Schema, golden: Golden, estimator: Any = None) -> CompiledEngine | None:
    """Return the engine that runs a plan; None if it does not reproduce the stored answers here, and the log says why.

    The estimator itself answers then. It is needed for a plan that calls parts of it.
    """
    try:
        engine = CompiledEngine(plan, schema, estimator)
        given = engine.predict(golden.batch, tuple(golden.answers))
        wrong = unlike(given, golden)
        engine.compare_floats(golden.batch, given)
    except Exception as error:  # noqa: BLE001 - a plan of a later release, or another processor: any error has the same remedy
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        log.warning("the compiled form does not answer here as it was stored (%s): the estimator is loaded", wrong)
        return None
    return engine


def _prepared(engine: Engine, golden: Golden, given: Mapping[str, Array]) -> Engine:
    """Return the engine, which takes gaps as floats if that changes no answer given here.

    Another processor's stored answers may have other last bits: then only the answers given here show it.
    """
    if isinstance(engine, EstimatorEngine):
        engine.compare_floats(golden.batch, given)
    return engine


def _given(engine: Engine, golden: Golden) -> Mapping[str, Array]:
    """Return the answers to the golden rows; none if the schema that release 0.1.0 read cannot hold them."""
    try:
        return engine.predict(golden.batch, tuple(golden.answers))
    except UndeclaredAnswer as error:
        log.warning("%s", error)
        return {}


def _check_first_release(estimator: Any, schema: Schema, golden: Golden, wrong: str) -> None:
    """Raise NoEngine unless the golden answers are what release 0.1.0 recorded of this estimator."""
    names = tuple(golden.answers)
    if unlike(answers_on_shared_rows(estimator, schema, golden.batch, names), golden):
        raise NoEngine(f"its answers to the stored sample are not those stored with it (output {wrong!r})")
    log.warning(
        "%s was stored with answers to rows that another output had changed, or that its schema cannot hold (output "
        "%s): publish it again",
        type(estimator).__name__,
        wrong,
    )


def _reproduces(engine: Engine, golden: Golden, given: Mapping[str, Array]) -> bool:
    try:
        made = engine.predict(golden.batch, tuple(given))
    except Exception:
        log.debug("%s does not take the golden rows", engine.name, exc_info=True)
        return False
    return all(identical(made[name], answer) for name, answer in given.items())
