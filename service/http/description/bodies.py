"""The bodies of each model in each dialect, as the API description shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model_store.schema import Schema
from service.dialects.dialect import Dialect, VerbBodies


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the API description says of one model: the bodies of the verbs that it has, its labels and channels."""

    verbs: Mapping[str, VerbBodies]
    labels: tuple[str, ...]


def describe(schema: Schema, labels: Iterable[str], dialects: Sequence[Dialect]) -> ModelDescription:
    """Return the description of a model with this schema."""
    verbs = {verb: bodies for dialect in dialects for verb, bodies in dialect.bodies(schema).items()}
    return ModelDescription(verbs, tuple(sorted(labels)))
