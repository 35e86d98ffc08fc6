"""Which requests may be joined: judged when a version is published, and looked at again when it is loaded."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import Any

from model_store.batch import Batch
from model_store.engines.compiled import CompiledEngine
from model_store.engines.engine import Engine
from model_store.engines.estimator import EstimatorEngine
from model_store.joining import record, row_wise
from model_store.joining.machine import here
from model_store.joining.record import ALWAYS, AUTO, NEVER, OWNER, ROWS, STEPS
from model_store.joining.rows import trial_rows
from model_store.joining.trial import MOST, Finding, Trial
from model_store.joining.trial import ROWS as TRIED
from model_store.manifest import BATCHING
from model_store.schema import FLOATS, Schema

log = logging.getLogger(__name__)

SECONDS = 10.0
"""Of CPU for the trial when a version is published."""
SECONDS_AGAIN = 3.0
"""Of CPU for a trial that another machine repeats: the version does not answer before it is over."""
SECONDS_OF_LISTED = 0.5
"""Of CPU for a trial of outputs that are on the reviewed list: it could only show that the list is wrong."""
MOST_LISTED = 1024
"""Rows at once, of outputs whose steps do not know how many rows there are: more save nothing, and take memory."""
_CELLS = 4_000_000
"""Values of the rows, and of the answers to them, that a trial holds in memory, and that are joined at most."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An engine, the schema of its version, and the estimator, which a compiled version may not need.

    ``company`` is what answers several rows at once, if that is not the engine itself.
    """

    engine: Engine
    schema: Schema
    estimator: Any = None
    company: Engine | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of all outputs."""
        return tuple(output.name for output in self.schema.outputs)

    def listed(self) -> set[str]:
        """Return the outputs all of whose steps are on the reviewed list."""
        if isinstance(self.engine, CompiledEngine):
            return row_wise.in_plan(self.engine.plan, self.estimator, self.outputs)
        fitted = self.engine.estimator if isinstance(self.engine, EstimatorEngine) else None
        return set(self.outputs) if fitted is not None and row_wise.is_listed(fitted) else set()

    def labels(self) -> set[str]:
        """Return the outputs that are decided by numbers, such as which of them is the greatest."""
        decided = {output.name for output in self.schema.outputs if output.dtype not in FLOATS}
        return decided if self.schema.task == "regressor" else decided | {"predict"} & set(self.outputs)

    def multiplied(self) -> set[str]:
        """Return the outputs of which it is known that numbers in them come from products of matrices."""
        engine = self.engine
        kinds = row_wise.MULTIPLYING - (row_wise.ONE_BY_ONE if self.company else set())
        return row_wise.multiplying(engine.plan, self.outputs, kinds) if isinstance(engine, CompiledEngine) else set()

    def one_by_one(self) -> tuple["Subject", set[str]]:
        """Return it with each row of a product by itself, and the outputs for which that makes a difference."""
        if not isinstance(self.engine, CompiledEngine):
            return self, set()
        concerned = row_wise.multiplying(self.engine.plan, self.outputs, row_wise.ONE_BY_ONE)
        return replace(self, company=self.engine.one_by_one()) if concerned else self, concerned

    def most_rows(self, output: str, most: int) -> int:
        """Return how many rows may be joined for an output, up to ``most``: fewer if they or the answers are wide."""
        shape = next(found.shape for found in self.schema.outputs if found.name == output)
        return min(most, _CELLS // max(1, len(self.schema.columns), prod(shape)))


def judge(subject: Subject, sample: Batch, batching: str = AUTO, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the option of the manifest that says for which outputs requests are joined (see ``record``)."""
    if batching == NEVER:
        entries: dict[str, Any] = {
            name: _entry(OWNER, joined=False, why_not="you asked for it") for name in subject.outputs
        }
        return {BATCHING: {"choice": batching, "outputs": entries}}
    listed = subject.listed()
    spent = seconds if batching == ALWAYS or listed != set(subject.outputs) else min(seconds, SECONDS_OF_LISTED)
    found = _tried(subject, subject.outputs, lambda: sample, spent, measured=batching == ALWAYS)
    if batching == ALWAYS:
        entries = {name: _entry(OWNER, finding, joined=True) for name, finding in found.items()}
    else:
        entries = {name: _judged(finding, listed=name in listed) for name, finding in found.items()}
        _let_go_of_labels(subject, entries)
    facts = {"choice": batching, "engine": subject.engine.name, "machine": dict(here()), "outputs": entries}
    alone = [name for name, entry in entries.items() if not entry["joined"]]
    return {BATCHING: {**facts, **_judged_one_by_one(subject, alone, sample, seconds)}}


def _judged_one_by_one(subject: Subject, outputs: Sequence[str], sample: Batch, seconds: float) -> dict[str, Any]:
    one_by_one, concerned = subject.one_by_one()
    names = [name for name in outputs if name in concerned]
    if not names:
        return {}
    found = _tried(one_by_one, names, lambda: sample, seconds)
    entries = {name: _judged(finding, listed=False) for name, finding in found.items()}
    _let_go_of_labels(one_by_one, entries)
    return {"one_by_one": entries}


def joins(
    options: Mapping[str, Any], subject: Subject, sample: Callable[[], Batch], seconds: float = SECONDS_AGAIN
) -> dict[str, int]:
    """Return the outputs for which this process may join requests to a version, each with the most rows at once.

    ``options`` are the manifest's. The reviewed list is looked at again, for the engine that is used here. What rows
    have shown counts for the engine and the machine that it was shown with; on others the trial is repeated, with
    rows drawn from ``sample``. It is not for versions that were published without one: they are joined only by the
    list.
    """
    chosen = record.choice(options)
    if chosen == NEVER:
        return {}
    if chosen == ALWAYS:
        return _bounded(subject, dict.fromkeys(subject.outputs, MOST_LISTED))
    listed = subject.listed() - set(record.differing(options))
    others = [name for name in record.joined(options) if name in subject.outputs and name not in listed]
    if others and not _holds_here(options, subject.engine):
        others = _repeated(subject, others, sample, seconds)
    return _bounded(subject, {**dict.fromkeys(listed, MOST_LISTED), **dict.fromkeys(others, MOST)})


def joins_one_by_one(
    options: Mapping[str, Any], subject: Subject, sample: Callable[[], Batch], seconds: float = SECONDS_AGAIN
) -> tuple[Engine, dict[str, int]]:
    """Return what answers requests of one row together, and for which outputs, each with the most rows at once.

    Takes what ``joins`` takes; these are none of its outputs. They have been tried when the version was published.
    """
    one_by_one, concerned = subject.one_by_one()
    outputs = [name for name in record.one_by_one(options) if name in concerned]
    if record.choice(options) != AUTO:
        outputs = []
    if outputs and not _holds_here(options, subject.engine):
        outputs = _repeated(one_by_one, outputs, sample, seconds)
    return one_by_one.company or subject.engine, _bounded(subject, dict.fromkeys(outputs, MOST))


def _bounded(subject: Subject, most: Mapping[str, int]) -> dict[str, int]:
    bounded = {name: subject.most_rows(name, rows) for name, rows in most.items()}
    return {name: rows for name, rows in bounded.items() if rows > 1}


def _holds_here(options: Mapping[str, Any], engine: Engine) -> bool:
    facts = record.facts(options)
    return facts.get("engine") == engine.name and facts.get("machine") == here()


def _repeated(subject: Subject, outputs: Sequence[str], sample: Callable[[], Batch], seconds: float) -> list[str]:
    found = _tried(subject, outputs, sample, seconds)
    entries = {name: _judged(finding, listed=False) for name, finding in found.items()}
    _let_go_of_labels(subject, entries)
    shown = [name for name, entry in entries.items() if entry["joined"]]
    log.info("requests for %s are joined here: %s", ", ".join(outputs), ", ".join(shown) or "none")
    return shown


def _tried(
    subject: Subject, outputs: Sequence[str], sample: Callable[[], Batch], seconds: float, *, measured: bool = False
) -> Mapping[str, Finding]:
    """Return what a trial shows of the outputs; of those whose rows or answers are too wide for one, nothing."""
    narrow = [name for name in outputs if subject.most_rows(name, TRIED) == TRIED]
    found: dict[str, Finding] = {name: Finding() for name in outputs}
    if narrow:
        rows = trial_rows(subject.schema, sample(), TRIED)
        found |= Trial(subject.engine, narrow, seconds, measured=measured, company=subject.company).run(rows)
    return found


def _judged(finding: Finding, *, listed: bool) -> dict[str, Any]:
    if finding.differs_at:
        sizes, apart = _measured(finding)
        return _entry(ROWS, finding, joined=False, why_not=record.different(sizes, apart))
    if listed:
        return _entry(STEPS, finding, joined=True)
    if finding.complete:
        return _entry(ROWS, finding, joined=True)
    return _entry(ROWS, finding, joined=False, why_not=_unfinished(finding))


def _unfinished(finding: Finding) -> str:
    if finding.rows == TRIED:
        return f"{TRIED} rows in company take longer than a trial may"
    return f"only {finding.rows} of {TRIED} rows could be tried"


def _let_go_of_labels(subject: Subject, entries: dict[str, dict[str, Any]]) -> None:
    """Answer labels alone if numbers of the same model have differed in the last bits, or are known to.

    Labels are where such numbers are greatest or positive: they are others too, though not in so many rows that a
    trial meets one.
    """
    labels, multiplied = subject.labels() & entries.keys(), subject.multiplied()
    differing = [name for name in entries if name not in labels and entries[name].get("differs_at")]
    for name in labels:
        if entries[name]["joined"] and entries[name]["rule"] == ROWS and (differing or name in multiplied):
            like = f", as {min(differing)} does" if differing else " in the last bits"
            entries[name] |= {"joined": False, "why_not": f"it is decided by numbers that differ{like}"}


def _entry(rule: str, finding: Finding | None = None, *, joined: bool, why_not: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"joined": joined, "rule": rule, **({"why_not": why_not} if why_not else {})}
    if finding is None:
        return entry
    sizes, apart = _measured(finding)
    return {**entry, "rows": finding.rows, **({"differs_at": sizes, "apart": apart} if sizes else {})}


def _measured(finding: Finding) -> tuple[list[int], float | None]:
    return sorted(finding.differs_at), finding.apart if isfinite(finding.apart) else None
