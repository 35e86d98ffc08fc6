"""All compilers of this package."""

from types import ModuleType

from model_store.compilers.columns import encoders, side_by_side, texts

FAMILIES: tuple[ModuleType, ...] = (side_by_side, encoders, texts)
