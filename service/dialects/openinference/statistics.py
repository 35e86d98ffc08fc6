"""Triton's statistics extension: what was counted of a version, in its words.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from typing import Any, TypedDict

from service.metrics.version_counts import VersionCounts


class Duration(TypedDict):
    """How many requests went through a step, and how many nanoseconds they spent there."""

    count: int
    ns: int


class InferenceStatistics(TypedDict):
    """The steps of requests. Waiting and failures are not timed by version, and nothing is cached: 0 there."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class ModelStatistics(TypedDict):
    """One version: rows and requests answered, when the last one was (milliseconds since 1970), and the steps."""

    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[Any]


class Statistics(TypedDict):
    """The answer to a request for statistics."""

    model_stats: list[ModelStatistics]


def model_statistics(name: str, version: int, counts: VersionCounts) -> ModelStatistics:
    """Return the protocol's object for one version."""
    answered = int(counts.answered)
    return ModelStatistics(
        name=name,
        version=str(version),
        last_inference=int(counts.last * 1000),
        inference_count=int(counts.rows),
        execution_count=answered,
        inference_stats=InferenceStatistics(
            success=_took(answered, counts.decode + counts.predict + counts.encode),
            fail=_took(int(counts.refused)),
            queue=_took(answered),
            compute_input=_took(answered, counts.decode),
            compute_infer=_took(answered, counts.predict),
            compute_output=_took(answered, counts.encode),
            cache_hit=_took(0),
            cache_miss=_took(0),
        ),
        batch_stats=[],
    )


def _took(count: int, seconds: float = 0.0) -> Duration:
    return Duration(count=count, ns=int(seconds * 1e9))
