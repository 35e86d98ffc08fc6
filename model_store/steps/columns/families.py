"""All kinds of steps of this package."""

from types import ModuleType

from model_store.steps.columns import encoding, sparse, sums, tables, texts

FAMILIES: tuple[ModuleType, ...] = (tables, sparse, encoding, sums, texts)
