"""What a publisher chooses about how a version is captured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from model_store.capture.goal import Goal
from model_store.joining.record import AUTO, Batching

ArtifactFormat = Literal["auto", "skops", "joblib"]
UnknownCategories = Literal["accept", "refuse"]
Progress = Callable[[str], None]
"""Takes each step as it begins, and each warning, which begins with ``WARNING``."""
WARNING = "warning: "


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What the publisher asks for: the model's name, and how its estimator and sample are captured.

    ``schema`` is the document of what is declared, as ``model_store.declaration.document`` reads it. With a
    ``goal``, the smallest form of the estimator is captured that keeps it. ``batching`` says whether requests that wait
    may be answered by one prediction.
    """

    name: str
    created_by: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    unknown_categories: UnknownCategories = "accept"
    artifact_format: ArtifactFormat = "auto"
    force: bool = False
    schema: Mapping[str, Any] | None = None
    goal: Goal | None = None
    batching: Batching = AUTO


def silent(_: str) -> None:
    """Report no progress."""
